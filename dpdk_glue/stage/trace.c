#include "stage/trace.h"

#include <stdlib.h>
#include <string.h>

enum {
    NUMBER_BYTES = 21 /* the longest 64-bit number, and a comma */
};

/* Every book is watched as if its view were published: so the books themselves say what a message touched. */
static void watch_all(struct book_set *books) {
    for (uint32_t locate = 1; locate <= books->locates; locate++)
        books->books[locate].flags |= BOOK_PUBLISHED;
}

struct trace *trace_open(struct feed *feed, uint32_t depth, const char *symbol) {
    struct trace *trace = calloc(1, sizeof *trace);
    if (!trace)
        return NULL;
    trace->feed = feed;
    trace->depth = depth;
    trace->levels = calloc(2 * (size_t)depth, sizeof *trace->levels);
    if (!trace->levels) {
        trace_close(trace);
        return NULL;
    }
    if (symbol) {
        memset(trace->symbol, ' ', sizeof trace->symbol);
        memcpy(trace->symbol, symbol, strnlen(symbol, sizeof trace->symbol));
    }
    watch_all(feed->books);
    return trace;
}

void trace_close(struct trace *trace) {
    if (trace)
        free(trace->levels);
    free(trace);
}

size_t trace_row_bytes(const struct trace *trace) {
    return (size_t)NUMBER_BYTES * (4 + 4 * (size_t)trace->depth) + 16;
}

static char *put_number(char *text, uint64_t number) {
    char digits[NUMBER_BYTES];
    int count = 0;
    do
        digits[count++] = (char)('0' + number % 10);
    while (number /= 10);
    while (count)
        *text++ = digits[--count];
    return text;
}

static char *put_level(char *text, const struct level_view *level) {
    *text++ = ',';
    text = put_number(text, level->px);
    *text++ = ',';
    return put_number(text, level->qty);
}

static char *put_row(struct trace *trace, char *text, uint64_t sequence, uint16_t locate, char type) {
    const struct book_set *books = trace->feed->books;
    const char *symbol = books->infos[locate].symbol;
    text = put_number(text, sequence);
    *text++ = ',';
    text = put_number(text, books->venue_ns);
    *text++ = ',';
    text = put_number(text, locate);
    *text++ = ',';
    int length = 8;
    while (length && (symbol[length - 1] == ' ' || !symbol[length - 1]))
        length--;
    for (int i = 0; i < length; i++) /* nothing that would need quoting */
        *text++ =
            symbol[i] == ',' || symbol[i] == '"' || symbol[i] < ' ' || symbol[i] == 0x7f ? '?' : symbol[i];
    *text++ = ',';
    *text++ = type;
    struct level_view *asks = trace->levels;
    struct level_view *bids = trace->levels + trace->depth;
    memset(trace->levels, 0, 2 * (size_t)trace->depth * sizeof *trace->levels);
    book_levels(books, locate, SIDE_ASK, asks, trace->depth);
    book_levels(books, locate, SIDE_BID, bids, trace->depth);
    for (uint32_t i = 0; i < trace->depth; i++) {
        text = put_level(text, &asks[i]);
        text = put_level(text, &bids[i]);
    }
    *text++ = '\n';
    return text;
}

static void forget_touched(struct book_set *books) {
    for (uint32_t i = 0; i < books->dirty_count; i++)
        books->books[books->dirty[i]].flags &= (uint16_t)~BOOK_DIRTY;
    books->dirty_count = 0;
}

/* The locate of an order message that has touched its book; 0 for any other. */
static uint16_t touched(const struct book_set *books, const uint8_t *message, unsigned length) {
    if (length < ITCH_HEADER_BYTES || !book_type_has_order(message[0]))
        return 0;
    uint16_t locate = (uint16_t)(message[1] << 8 | message[2]);
    return locate <= books->locates && (books->books[locate].flags & BOOK_DIRTY) ? locate : 0;
}

int64_t trace_fill(struct trace *trace, char *text, size_t room, uint64_t budget, int *ended, char *error) {
    char *at = text;
    const char *full = text + room - trace_row_bytes(trace);
    *ended = 0;
    while (at <= full && budget && !trace->failed) {
        if (!trace->run.bytes) {
            uint64_t session = trace->feed->books->session;
            int found = feed_next(trace->feed, &trace->run, trace->error);
            if (found < 0) {
                trace->failed = true;
                break;
            }
            if (!found) {
                *ended = 1;
                break;
            }
            if (trace->feed->books->session != session)
                watch_all(trace->feed->books);
            continue;
        }
        unsigned length;
        uint64_t sequence = trace->feed->books->sequence;
        forget_touched(trace->feed->books);
        const uint8_t *message = feed_apply_one(trace->feed, &trace->run, &length);
        budget--;
        uint16_t locate = touched(trace->feed->books, message, length);
        if (!locate)
            continue;
        if (trace->symbol[0] && memcmp(trace->feed->books->infos[locate].symbol, trace->symbol, 8) != 0)
            continue;
        at = put_row(trace, at, sequence, locate, (char)message[0]);
    }
    if (trace->failed && at == text) { /* the rows before the failure have been handed out */
        memcpy(error, trace->error, sizeof trace->error);
        return -1;
    }
    return at - text;
}
