/* The cache lines of the gate: what one check reads, and all that it writes.
 *
 * One of the account, which a data plane has one of, as it runs one strategy; two of the instrument, side by
 * side, so that the second is often there when the first is. Limits stand in them as merged from all scopes,
 * when they change, and in the form in which they are compared: a check knows of no scopes.
 *
 * A check asks of these lines whether an order is beyond suspicion, which nearly every one is. One that is
 * not is looked at again, exactly (closer.c), and may still pass. So what is rare need not be told apart
 * here, only be suspect: a gate that is not open (`closer`), an instrument that is not permitted (a
 * `qty_limit` of 0).
 */
#ifndef APPLIANCE_RISK_LINES_H
#define APPLIANCE_RISK_LINES_H

#include "risk/risk.h"

enum {
    RISK_LINE_BYTES = 64,
    RISK_WHOLE_BPS = 10000,
    RISK_NO_COLLAR = UINT16_MAX,
    RISK_MOST_INSTRUMENTS = UINT16_MAX
};

/* A bucket of messages is full at `earned_cycles`. One more message pushes that back by `message_cycles`; it
 * may go while that lies no more than `slack_cycles` ahead, which is the cycles of one message less than a
 * burst. So nothing is filled in, and nothing divided. */
struct risk_account {
    const uint32_t *kill;
    uint32_t instruments;
    uint32_t closer; /* not 0: every order is suspect */
    uint64_t gross;  /* the lower half */
    uint64_t gross_limit;
    uint64_t earned_cycles;
    uint64_t slack_cycles;
    uint32_t message_cycles;
    uint32_t open_orders;
    uint32_t open_orders_limit;
    uint32_t gate;
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
    uint64_t slack_cycles;
    uint32_t message_cycles;
    uint32_t qty_limit;
    uint32_t side_limit[2]; /* long, short */
    uint32_t collar[2]; /* RISK_WHOLE_BPS and what a buy may be above its reference, less what a sell below */
    int32_t position;
    uint16_t open_orders;
    uint16_t open_orders_limit;
    struct risk_side side[2];
};
_Static_assert(sizeof(struct risk_line) == 2 * (size_t)RISK_LINE_BYTES, "an instrument is two lines");
_Static_assert(offsetof(struct risk_line, side) == RISK_LINE_BYTES, "and its sides are one of them");

enum { RISK_PERMITTED = 1, RISK_LIMITED = 2 }; /* both make a symbol permitted */

/* What no check reads that is not suspicious. */
struct risk_symbol {
    struct risk_limits limits;
    struct risk_limits strictest; /* of all scopes; of messages and open orders the symbol's own */
    uint64_t held_notional;
    uint32_t permission;
};

struct risk {
    struct risk_account account __attribute__((aligned(2 * RISK_LINE_BYTES)));
    uint32_t no_kill;
    uint64_t gross_high; /* the upper half */
    struct risk_limits whole[2];
    struct risk_limits strictest; /* of account and strategy */
    struct risk_symbol *symbol;
    uint64_t cancels;
    uint64_t surprises;
    uint64_t overflows;
    uint64_t rejected[RISK_REASONS];
    /* The one behind the last is of every instrument that does not exist: all 0, and never written. */
    struct risk_line line[] __attribute__((aligned(2 * RISK_LINE_BYTES)));
};

/* An order that is suspect: refused, or passed, with all that comes of either. */
enum risk_verdict risk_look_closer(struct risk *risk, const struct risk_ask *ask, uint32_t kill,
                                   struct risk_reject *reject);
/* After a change of gate, limits or gross exposure. */
void risk_suspect(struct risk *risk);

static inline uint64_t risk_larger(uint64_t left, uint64_t right) {
    return left > right ? left : right;
}

static inline uint64_t risk_smaller(uint64_t left, uint64_t right) {
    return left < right ? left : right;
}

/* A number as the sides see it: as it is for a bid, and the other way round for an offer. Without a branch,
 * as all that depends on the side of an order: nobody can predict it. */
static inline int64_t risk_turned(int64_t number, unsigned side) {
    int64_t mask = -(int64_t)side;
    return (number ^ mask) - mask;
}

/* What the open orders of a side are counted with: nothing while they can only close. `ahead` is what the
 * side holds when they have all filled. */
static inline uint64_t risk_counted(int64_t ahead, uint64_t notional) {
    return notional & -(uint64_t)(ahead > 0);
}

/* The price from which a collar is measured, 0 = there is none: of a buy the lower of best ask and last
 * trade, of a sell the higher of best bid and last trade, and for want of both the best of its own side.
 * Turned for a buy, the lower is the higher, and none still the lowest. */
static inline uint32_t risk_reference_px(const struct risk_ask *ask, unsigned side) {
    uint32_t mask = side - 1;
    uint32_t far = (ask->best_px[side ^ 1] ^ mask) - mask;
    uint32_t last = (ask->last_px ^ mask) - mask;
    uint32_t own = (ask->best_px[side] ^ mask) - mask;
    uint32_t reference = far > last ? far : last;
    reference = reference ? reference : own;
    return (reference ^ mask) - mask;
}

/* The most that an order and the one that it replaces can cost together: either of them, or as many shares as
 * both have at the price of the old one, and the rest at the new one's. */
static inline uint64_t risk_either_notional(const struct risk_ask *ask) {
    uint64_t dearer_px = risk_larger(ask->replaces_px, ask->px) - ask->px;
    uint64_t shared_qty = risk_smaller(ask->replaces_qty, ask->qty);
    return risk_larger((uint64_t)ask->replaces_qty * ask->replaces_px,
                       (uint64_t)ask->qty * ask->px + shared_qty * dearer_px);
}

/* When a bucket is full after one more message. */
static inline uint64_t risk_earned_after(uint64_t earned_cycles, uint64_t now_cycles,
                                         uint32_t message_cycles) {
    uint64_t from = risk_larger(earned_cycles, now_cycles);
    uint64_t earned = from + message_cycles;
    return earned | -(uint64_t)(earned < from);
}

#endif
