#include "stage/feed.h"

#include "port/file.h"
#include "stats/clock.h"
#include "wire/bytes.h"
#include "wire/frame.h"
#include "wire/lines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* Packets that may wait for a gap to be filled, and that are looked at before the stream is taken to
     * start: more than any reorder a recorded line shows. */
    REORDER_WINDOW = 1024,
    SETTLE = 4
};

/* Every event says when the burst that caused it came in. */
static uint64_t receive_stamp(void) {
#ifdef APPLIANCE_NO_STATS
    return 0;
#else
    return clock_cycles();
#endif
}

struct feed *feed_open(const char *path, const struct book_limits *limits, char *error) {
    struct feed *feed = calloc(1, sizeof *feed);
    if (!feed) {
        snprintf(error, PORT_ERROR_BYTES, "no memory for a feed");
        return NULL;
    }
    feed->limits = *limits;
    feed->port = port_file_open(path, 0, error);
    if (feed->port)
        feed->books = book_open(limits);
    if (feed->port && !feed->books)
        snprintf(error, PORT_ERROR_BYTES, "no memory for the books (%s): lower their limits or free memory",
                 strerror(errno));
    if (!feed->books) {
        feed_close(feed);
        return NULL;
    }
    return feed;
}

void feed_close(struct feed *feed) {
    if (!feed)
        return;
    if (feed->port)
        feed->port->driver->close(feed->port);
    if (feed->mold)
        mold64_close(feed->mold);
    book_close(feed->books);
    free(feed);
}

static void mark_stale(struct feed *feed, bool stale) {
    feed->stale = stale;
    book_set_stale(feed->books, stale);
}

static bool run_of_mold(struct feed *feed, struct feed_run *run) {
    struct mold64_run arrived;
    if (!feed->mold || !mold64_next(feed->mold, &arrived))
        return false;
    if (arrived.new_session) {
        book_clear(feed->books);
        mark_stale(feed, false);
    }
    if (arrived.gap_before)
        mark_stale(feed, true);
    if (arrived.new_session || !feed->first_sequence)
        feed->first_sequence = arrived.first_sequence;
    feed->books->sequence = arrived.first_sequence;
    *run = (struct feed_run){.blocks = arrived.blocks, .bytes = arrived.length};
    return true;
}

bool feed_is_doubtful(enum mold64_verdict verdict, const uint8_t *payload, uint32_t length,
                      uint64_t first_sequence) {
    uint64_t sequence = length >= MOLD64_HEADER_BYTES ? bytes_be64(payload + 10) : 0;
    return verdict == MOLD64_OTHER_SESSION ||
           (verdict == MOLD64_LATE && sequence && sequence < first_sequence);
}

static int push_frame(struct feed *feed, const struct port_frame *frame, char *error) {
    struct frame_udp udp;
    if (!feed->mold && !(feed->mold = mold64_open(REORDER_WINDOW, SETTLE))) {
        snprintf(error, PORT_ERROR_BYTES, "no memory for a reorder window of %d packets", REORDER_WINDOW);
        return -1;
    }
    if (frame_parse(frame->data, frame->length, &udp, &feed->frames) != FRAME_UDP)
        return 0;
    int line = lines_find(&feed->lines, &udp);
    if (line == LINES_OTHER)
        return 0;
    enum mold64_verdict verdict = mold64_push(feed->mold, udp.payload, udp.length, (unsigned)line);
    if (feed_is_doubtful(verdict, udp.payload, udp.length, feed->first_sequence))
        mark_stale(feed, true);
    return 0;
}

int feed_next(struct feed *feed, struct feed_run *run, char *error) {
    for (;;) {
        bool found = run_of_mold(feed, run);
        if (found && !run->bytes) /* it only told of a gap at the end */
            continue;
        if (!found && feed->failed) { /* all that came before the failure has been given */
            snprintf(error, PORT_ERROR_BYTES, "%s", feed->port->error);
            return -1;
        }
        if (found || feed->finished)
            return found;
        if (feed->burst_next == feed->burst_count) {
            feed->burst_next = 0;
            feed->burst_count = feed->port->driver->rx_burst(feed->port, feed->burst, FEED_BURST);
            feed->books->rx_cycles = receive_stamp();
            if (feed->burst_count < 0) {
                feed->failed = feed->burst_count == PORT_FAILED;
                feed->burst_count = 0;
                feed->finished = 1;
                if (feed->mold)
                    mold64_finish(feed->mold);
            }
            continue;
        }
        const struct port_frame *frame = &feed->burst[feed->burst_next++];
        if (frame->kind == PORT_ITCH) {
            *run = (struct feed_run){.blocks = frame->data, .bytes = frame->length};
            return 1;
        }
        if (push_frame(feed, frame, error) < 0)
            return -1;
    }
}

static void apply(struct feed *feed, struct feed_run *run, size_t bytes) {
    uint64_t nobodys = feed->books->nobodys_messages;
    size_t taken = book_feed(feed->books, run->blocks, bytes, NULL, 0, NULL);
    run->blocks += taken;
    run->bytes -= taken;
    if (feed->books->nobodys_messages != nobodys)
        mark_stale(feed, true);
    feed->stale |= feed->books->stale_books != 0;
}

/* The bytes of the messages whose sequence number is at most `until`. */
static size_t bytes_until(const struct feed *feed, const struct feed_run *run, uint64_t until) {
    uint64_t sequence = feed->books->sequence;
    size_t bytes = 0;
    for (; sequence <= until && bytes < run->bytes; sequence++)
        bytes += 2 + ((size_t)run->blocks[bytes] << 8 | run->blocks[bytes + 1]);
    return bytes;
}

int64_t feed_advance(struct feed *feed, uint64_t until, uint64_t budget, char *error) {
    uint64_t start = feed->books->counters.messages;
    while (feed->books->counters.messages - start < budget) {
        if (!feed->rest.bytes) {
            int found = feed_next(feed, &feed->rest, error);
            if (found < 0)
                return -1;
            if (!found)
                break;
        }
        if (feed->books->sequence > until)
            break;
        apply(feed, &feed->rest,
              until == UINT64_MAX ? feed->rest.bytes : bytes_until(feed, &feed->rest, until));
    }
    return (int64_t)(feed->books->counters.messages - start);
}

const uint8_t *feed_apply_one(struct feed *feed, struct feed_run *run, unsigned *length) {
    if (!run->bytes)
        return NULL;
    const uint8_t *message = run->blocks + 2;
    *length = (unsigned)run->blocks[0] << 8 | run->blocks[1];
    apply(feed, run, 2 + (size_t)*length);
    return message;
}
