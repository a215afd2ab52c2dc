#include "api.h"
#include "book/book.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct book_set *api_book_open(const struct book_limits *limits, char *error) {
    struct book_set *set = book_open(limits);
    if (!set)
        snprintf(
            error, API_ERROR_BYTES,
            "no memory for %u order pages, %u levels and %u locates (%s): lower the limits or free memory",
            limits->order_pages, limits->levels, limits->locates, strerror(errno));
    return set;
}

void api_book_close(struct book_set *set) {
    book_close(set);
}

int64_t api_book_feed(struct book_set *set, const uint8_t *run, uint64_t bytes, struct book_event *events,
                      uint32_t room, uint32_t *event_count) {
    uint8_t *padded = malloc(bytes + BOOK_RUN_SLACK);
    if (!padded)
        return -1;
    memcpy(padded, run, bytes);
    memset(padded + bytes, 0, BOOK_RUN_SLACK);
    size_t taken = book_feed(set, padded, bytes, events, room, event_count);
    free(padded);
    return (int64_t)taken;
}

void api_book_sequence(struct book_set *set, uint64_t sequence) {
    set->sequence = sequence;
}

uint64_t api_book_next_sequence(const struct book_set *set) {
    return set->sequence;
}

void api_book_counters(const struct book_set *set, struct book_counters *counters) {
    book_read_counters(set, counters);
}

void api_book_view(const struct book_set *set, uint16_t locate, struct book_view *view) {
    book_view_fill(set, locate, view);
}

uint32_t api_book_levels(const struct book_set *set, uint16_t locate, uint32_t side,
                         struct level_view *levels, uint32_t room) {
    return book_levels(set, locate, side, levels, room);
}

uint32_t api_book_queue(const struct book_set *set, uint16_t locate, uint32_t side,
                        struct queued_order *queue, uint32_t room) {
    return book_queue(set, locate, side, queue, room);
}

uint64_t api_book_depth_digest(const struct book_set *set) {
    return book_depth_digest(set);
}

int32_t api_book_locate(const struct book_set *set, const char *symbol) {
    char padded[8];
    memset(padded, ' ', sizeof padded);
    size_t length = strlen(symbol);
    if (length > sizeof padded)
        return -1;
    memcpy(padded, symbol, length);
    for (uint32_t locate = 1; locate <= set->locates_used; locate++)
        if ((set->books[locate].flags & BOOK_HAS_SYMBOL) && !memcmp(set->infos[locate].symbol, padded, 8))
            return (int32_t)locate;
    return -1;
}
