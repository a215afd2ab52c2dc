/* From tick to order, in memory: the very stages of a running data plane, between packets that lie ready and
 * the bytes for the venue.
 *
 *     receive buffers -> live_take_packet: arbitration, books, ticks, strategy, risk, orders, encoder
 *                     -> the session's output                    (the clock runs from there to here)
 *                     -> a venue in memory, which answers before the next packet
 *
 * The day is cut into packets as the venue cuts it, and every message of it goes into the books; the strategy
 * is called for some of its symbols. A burst of packets is laid into the receive buffers at a time, as a card
 * does: so a packet is in a cache when it is taken, if not in the nearest, while books and orders are as cold
 * as the day leaves them.
 *
 * Split, the stages behind the feed run on a thread of their own. The next packet is given when all that the
 * one before has led to is done: the times are those of a packet, not of a queue.
 *
 * Risk counts in the day's own nanoseconds, so the bytes do not depend on the machine or the placement. The
 * times are read from the time-stamp counter, fenced: once before the packet is given, and once behind each
 * order that is in the output whole; of a packet's orders the last counts.
 */
#ifndef APPLIANCE_BENCH_TICK_H
#define APPLIANCE_BENCH_TICK_H

#include "bench/bench.h"
#include "bench/tick_venue.h"
#include "gateway/session.h"
#include "stage/live.h"
#include "stage/trading_parts.h"
#include "venue/cut.h"
#include "venue/day.h"

enum { TICK_BURST = 32, TICK_BUFFER_BYTES = 2048 };

struct tick_packet {
    uint8_t payload[TICK_BUFFER_BYTES] __attribute__((aligned(64)));
    uint32_t bytes;
    uint64_t time_ns;
};

struct bench_tick {
    struct bench_tick_plan plan;
    struct live live;
    struct segment segment;
    struct shm_header header;
    struct plan made;
    struct shm_stats *stats;
    struct shm_trading *shown;
    char (*symbols)[8];
    uint64_t day_bytes;
    struct venue_cut cut;
    struct tick_packet *burst;
    uint32_t burst_count;
    uint32_t burst_next;

    struct order_sink encoder;    /* as trading has it */
    struct order_session session; /* with a venue that has let us in */
    struct gateway_counters gateway_counters;
    struct tick_venue venue;
    uint64_t complete_cycles; /* when the last order's bytes were */
    struct bench_tick_run run;
    uint64_t gate_rounds; /* so far: time goes on from one to the next */

    pthread_t thread; /* of the stages behind the feed */
    bool has_thread;
    uint32_t runs; /* stored by the other thread, when it has its core */
    uint32_t stops;
    uint64_t given __attribute__((aligned(64))); /* packets that gave ticks; stored by the feed */
    uint64_t rx_cycles;
    uint64_t done __attribute__((aligned(64))); /* of them; stored by the other thread */
};

/* Every check is on, and wide enough for the strategy: what it wants is to leave. Times are nanoseconds. Of
 * each scope; a symbol has no gross limit. */
extern const struct risk_limits bench_tick_limits;

/* The input outlives it. NULL with one line in `error` (API_ERROR_BYTES). */
struct bench_tick *bench_tick_open(const struct bench_input *input, const struct bench_tick_plan *plan,
                                   char *error);
void bench_tick_close(struct bench_tick *bench);

/* Takes up to `packets` more. `cycles` gets the time of each that led to an order, one behind the other.
 * Returns how many packets there were. */
uint64_t bench_tick_run(struct bench_tick *bench, uint64_t packets, uint32_t *cycles);
/* What has been counted since it was opened. */
void bench_tick_read(const struct bench_tick *bench, struct bench_tick_run *run);
/* See api_bench_tick_gate. The orders are given to risk as intents, a thousand at a time. */
double bench_tick_gate(struct bench_tick *bench);

/* Where risk's orders go: into the session's output, and to the venue. */
void bench_tick_order(void *context, const struct order *order);
/* The venue has it all, and answers. */
void bench_tick_settle(struct bench_tick *bench, uint64_t rx_cycles);
/* What runs behind the feed when it is split; the context is the bench. */
void *bench_tick_behind(void *context);

#endif
