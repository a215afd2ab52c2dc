#include "api.h"
#include "port/file.h"
#include "stage/feed.h"
#include "stage/trace.h"

#include <stdio.h>
#include <string.h>

_Static_assert(PORT_ERROR_BYTES <= API_ERROR_BYTES, "an error of a port fits");

struct feed *api_feed_open(const char *path, const struct book_limits *limits, char *error) {
    return feed_open(path, limits, error);
}

void api_feed_close(struct feed *feed) {
    feed_close(feed);
}

int64_t api_feed_advance(struct feed *feed, uint64_t until, uint64_t budget, char *error) {
    return feed_advance(feed, until, budget, error);
}

struct book_set *api_feed_books(struct feed *feed) {
    return feed->books;
}

void api_feed_progress(const struct feed *feed, uint64_t *done, uint64_t *total) {
    port_file_progress(feed->port, done, total);
}

int api_feed_packets(const struct feed *feed, struct frame_counters *frames, struct line_map *lines,
                     struct mold64_counters *mold) {
    *frames = feed->frames;
    *lines = feed->lines;
    if (!feed->mold)
        return 0;
    *mold = *mold64_read_counters(feed->mold);
    return 1;
}

int api_feed_stale(const struct feed *feed) {
    return feed->stale;
}

struct trace *api_trace_open(struct feed *feed, uint32_t depth, const char *symbol, char *error) {
    if (depth < 1 || depth > TRACE_DEPTH_MAX) {
        snprintf(error, API_ERROR_BYTES, "a trace of %u levels: choose 1 to %d", depth, TRACE_DEPTH_MAX);
        return NULL;
    }
    struct trace *trace = trace_open(feed, depth, symbol);
    if (!trace)
        snprintf(error, API_ERROR_BYTES, "no memory for a trace of %u levels", depth);
    return trace;
}

void api_trace_close(struct trace *trace) {
    trace_close(trace);
}

uint64_t api_trace_row_bytes(const struct trace *trace) {
    return trace_row_bytes(trace);
}

int64_t api_trace_fill(struct trace *trace, char *text, uint64_t room, uint64_t budget, int *ended,
                       char *error) {
    return trace_fill(trace, text, room, budget, ended, error);
}
