/* Bytes as a feed file. The port, streamed and loaded: both must give the same frames and the same end. Then
 * the feed, through all of its ways in: in great steps, in small ones with views published after each, and as
 * a trace, row by row. All must come to the same books, and every view must be what its book says. */
#include "port/file.h"
#include "book/publish.h"
#include "fuzz/checked.h"
#include "stage/feed.h"
#include "stage/trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BURST = 3, SMALL_STEP = 2, GREAT_STEP = 1 << 20, VIEWS = 2, DEPTH = 3, ROWS_AT_ONCE = 2 };

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

/* What was read, whatever way it was cut into frames. */
struct reading {
    uint64_t bytes;
    uint64_t hash;
    char error[PORT_ERROR_BYTES];
};

static void take_frame(const struct port_frame *frame, struct reading *reading) {
    volatile uint8_t slack = 0;
    for (unsigned i = 0; i < PORT_SLACK; i++)
        slack ^= frame->data[frame->length + i];
    (void)slack;
    for (uint32_t i = 0; i < frame->length; i++)
        reading->hash = (reading->hash ^ frame->data[i]) * 0x100000001b3;
    reading->bytes += frame->length;
}

/* False when it is no feed file at all. */
static bool read_file(const char *path, unsigned options, struct reading *reading) {
    struct port *port = port_file_open(path, options, reading->error);
    if (!port)
        return false;
    struct port_frame frames[BURST];
    int count;
    while ((count = port->driver->rx_burst(port, frames, BURST)) >= 0)
        for (int i = 0; i < count; i++)
            take_frame(&frames[i], reading);
    if (count == PORT_FAILED)
        memcpy(reading->error, port->error, sizeof reading->error);
    CHECK((count == PORT_FAILED) == (reading->error[0] != 0));
    port->driver->close(port);
    return true;
}

/* What a feed came to. */
struct outcome {
    struct book_counters counters;
    uint64_t depth_digest;
    uint64_t following;
    bool stale;
    char error[PORT_ERROR_BYTES];
};

static struct feed *open_feed(const char *path) {
    char error[PORT_ERROR_BYTES];
    struct feed *feed = feed_open(path, &checked_limits, error);
    CHECK(feed);
    return feed;
}

/* Once a feed has ended or failed it has nothing more to give, however often it is asked. */
static void take_outcome(struct feed *feed, struct outcome *outcome) {
    char again[PORT_ERROR_BYTES] = {0};
    CHECK(feed_advance(feed, UINT64_MAX, GREAT_STEP, again) == (outcome->error[0] ? -1 : 0));
    CHECK(strcmp(again, outcome->error) == 0);
    checked_verify(feed->books);
    book_read_counters(feed->books, &outcome->counters);
    outcome->depth_digest = book_depth_digest(feed->books);
    outcome->following = feed->books->sequence;
    outcome->stale = feed->stale;
    if (feed->mold && mold64_read_counters(feed->mold)->sessions <= 1)
        CHECK(!mold64_read_counters(feed->mold)->lost || feed->stale);
    feed_close(feed);
}

/* A view that has a locate shows its book, whatever made the book change; one without shows nothing. */
static void verify_views(const struct book_set *books, const struct book_view *views) {
    for (unsigned i = 0; i < VIEWS; i++) {
        const struct book_view *view = &views[i];
        struct book_view now;
        memset(&now, 0, sizeof now);
        CHECK(view->version % 2 == 0);
        if (view->locate) {
            book_view_fill(books, view->locate, &now);
            CHECK(memcmp(view->symbol, now.symbol, sizeof now.symbol) == 0 && view->flags == now.flags);
        }
        CHECK(view->bid_levels == now.bid_levels && view->ask_levels == now.ask_levels);
        CHECK(memcmp(view->bid, now.bid, sizeof now.bid) == 0);
        CHECK(memcmp(view->ask, now.ask, sizeof now.ask) == 0);
        CHECK(view->last_px == now.last_px && view->traded_qty == now.traded_qty);
        CHECK(view->trading_state == now.trading_state && view->reg_sho == now.reg_sho);
    }
}

