/* The first stage: frames of a port in, messages in sequence into the books.
 *
 *     port -> (Ethernet, IP, UDP -> line -> mold64, for captures) -> book
 *
 * A feed owns its port, its arbitration and its books. When messages are missing (a gap that no line filled,
 * a message whose length is wrong for its type) every book is stale from there on: nothing in a file can tell
 * which symbols were touched. Another session starts with empty
 * books, in the same memory. So does a packet of another session while ours has not ended make them stale.
 */
#ifndef APPLIANCE_STAGE_FEED_H
#define APPLIANCE_STAGE_FEED_H

#include "abi.h"
#include "book/book.h"
#include "port/port.h"
#include "wire/mold64.h"

enum { FEED_BURST = 32 };

/* A run of framed messages in sequence. */
struct feed_run {
    const uint8_t *blocks;
    size_t bytes;
};

struct feed {
    struct port *port;
    struct mold64 *mold; /* made when the first Ethernet frame is seen */
    struct book_set *books;
    struct book_limits limits;
    struct frame_counters frames;
    struct line_map lines;
    struct port_frame burst[FEED_BURST];
    int burst_count;
    int burst_next;
    int finished; /* the port has ended, and with it every gap */
    int failed;   /* it ended because it failed */
    bool stale;
    uint64_t first_sequence; /* of this session, in a capture */
    struct feed_run rest;    /* what feed_advance has not applied yet */
};

/* NULL with one line in `error` (PORT_ERROR_BYTES). */
struct feed *feed_open(const char *path, const struct book_limits *limits, char *error);
void feed_close(struct feed *feed);

/* The next run: 1, 0 at the end, -1 with one line in `error`. The books' sequence number is set to its first
 * message, and the run is valid until the next call. */
int feed_next(struct feed *feed, struct feed_run *run, char *error);
/* Applies messages up to and including sequence number `until`, pausing after about `budget` of them. Returns
 * how many; 0 when `until` is reached or the input has ended; -1 with one line in `error`. */
int64_t feed_advance(struct feed *feed, uint64_t until, uint64_t budget, char *error);
/* Applies the first message of a run, and takes it from the run. Returns its bytes without the length in
 * front, or NULL when the run is used up. */
const uint8_t *feed_apply_one(struct feed *feed, struct feed_run *run, unsigned *length);

/* Whether a packet of a capture shows that messages are missing which nobody will bring: one from before the
 * first that was delivered, or of another session while ours has not ended (what it still held cannot be
 * known). */
bool feed_is_doubtful(enum mold64_verdict verdict, const uint8_t *payload, uint32_t length,
                      uint64_t first_sequence);

#endif
