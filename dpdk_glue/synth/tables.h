/* The distributions of the synthetic market, as tables of quantiles.
 *
 * A draw is one random index. The tables are built with integer arithmetic alone (fixed point, 32 fraction
 * bits): no libm, whose last digit differs from machine to machine.
 */
#ifndef APPLIANCE_SYNTH_TABLES_H
#define APPLIANCE_SYNTH_TABLES_H

#include <stdbool.h>
#include <stdint.h>

#include "synth/prng.h"

enum {
    SYNTH_DISTANCES = 4096,
    SYNTH_QUANTILES = 256,
    SYNTH_GAP_ONE = 256 /* the mean of the gap table */
};

/* Vose's alias method: a pick is one comparison, whatever the number of symbols. */
struct synth_alias {
    uint32_t threshold;
    uint32_t other;
};

struct synth_tables {
    uint8_t distance[SYNTH_DISTANCES]; /* ticks from the mid, 0..63: most near, a heavy shoulder */
    uint8_t burst[SYNTH_QUANTILES];    /* messages of a burst, 3..30 */
    uint16_t gap[SYNTH_QUANTILES];     /* time between bursts, exponential, in 1/256 of the mean */
    uint16_t shares[SYNTH_QUANTILES];  /* order sizes; SYNTH_SHARES_ODD and _MIXED are drawn further */
    struct synth_alias *activity;      /* by locate - 1 */
    uint32_t symbols;
};

enum { SYNTH_SHARES_ODD = 0, SYNTH_SHARES_MIXED = 1 };

/* `rank_of[i]` is the activity rank of locate i + 1, 0 the busiest. False when memory runs out. */
bool synth_tables_build(struct synth_tables *tables, uint32_t symbols, const uint32_t *rank_of);
void synth_tables_free(struct synth_tables *tables);

static inline uint16_t synth_pick_locate(const struct synth_tables *tables, uint64_t random) {
    uint32_t at = synth_scale((uint32_t)(random >> 32), tables->symbols);
    const struct synth_alias *alias = &tables->activity[at];
    return (uint16_t)(1 + ((uint32_t)random < alias->threshold ? at : alias->other));
}

/* Round lots mostly, a fifth of them odd or mixed lots, as on a NASDAQ day. Takes 24 random bits. */
static inline uint32_t synth_pick_shares(const struct synth_tables *tables, uint32_t random) {
    uint32_t shares = tables->shares[random & 255];
    uint32_t further = random >> 8 & 0xffff;
    if (shares == SYNTH_SHARES_ODD)
        return 1 + further % 99;
    if (shares == SYNTH_SHARES_MIXED)
        return 101 + further % 899;
    return shares;
}

#endif
