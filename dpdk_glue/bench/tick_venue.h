/* The smallest venue there can be: it answers orders in memory, so that positions move and tags become free.
 *
 * What was sent waits until it is asked to answer. Then each order is accepted, and of every four, by their
 * numbers, two are filled whole, one by half and cancelled for the rest, one is cancelled whole. Nothing
 * rests: it is for strategies that take or leave.
 */
#ifndef APPLIANCE_BENCH_TICK_VENUE_H
#define APPLIANCE_BENCH_TICK_VENUE_H

#include "stage/decider.h"

enum { TICK_VENUE_ROOM = 1024 };

struct tick_venue {
    struct order waiting[TICK_VENUE_ROOM];
    uint32_t count;
    uint64_t sequence; /* of its last message */
    uint64_t match;
    uint64_t order_ref;
    uint64_t fills;
};

static inline void tick_venue_take(struct tick_venue *venue, const struct order *order) {
    venue->waiting[venue->count++ % TICK_VENUE_ROOM] = *order;
}

/* Answers all that waits. `rx_cycles` is the time at which the answers came. */
void tick_venue_answer(struct tick_venue *venue, struct decider *decider, uint64_t rx_cycles);

#endif
