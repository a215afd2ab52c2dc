/* The course of one trading day: how many messages go where, and what happens at which time.
 *
 * The plan is made before the first message. Optional things (crosses, halts, positions) take a bounded share
 * of the messages, so that a short feed and one with many symbols still have room for orders. The bulk of the
 * messages is spread over seven phases, busiest after the open and before the close; the last phase deletes
 * what is still at rest.
 */
#ifndef APPLIANCE_SYNTH_DAY_H
#define APPLIANCE_SYNTH_DAY_H

#include <stdbool.h>
#include <stdint.h>

#include "synth/prng.h"

#define SYNTH_MESSAGES_MAX    ((uint64_t)1000000000000)
#define SYNTH_SECOND_NS       ((uint64_t)1000000000)
#define SYNTH_CLOCK_NS(h, m)  (((uint64_t)(h)*60 + (m)) * 60 * SYNTH_SECOND_NS)
#define SYNTH_DIRECTORY_NS    SYNTH_CLOCK_NS(3, 5)
#define SYNTH_SYSTEM_HOURS_NS SYNTH_CLOCK_NS(4, 0)
#define SYNTH_MARKET_OPEN_NS  SYNTH_CLOCK_NS(9, 30)
#define SYNTH_MARKET_CLOSE_NS SYNTH_CLOCK_NS(16, 0)
#define SYNTH_SYSTEM_END_NS   SYNTH_CLOCK_NS(20, 0)
#define SYNTH_MESSAGES_END_NS SYNTH_CLOCK_NS(20, 5)
#define SYNTH_IPO_RELEASE_NS  SYNTH_CLOCK_NS(10, 30)

enum {
    SYNTH_SYMBOLS_MAX = 65535,
    SYNTH_LIVE_ORDERS_MAX = 1 << 26,
    SYNTH_SYSTEM_EVENTS = 6,
    SYNTH_PHASES = 7
};

enum synth_event_kind {
    SYNTH_EVENT_IMBALANCE_OPEN,
    SYNTH_EVENT_IMBALANCE_CLOSE,
    SYNTH_EVENT_IMBALANCE_HALT,
    SYNTH_EVENT_CROSS_OPEN,
    SYNTH_EVENT_CROSS_CLOSE,
    SYNTH_EVENT_NEWS_HALT,
    SYNTH_EVENT_NEWS_QUOTE,
    SYNTH_EVENT_LULD_PAUSE,
    SYNTH_EVENT_LULD_QUOTE,
    SYNTH_EVENT_IPO_UPDATE,
    SYNTH_EVENT_DIRECT_LISTING,
    SYNTH_EVENT_IPO_QUOTE,
    SYNTH_EVENT_RESUME,
    SYNTH_EVENT_REG_SHO,
    SYNTH_EVENT_BROKEN_TRADE,
    SYNTH_EVENT_RETAIL,
    SYNTH_EVENT_OPERATIONAL_HALT,
    SYNTH_EVENT_OPERATIONAL_RESUME,
    SYNTH_EVENT_MWCB_STATUS
};

struct synth_event {
    uint64_t ns;
    uint32_t order; /* of planning: settles equal times */
    uint16_t locate;
    uint16_t kind;
};

/* Where a phase ends, by time and by messages, and the system event that follows. */
struct synth_phase {
    uint64_t end_ns;
    uint64_t end_messages;
    uint8_t system_event; /* 0: none */
    uint8_t reserve;      /* system events still to come, while in this phase */
};

/* Shares of the flow, cumulated, in 1/65536 of a flow message. Add and delete have what is left. */
struct synth_mix {
    uint32_t replace;
    uint32_t execute;
    uint32_t cancel;
    uint32_t priced;
    uint32_t hidden;
    uint32_t execute_credit; /* executions a flow message allows, in 1/65536 */
};

struct synth_day {
    uint32_t live_orders;
    uint32_t restricted;   /* symbols with a Reg SHO message at the start */
    uint32_t participants; /* market participant positions at the start */
    uint32_t crosses;      /* symbols with an opening and a closing cross, by activity */
    bool breaker;          /* market-wide circuit breaker messages */
    uint16_t ipo_locate;   /* 0: no new listings */
    uint16_t direct_locate;
    struct synth_mix mix;
    struct synth_phase phases[SYNTH_PHASES];
    struct synth_event *events;
    uint32_t event_count;
    uint32_t event_room;
};

/* The fewest messages a feed can have: six system events, and a directory and a trading action per symbol. */
uint64_t synth_minimum_messages(uint32_t symbols);

uint32_t synth_default_live_orders(uint64_t messages, uint32_t symbols);

/* `by_rank[r]` is the locate of activity rank r. False when memory runs out. */
bool synth_day_plan(struct synth_day *day, uint64_t messages, uint32_t symbols, const uint16_t *by_rank,
                    struct synth_prng *prng);
void synth_day_free(struct synth_day *day);

#endif
