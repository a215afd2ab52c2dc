/* Writes one view as fast as it can, for the test of its readers: `view_writer FD PAUSE`, the segment open as
 * FD.
 *
 * Two books differ in every field that a view shows, and their views take turns, with PAUSE turns of an empty
 * loop after each. It runs until it is killed.
 */
#include "book/publish.h"
#include "stage/segment.h"

#include <stdio.h>
#include <stdlib.h>

enum { LEVELS = 10, ADD_BYTES = 36, TRADE_BYTES = 44 };

static const char symbols[1][8] = {"VIEW    "};

static uint8_t *put_number(uint8_t *at, uint64_t number, unsigned bytes) {
    while (bytes--)
        *at++ = (uint8_t)(number >> 8 * bytes);
    return at;
}

/* Type, locate 1, no tracking number, time, and what an order and a trade have in common. */
static uint8_t *put_order(uint8_t *at, unsigned length, char type, uint64_t reference, char side,
                          uint32_t shares, uint32_t price) {
    at = put_number(at, length, 2);
    at = put_number(at, (uint8_t)type, 1);
    at = put_number(at, 1, 2);
    at = put_number(at, 0, 2);
    at = put_number(at, shares, 6);
    at = put_number(at, reference, 8);
    at = put_number(at, (uint8_t)side, 1);
    at = put_number(at, shares, 4);
    for (unsigned i = 0; i < sizeof symbols[0]; i++)
        *at++ = (uint8_t)symbols[0][i];
    return put_number(at, price, 4);
}

static struct book_set *make_books(uint32_t unit) {
    static uint8_t run[2 * LEVELS * (2 + ADD_BYTES) + 2 + TRADE_BYTES + BOOK_RUN_SLACK];
    const struct book_limits limits = {.orders = 64, .order_pages = 2, .levels = 64, .locates = 1};
    struct book_set *books = book_open(&limits);
    uint8_t *at = run;
    if (!books)
        exit(2);
    for (uint32_t level = 0; level < LEVELS; level++) {
        at = put_order(at, ADD_BYTES, 'A', 2 * level + 1, 'B', unit, 100 * unit - level);
        at = put_order(at, ADD_BYTES, 'A', 2 * level + 2, 'S', unit, 100 * unit + 1 + level);
    }
    at = put_order(at, TRADE_BYTES, 'P', 0, 'B', unit, 100 * unit);
    at = put_number(at, unit, 8);
    book_feed(books, run, (size_t)(at - run), NULL, 0, NULL);
    books->sequence = unit + 1;
    return books;
}

int main(int count, char **words) {
    struct segment segment;
    struct publisher publisher;
    char error[512];
    if (count != 3 || segment_attach(&segment, atoi(words[1]), error, sizeof error) < 0 ||
        publisher_open(&publisher, segment.views, symbols, 1) < 0)
        return 2;
    struct book_set *books[2] = {make_books(1), make_books(2)};
    publisher_step(&publisher, books[0]);
    books[1]->books[1].flags |= BOOK_PUBLISHED;
    segment_set_state(&segment, SHM_RUNNING);
    for (unsigned turn = 1;; turn++) {
        struct book_set *shown = books[turn & 1];
        book_mark_dirty(shown, &shown->books[1]);
        publisher_step(&publisher, shown);
        for (volatile int pause = atoi(words[2]); pause > 0; pause--)
            ;
    }
}
