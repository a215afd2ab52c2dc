#include "fuzz/checked.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ORDERS = 2048, LEVELS = 64, EVENTS = 64, WINDOW = 4, SETTLE = 2 };

void checked_fail(const char *condition, const char *file, int line) {
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    abort();
}

uint8_t *checked_copy(const uint8_t *bytes, size_t length, size_t slack) {
    uint8_t *copy = malloc(length + slack + !(length + slack));
    CHECK(copy);
    if (length)
        memcpy(copy, bytes, length);
    memset(copy + length, 0xa5, slack);
    return copy;
}

const struct book_limits checked_limits = {
    .orders = ORDERS, .order_pages = 3, .levels = LEVELS, .locates = CHECKED_LOCATES};

struct book_set *checked_books(void) {
    struct book_set *books = book_open(&checked_limits);
    CHECK(books);
    return books;
}

void checked_feed(struct book_set *books, const uint8_t *run, size_t length, uint32_t room) {
    uint8_t *copy = checked_copy(run, length, BOOK_RUN_SLACK);
    struct book_event events[EVENTS];
    CHECK(room <= EVENTS);
    for (size_t at = 0; at < length;) {
        uint32_t count = 0;
        size_t taken = book_feed(books, copy + at, length - at, room ? events : NULL, room, &count);
        CHECK(taken > 0 && taken <= length - at && count <= room);
        at += taken;
    }
    free(copy);
}

static uint64_t verify_side(const struct book_set *books, uint16_t locate, unsigned side) {
    struct level_view levels[LEVELS];
    static struct queued_order queue[ORDERS];
    uint32_t level_count = book_levels(books, locate, side, levels, LEVELS);
    uint32_t order_count = book_queue(books, locate, side, queue, sizeof queue / sizeof *queue);
    CHECK(level_count <= LEVELS && order_count <= sizeof queue / sizeof *queue);
    uint32_t at = 0;
    for (uint32_t level = 0; level < level_count; level++) {
        if (level)
            CHECK(side == SIDE_BID ? levels[level].px < levels[level - 1].px
                                   : levels[level].px > levels[level - 1].px);
        CHECK(levels[level].orders > 0);
        uint64_t quantity = 0;
        for (uint32_t order = 0; order < levels[level].orders; order++, at++) {
            CHECK(at < order_count && queue[at].px == levels[level].px && queue[at].qty > 0);
            quantity += queue[at].qty;
        }
        CHECK(quantity == levels[level].qty);
    }
    CHECK(at == order_count);
    return order_count;
}

void checked_verify(const struct book_set *books) {
    uint64_t orders = 0;
    for (uint16_t locate = 0; locate <= CHECKED_LOCATES; locate++)
        orders += verify_side(books, locate, SIDE_BID) + verify_side(books, locate, SIDE_ASK);
    struct book_counters counters;
    book_read_counters(books, &counters);
    CHECK(orders == counters.live_orders);
}

/* No check of a book says anything about one that refuses every order: limits that do so stop the fuzzer
 * before its first input. */
int LLVMFuzzerInitialize(int *count, char ***words) {
    enum { ADD_BYTES = 36, LOCATE = 2, REFERENCE = 18, SIDE = 19, SHARES = 23, PRICE = 35, ADDS = 3 };
    uint8_t run[ADDS * (2 + ADD_BYTES)] = {0};
    (void)count;
    (void)words;
    for (unsigned i = 0; i < ADDS; i++) {
        uint8_t *message = run + (size_t)i * (2 + ADD_BYTES) + 2;
        message[-1] = ADD_BYTES;
        message[0] = 'A';
        message[LOCATE] = message[SHARES] = message[PRICE] = 1;
        message[REFERENCE] = (uint8_t)i;
        message[SIDE] = 'B';
    }
    struct book_set *books = checked_books();
    checked_feed(books, run, sizeof run, 0);
    struct book_counters counters;
    book_read_counters(books, &counters);
    CHECK(counters.live_orders == ADDS && counters.live_levels == 1);
    checked_verify(books);
    book_close(books);
    return 0;
}

void checked_open(struct checked_stream *stream) {
    *stream = (struct checked_stream){.mold = mold64_open(WINDOW, SETTLE), .books = checked_books()};
    CHECK(stream->mold);
}

static void take_runs(struct checked_stream *stream) {
    struct mold64_run run;
    while (mold64_next(stream->mold, &run)) {
        CHECK(run.messages || run.gap_before);
        if (run.new_session)
            stream->following = 1;
        if (stream->following)
            CHECK(run.first_sequence - run.gap_before == stream->following);
        stream->following = run.first_sequence + run.messages;
        stream->messages += run.messages;
        stream->lost += run.gap_before;
        if (run.gap_before)
            book_set_stale(stream->books, 1);
        stream->books->sequence = run.first_sequence;
        if (run.length)
            checked_feed(stream->books, run.blocks, run.length, 0);
        CHECK(stream->books->sequence == stream->following);
    }
}

void checked_payload(struct checked_stream *stream, const uint8_t *payload, uint32_t length, unsigned line) {
    uint8_t *copy = checked_copy(payload, length, ITCH_SLACK);
    CHECK(mold64_push(stream->mold, copy, length, line) < MOLD64_VERDICTS);
    stream->pushed++;
    take_runs(stream);
    free(copy);
}

void checked_frame(struct checked_stream *stream, const uint8_t *frame, uint32_t length) {
    uint8_t *copy = checked_copy(frame, length, 0);
    struct frame_udp udp;
    if (frame_parse(copy, length, &udp, &stream->frames) == FRAME_UDP) {
        CHECK(udp.payload >= copy && udp.payload + udp.length <= copy + length);
        int line = lines_find(&stream->lines, &udp);
        if (line != LINES_OTHER)
            checked_payload(stream, udp.payload, udp.length, (unsigned)line);
    }
    free(copy);
}

void checked_close(struct checked_stream *stream) {
    mold64_finish(stream->mold);
    take_runs(stream);
    const struct mold64_counters *counters = mold64_read_counters(stream->mold);
    CHECK(counters->messages == stream->messages && counters->lost == stream->lost);
    CHECK(counters->held_peak <= WINDOW + 1);
    uint64_t packets = 0;
    for (unsigned line = 0; line < MOLD64_LINES; line++)
        for (unsigned verdict = 0; verdict < MOLD64_VERDICTS; verdict++)
            packets += counters->line[line].by_verdict[verdict];
    CHECK(packets == stream->pushed);
    checked_verify(stream->books);
    mold64_close(stream->mold);
    book_close(stream->books);
}
