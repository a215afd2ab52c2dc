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

/* A bucket of messages is full at `earned_cycles`; one more message pushes that back by `message_cycles`, and it
 * may lie `burst` messages ahead of now. So nothing is filled in and nothing divided. Without a limit a message
 * costs nothing, and the bucket is full at 0: it is never ahead. */
struct risk_account {
    const uint32_t *kill;
    uint32_t instruments;
    uint32_t gate;
    uint64_t
        gross; /* and its high half: two words, since one that is stored in halves is slow to load whole */
    uint64_t gross_high;
    uint64_t gross_limit;
    uint64_t earned_cycles;
    uint32_t message_cycles;
    uint32_t burst;
    uint32_t open_orders;
    uint32_t open_orders_limit;
};
_Static_assert(sizeof(struct risk_account) == RISK_LINE_BYTES, "the account is one line");

struct risk_side {
    uint64_t last_cycles; /* of the last order that passed */
    uint32_t last_px;
    uint32_t last_qty; /* 0 = there was none */
    uint64_t open_notional;
    uint32_t open_qty;
    uint32_t own_px;
};

struct risk_line {
    uint64_t notional_limit;
    uint64_t duplicate_cycles;
    uint64_t earned_cycles;
    uint64_t held_notional;
    uint32_t message_cycles;
    uint32_t burst;
    uint32_t qty_limit;
    uint32_t side_limit[2]; /* long, short */
    int32_t position;
    uint16_t collar_bps;
    uint16_t open_orders_limit;
    uint16_t open_orders;
    uint16_t permitted;
    struct risk_side side[2];
};
_Static_assert(sizeof(struct risk_line) == 2 * (size_t)RISK_LINE_BYTES, "an instrument is two lines");
_Static_assert(offsetof(struct risk_line, side) == RISK_LINE_BYTES, "and its sides are one of them");

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

/* A number as the sides see it: as it is for a bid, and the other way round for an offer. Without a branch, as
 * all that depends on the side of an order: nobody can predict it. */
static inline int64_t risk_turned(int64_t number, unsigned side) {
    int64_t mask = -(int64_t)side;
    return (number ^ mask) - mask;
}

/* What the open orders of a side are counted with: nothing while they can only close. `ahead` is what the side
 * holds when they have all filled. */
static inline uint64_t risk_counted(int64_t ahead, uint64_t notional) {
    return notional & -(uint64_t)(ahead > 0);
}

#endif
