/* The cache lines of the gate: what one check reads, and all that it writes.
 *
 * One of the account, which a data plane has one of, as it runs one strategy; two of the instrument, side by
 * side, so that the second is often there when the first is. Limits stand in them as merged from all scopes,
 * when they change: a check knows of no scopes. Everything else of the gate is cold.
 */
#ifndef APPLIANCE_RISK_LINES_H
#define APPLIANCE_RISK_LINES_H

#include "abi.h"

#include <stdbool.h>

enum { RISK_LINE_BYTES = 64, RISK_NO_COLLAR = UINT16_MAX, RISK_MOST_INSTRUMENTS = UINT16_MAX };

__extension__ typedef unsigned __int128 risk_wide;

/* All messages of a bucket are earned at `earned_cycles`; one more pushes that back by `message_cycles`, and
 * it may lie `burst` messages ahead of now. A token bucket without tokens to fill in: nothing is divided. */
struct risk_account {
    const uint32_t *kill;
    uint32_t instruments;
    uint32_t gate;
    risk_wide gross;
    uint64_t gross_limit;
    uint64_t earned_cycles;
    uint32_t message_cycles;
    uint32_t burst;
    uint32_t open_orders;
    uint32_t open_orders_limit;
};
_Static_assert(sizeof(struct risk_account) == RISK_LINE_BYTES, "the account is one line");

struct risk_last {
    uint64_t cycles;
    uint32_t px;
    uint32_t qty; /* 0 = there was none */
};

struct risk_line {
    /* What an order may be, and what is at rest. */
    uint64_t notional_limit;
    uint64_t duplicate_cycles;
    uint64_t earned_cycles;
    uint32_t message_cycles;
    uint32_t burst;
    uint32_t qty_limit;
    uint32_t side_limit[2]; /* long, short */
    uint32_t own_px[2];
    int32_t position;
    uint16_t collar_bps;
    uint16_t open_orders_limit;
    uint16_t open_orders;
    uint16_t permitted;
    /* What is open, held, and was last. */
    struct risk_last last[2];
    uint64_t open_notional[2];
    uint64_t held_notional;
    uint32_t open_qty[2];
};
_Static_assert(sizeof(struct risk_line) == 2 * (size_t)RISK_LINE_BYTES, "an instrument is two lines");
_Static_assert(offsetof(struct risk_line, last) == RISK_LINE_BYTES, "and each part one of them");

struct risk {
    struct risk_account account __attribute__((aligned(2 * RISK_LINE_BYTES)));
    /* Cold from here on. */
    uint32_t no_kill;
    struct risk_limits whole[2]; /* of the account, of the strategy */
    struct risk_limits *symbol;
    uint8_t *permission; /* of each symbol, and whether it has limits */
    uint64_t cancels;
    uint64_t surprises;
    uint64_t overflows;
    uint64_t rejected[RISK_REASONS];
    /* The one behind the last is of every instrument that does not exist: never permitted, never written. */
    struct risk_line line[] __attribute__((aligned(2 * RISK_LINE_BYTES)));
};

static inline uint64_t risk_narrow(risk_wide value) {
    return value > UINT64_MAX ? UINT64_MAX : (uint64_t)value;
}

/* The position as a side sees it: what it holds already, or, below 0, what it can close. */
static inline int64_t risk_ahead(const struct risk_line *line, unsigned side) {
    return side == SIDE_BID ? line->position : -(int64_t)line->position;
}

/* What the open orders of a side are counted with: nothing while they can only close. */
static inline risk_wide risk_counted(int64_t ahead, risk_wide notional) {
    return ahead > 0 ? notional : 0;
}

#endif
