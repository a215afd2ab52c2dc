/* The whole state of a running synthetic market, and the parts that move it on.
 *
 * prologue.c opens the day, flow.c writes one ordinary thing (an order entered, deleted, executed ...),
 * scripts.c plays what the day's plan has for a certain time, and synth.c decides whose turn it is.
 */
#ifndef APPLIANCE_SYNTH_MARKET_H
#define APPLIANCE_SYNTH_MARKET_H

#include "synth/day.h"
#include "synth/lifetimes.h"
#include "synth/prng.h"
#include "synth/store.h"
#include "synth/tables.h"
#include "synth/writer.h"

enum { SYNTH_MATCHES = 16, SYNTH_ATTRIBUTIONS = 16 };

struct synth_market {
    struct synth_writer writer;
    struct synth_prng prng;
    uint64_t messages;
    uint64_t reference; /* the last one given */
    uint64_t match;     /* the last one given */
    uint16_t active;    /* the locate that a burst is about */
    uint32_t add_threshold;
    int64_t execute_credit;
    uint64_t recent_match[SYNTH_MATCHES]; /* trades that may still be broken; 0 is none */
    uint16_t recent_match_locate[SYNTH_MATCHES];
    uint32_t reserve;  /* messages kept back for the system events to come */
    uint32_t purge_at; /* the final deletes have come so far through the orders */
    uint16_t *by_rank;
    struct synth_store store;
    struct synth_tables tables;
    struct synth_day day;
    struct synth_lifetimes lifetimes;
};

extern const char synth_attributions[SYNTH_ATTRIBUTIONS][4];

/* Messages that may be written before those kept for the system events. */
static inline uint64_t synth_left(const struct synth_market *market) {
    uint64_t left = market->messages - market->writer.written;
    return left > market->reserve ? left - market->reserve : 0;
}

static inline uint64_t synth_next_match(struct synth_market *market) {
    return ++market->match;
}

static inline void synth_remember_match(struct synth_market *market, uint16_t locate) {
    market->recent_match[market->match % SYNTH_MATCHES] = market->match;
    market->recent_match_locate[market->match % SYNTH_MATCHES] = locate;
}

/* prologue.c: names, prices and states of all symbols. */
void synth_list_symbols(struct synth_market *market, const uint32_t *rank_of, struct synth_prng *prng);
/* Writes message `index` of the start of the day; false when there is no such message. */
bool synth_write_prologue(struct synth_market *market, struct synth_prng *prng, uint64_t index);

/* flow.c: writes at least one message; the caller has made sure that one is left. */
void synth_flow(struct synth_market *market);
/* Adjusts the balance of adds and deletes to the orders at rest. Called once a burst. */
void synth_flow_balance(struct synth_market *market);
/* The last phase: as synth_flow, but in time to delete everything with the messages that are left. */
void synth_flow_to_empty(struct synth_market *market);

/* scripts.c: plays one planned event, or nothing when it is pointless or too few messages are left. */
void synth_play(struct synth_market *market, const struct synth_event *event);

#endif
