/* The market of a running exchange: the engine, walked by a thread of its own at the pace of the day.
 *
 * The thread does what is due of the script (never ahead of the clock, and never more than some thousand
 * messages ahead of the sender), in short batches under a lock; clients' orders come in between under the
 * same lock, and whoever waits for it goes first. After each change the sender is told how far the day
 * reaches and woken, and events that have come without being asked for ring the caller's eventfd.
 *
 * A script that has fallen more than 20 ms behind gives its schedule up instead of making a burst that nobody
 * asked for. Behind its last message the market closes; one that is held stays open until it is ended.
 */
#ifndef APPLIANCE_VENUE_MARKET_H
#define APPLIANCE_VENUE_MARKET_H

#include "abi.h"
#include "venue/match.h"

#include <pthread.h>

struct venue_market {
    struct venue_match *match;
    struct venue_segment *segment; /* NULL: nobody sends what is made */
    pthread_mutex_t lock;
    uint32_t waiting; /* callers who want the lock */
    uint32_t stop;
    int bell; /* eventfd; -1 = nobody listens */
    bool is_running;
    pthread_t thread;
    uint32_t pace; /* enum plan_pace */
    uint32_t hold;
    uint64_t rate;
    uint64_t speed_ppm;
    uint64_t base_ns;   /* of our clock, when message 0 or `first_ns` was due */
    uint64_t first_ns;  /* of the day */
    uint64_t behind_ns; /* the schedule was given up for so long */
};

/* Takes the engine over. NULL without memory. */
struct venue_market *venue_market_open(struct venue_match *match);
void venue_market_close(struct venue_market *market);
/* Begins with the sender's first packet; the pace, the rate and whether it holds are in the plan of the
 * segment. -1: no thread. */
int venue_market_start(struct venue_market *market, struct venue_segment *segment,
                       const struct venue_plan *pace, int bell);
/* Ends the thread, and leaves the segment. */
void venue_market_stop(struct venue_market *market);

/* Between them the engine is the caller's. */
void venue_market_enter(struct venue_market *market);
void venue_market_leave(struct venue_market *market);

#endif