static void in_steps(const char *path, uint64_t budget, struct outcome *outcome) {
    static const char symbols[VIEWS][8] = {"FUZZ    ", "OTHER   "};
    static struct book_view views[VIEWS];
    struct publisher publisher;
    struct feed *feed = open_feed(path);
    memset(views, 0, sizeof views);
    CHECK(publisher_open(&publisher, views, symbols, VIEWS) == 0);
    int64_t taken;
    do {
        taken = feed_advance(feed, UINT64_MAX, budget, outcome->error);
        publisher_step(&publisher, feed->books);
        verify_views(feed->books, views);
    } while (taken > 0);
    publisher_close(&publisher);
    take_outcome(feed, outcome);
}

/* Sequence number by sequence number, as somebody does who looks for a moment. */
static void one_by_one(const char *path, struct outcome *outcome) {
    struct feed *feed = open_feed(path);
    int64_t taken;
    do {
        uint64_t until = feed->books->sequence;
        taken = feed_advance(feed, until, GREAT_STEP, outcome->error);
        CHECK(taken <= 1 || feed->books->session); /* another session's numbers start again */
        if (taken == 0)                            /* the next message is behind a gap, if there is one */
            taken = feed_advance(feed, UINT64_MAX, 1, outcome->error);
    } while (taken > 0);
    take_outcome(feed, outcome);
}

/* Returns the rows. */
static uint64_t as_trace(const char *path, size_t rows_at_once, struct outcome *outcome) {
    struct feed *feed = open_feed(path);
    struct trace *trace = trace_open(feed, DEPTH, NULL);
    CHECK(trace);
    size_t room = rows_at_once * trace_row_bytes(trace);
    char *text = malloc(room); /* its very size, so that the sanitizer sees a row that is too long */
    CHECK(text);
    uint64_t lines = 0;
    int ended = 0;
    int64_t length;
    do {
        length = trace_fill(trace, text, room, SMALL_STEP, &ended, outcome->error);
        CHECK(length <= (int64_t)room && (length <= 0 || text[length - 1] == '\n'));
        for (int64_t i = 0; i < length; i++)
            lines += text[i] == '\n';
    } while (length >= 0 && !ended);
    free(text);
    trace_close(trace);
    take_outcome(feed, outcome);
    return lines;
}

static void same(const struct outcome *one, const struct outcome *other) {
    CHECK(memcmp(&one->counters, &other->counters, sizeof one->counters) == 0);
    CHECK(one->depth_digest == other->depth_digest && one->following == other->following);
    CHECK(one->stale == other->stale && strcmp(one->error, other->error) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size) {
    int descriptor = memfd_create("feed", 0);
    CHECK(descriptor >= 0 && write(descriptor, input, size) == (ssize_t)size);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    struct reading streamed = {0};
    struct reading loaded = {0};
    bool is_feed = read_file(path, 0, &streamed);
    CHECK(read_file(path, PORT_LOAD, &loaded) == is_feed);
    CHECK(streamed.bytes == loaded.bytes && streamed.hash == loaded.hash);
    CHECK(strcmp(streamed.error, loaded.error) == 0);
    if (is_feed) {
        struct outcome outcomes[4];
        memset(outcomes, 0, sizeof outcomes);
        in_steps(path, GREAT_STEP, &outcomes[0]);
        in_steps(path, 1, &outcomes[1]);
        uint64_t rows = as_trace(path, ROWS_AT_ONCE, &outcomes[2]);
        one_by_one(path, &outcomes[3]);
        for (unsigned i = 1; i < 4; i++)
            same(&outcomes[0], &outcomes[i]);
        CHECK(strcmp(outcomes[0].error, streamed.error) == 0);
        CHECK(rows <= outcomes[0].counters.messages);
    }
    close(descriptor);
    return 0;
}
