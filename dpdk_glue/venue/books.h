/* The books of the simulated exchange: its day applied up to a message, and a GLIMPSE snapshot of that state.
 *
 * They go forward only, session by session, as far as asked; a new session starts with empty books. Beside
 * the books they remember what a snapshot tells and no book keeps: the system events, the last message of
 * each kind about a symbol, and who stands behind an attributed order (through its replacements).
 *
 * A snapshot names, in this order: all system events, and for every symbol, in the order of locates, its
 * directory; then trading actions, short-sale restrictions, operational halts and retail interest as they
 * stand, all of them the messages of the day; then every order at rest as an add order, by locate, bids
 * first, best price first, oldest first, with the time of the last message applied; then the end of the
 * snapshot, with the number of the first message that is not in it.
 */
#ifndef APPLIANCE_VENUE_BOOKS_H
#define APPLIANCE_VENUE_BOOKS_H

#include "book/book.h"
#include "venue/day.h"

enum venue_told { VENUE_DIRECTORY, VENUE_ACTION, VENUE_SHORT_SALE, VENUE_HALT, VENUE_RETAIL, VENUE_TOLD };

/* Who stands behind an order, by its reference: open addressing, references of 0 are free places. */
struct venue_attribution {
    uint64_t reference;
    char participant[4];
    uint32_t reserved;
};

struct venue_attributions {
    struct venue_attribution *places;
    uint64_t mask;
    uint64_t count;
};

struct venue_books {
    const struct venue_day *day;
    struct book_set *set;
    uint32_t session;           /* how many were before */
    uint64_t at;                /* bytes of the day that are applied */
    uint64_t *told[VENUE_TOLD]; /* by locate: where the last such message stands, + 1 */
    uint64_t *events;           /* where system events stand */
    uint32_t event_count;
    uint32_t event_room;
    struct venue_attributions attributions;
    bool out_of_memory; /* the snapshot would not be whole */
};

struct venue_books *venue_books_open(const struct venue_day *day, const struct book_limits *limits);
void venue_books_close(struct venue_books *books);
/* See api_venue_books_advance. */
int64_t venue_books_advance(struct venue_books *books, uint32_t session, uint64_t until, uint64_t budget);
/* The participant of an attributed order, or NULL. */
const char *venue_books_participant(const struct venue_books *books, uint64_t reference);

/* snapshot.c: see api_venue_snapshot. */
int64_t venue_snapshot(const struct venue_books *books, uint8_t *packets, uint64_t room);

#endif
