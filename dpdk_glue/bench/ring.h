/* The ring of items between two cores, and a plain queue in the same place: how long an item takes there and
 * back, and how long each takes of many in a row.
 *
 * Both carry items of 64 bytes, all of them written and read, in memory of the same kind; both are filled and
 * emptied by the same code but for the calls. The ring hands over up to 32 at once, the queue one.
 */
#ifndef APPLIANCE_BENCH_RING_H
#define APPLIANCE_BENCH_RING_H

#include <stdint.h>

enum bench_ring_what {
    BENCH_RING_THERE_AND_BACK = 0,
    BENCH_RING_MANY = 1,
    BENCH_PLAIN_THERE_AND_BACK = 2,
    BENCH_PLAIN_MANY = 3
};

/* Nanoseconds for each of `count` items, on these two cores (the same: the threads take turns). -1: without
 * memory or threads, or on cores that this process may not use; -2: an item was lost or changed. */
double bench_ring(enum bench_ring_what what, uint64_t count, int core, int other_core);

#endif
