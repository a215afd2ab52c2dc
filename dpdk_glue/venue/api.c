/* The simulated exchange as Python calls it. */
#include "api.h"

#include "venue/books.h"
#include "venue/day.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct venue_day *api_venue_day_open(const uint8_t *framed, uint64_t bytes, char *error) {
    return venue_day_open(framed, bytes, error);
}

void api_venue_day_close(struct venue_day *day) {
    venue_day_close(day);
}

uint64_t api_venue_day_messages(const struct venue_day *day) {
    return venue_day_messages(day);
}

uint64_t api_venue_day_bytes(const struct venue_day *day, uint64_t messages) {
    return venue_day_bytes(day, messages);
}

uint32_t api_venue_reply(const struct venue_day *day, const char *session, uint64_t first, uint32_t count,
                         uint64_t last, uint8_t *packet, uint32_t room) {
    return venue_reply(day, session, first, count, last, packet, room);
}

int api_venue_session(const char *first, uint32_t sessions_before, char *name) {
    return venue_session_name(first, sessions_before, name) ? 0 : -1;
}

struct venue_books *api_venue_books_open(const struct venue_day *day, const struct book_limits *limits,
                                         char *error) {
    struct venue_books *books = venue_books_open(day, limits);
    if (!books)
        snprintf(error, API_ERROR_BYTES, "no memory for the books of the venue (%s)", strerror(errno));
    return books;
}

void api_venue_books_close(struct venue_books *books) {
    venue_books_close(books);
}

int64_t api_venue_books_advance(struct venue_books *books, uint32_t session, uint64_t until,
                                uint64_t budget) {
    return venue_books_advance(books, session, until, budget);
}

uint32_t api_venue_books_session(const struct venue_books *books) {
    return books->session;
}

struct book_set *api_venue_books_set(struct venue_books *books) {
    return books->set;
}

int64_t api_venue_snapshot(const struct venue_books *books, uint8_t *packets, uint64_t room) {
    return venue_snapshot(books, packets, room);
}
