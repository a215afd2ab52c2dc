/* The book after every message that touched it, as lines of text.
 *
 *     sequence,venue_ns,locate,symbol,type, then for each level ask_px,ask_qty,bid_px,bid_qty
 *
 * best first; a level that is not there is 0,0. Only messages that changed an order give a row.
 */
#ifndef APPLIANCE_STAGE_TRACE_H
#define APPLIANCE_STAGE_TRACE_H

#include "stage/feed.h"

enum { TRACE_DEPTH_MAX = 1000 };

struct trace {
    struct feed *feed;
    struct feed_run run;
    struct level_view *levels; /* depth of each side */
    uint32_t depth;
    char symbol[8]; /* padded; all zero = every symbol */
    bool failed;
    char error[PORT_ERROR_BYTES];
};

/* The trace borrows the feed. `symbol` is NULL for all. NULL when there is no memory. */
struct trace *trace_open(struct feed *feed, uint32_t depth, const char *symbol);
void trace_close(struct trace *trace);
/* The longest row. */
size_t trace_row_bytes(const struct trace *trace);
/* Writes whole rows, as many as fit and as `budget` messages give. Returns the bytes written; *ended is set
 * when the input has ended; -1 with one line in `error`. */
int64_t trace_fill(struct trace *trace, char *text, size_t room, uint64_t budget, int *ended, char *error);

#endif
