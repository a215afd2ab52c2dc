/* Risk: limits, what is asked of the gate, why it refuses, and what it keeps.
 *
 * Limits are set for the account, for the strategy and for each symbol. Of quantities the smallest wins, and
 * the largest value of the type means no limit; of times (`_cycles`) the longest wins, and 0 means none. So
 * zeroed limits refuse every order, and so does a scope whose limits were never set.
 */
#ifndef APPLIANCE_ABI_RISK_H
#define APPLIANCE_ABI_RISK_H

#include "abi/trade.h"

/* What the gate lets through. The larger is the stricter; a kill word above the last counts as GATE_KILLED.
 * */
enum risk_gate {
    GATE_OPEN = 0,
    GATE_REDUCE_ONLY = 1, /* orders that can only bring a position nearer to 0 */
    GATE_KILLED = 2
};

enum risk_scope { RISK_ACCOUNT = 0, RISK_STRATEGY = 1, RISK_SYMBOL = 2 };

enum risk_verdict { RISK_PASS = 0, RISK_REJECT = 1 };

/* The checks, in their order: the first that fails names the reason. Behind each stand the two numbers that
 * were compared, `value` and `limit` of the reject. */
enum risk_reason {
    RISK_NONE = 0,
    RISK_KILLED = 1,        /* the gate; GATE_OPEN */
    RISK_REDUCE_ONLY = 2,   /* open shares of the side, with this order; shares that it may close */
    RISK_UNTRUSTED = 3,     /* BOOK_UNTRUSTED; 0 */
    RISK_STALE = 4,         /* BOOK_STALE; 0 */
    RISK_NOT_PERMITTED = 5, /* the instrument; how many there are */
    RISK_NO_SIDE = 6,       /* the side; SIDE_ASK */
    RISK_HALTED = 7,        /* BOOK_HALTED; 0 */
    RISK_SHORT_SALE = 8,    /* the price; the best bid, above which it has to be */
    RISK_NO_QUANTITY = 9,   /* 0; 1 */
    RISK_QUANTITY = 10,     /* the quantity; the largest */
    RISK_NOTIONAL = 11,     /* price times quantity; the largest */
    RISK_NO_PRICE = 12,     /* 0; 1 */
    RISK_NO_REFERENCE = 13, /* the price; 0 */
    RISK_COLLAR = 14,       /* the price; the last that is allowed */
    RISK_DUPLICATE = 15,    /* cycles since the order that it repeats; the window */
    RISK_RATE = 16, /* cycles that all messages have used, with this one; cycles that a burst may use */
    RISK_SYMBOL_RATE = 17, /* the same for the messages of the symbol */
    RISK_OPEN_ORDERS = 18, /* with this one; the most */
    RISK_SYMBOL_OPEN_ORDERS = 19,
    RISK_LONG = 20,       /* shares, with all that is open to buy as filled; the most */
    RISK_SHORT = 21,      /* shares short, with all that is open to sell as filled; the most */
    RISK_GROSS = 22,      /* gross exposure, with this order; the most */
    RISK_SELF_TRADE = 23, /* the price; our own that it would meet */
    RISK_REASONS = 24
};

/* One scope's limits. A symbol's `gross` is to be the largest value: `long_qty` and `short_qty` bound it. */
struct risk_limits {
    uint64_t notional; /* of an order, price times quantity */
    uint64_t gross;    /* exposure of all instruments together */
    uint64_t duplicate_cycles;
    uint32_t message_cycles; /* one message each so many cycles, in the long run */
    uint32_t burst;          /* and so many at once */
    uint32_t qty;
    uint32_t long_qty;
    uint32_t short_qty;
    uint32_t open_orders;
    uint16_t collar_bps; /* basis points of the reference price */
    uint16_t reserved16;
    uint32_t reserved[3];
};
ABI_SIZE(risk_limits, 64);
ABI_AT(risk_limits, message_cycles, 24);
ABI_AT(risk_limits, collar_bps, 48);

/* May this order go? A replace names the price and the leaves of the order whose place it takes. */
struct risk_ask {
    uint64_t number; /* of the intent */
    uint64_t rx_cycles;
    uint32_t px;
    uint32_t qty;
    uint32_t replaces_px;
    uint32_t replaces_qty;
    uint32_t best_px[2]; /* of the event that was answered, by side; 0 = none */
    uint32_t last_px;
    uint32_t instrument;
    uint16_t flags; /* enum book_flag */
    uint8_t side;   /* enum abi_side */
    uint8_t action; /* enum signal_action: a SIGNAL_REPLACE, and anything else enters */
    uint32_t reserved[3];
};
ABI_SIZE(risk_ask, 64);
ABI_AT(risk_ask, px, 16);
ABI_AT(risk_ask, flags, 48);

struct risk_reject {
    uint64_t number;
    uint64_t rx_cycles;
    uint64_t value;
    uint64_t limit;
    uint32_t px;
    uint32_t qty;
    uint32_t instrument;
    uint32_t reason; /* enum risk_reason */
    uint8_t side;
    uint8_t action;
    uint8_t reserved8[6];
    uint64_t reserved;
};
ABI_SIZE(risk_reject, 64);
ABI_AT(risk_reject, value, 16);
ABI_AT(risk_reject, reason, 44);

/* What the gate keeps of one instrument. Arrays are by side. */
struct risk_state {
    int64_t position;
    uint64_t held_notional; /* what the position cost */
    uint64_t exposure;      /* its part of the gross exposure */
    uint64_t open_qty[2];
    uint64_t open_notional[2];
    uint64_t last_cycles[2]; /* the last order that passed */
    uint32_t last_px[2];
    uint32_t last_qty[2];
    uint64_t earned_cycles; /* all its messages are earned at that time */
    uint32_t own_px[2];     /* the best own order at rest; 0 = none */
    uint32_t open_orders;
    uint32_t permitted;
    uint64_t reserved[2];
};
ABI_SIZE(risk_state, 128);
ABI_AT(risk_state, open_qty, 24);
ABI_AT(risk_state, own_px, 96);

/* What it keeps of all of them together, and what it has counted. */
struct risk_totals {
    uint64_t gross;         /* the largest value where it is more */
    uint64_t earned_cycles; /* all messages are earned at that time */
    uint32_t gate;          /* enum risk_gate: its own, or the kill word, the stricter */
    uint32_t own_gate;
    uint32_t open_orders;
    uint32_t instruments;
    uint64_t cancels;
    uint64_t surprises; /* fills, releases and ends of what was not open */
    uint64_t overflows; /* a position or a quantity that cannot be kept: each has killed the gate */
    uint64_t reserved;
    uint64_t rejected[24]; /* by reason */
};
ABI_SIZE(risk_totals, 256);
ABI_AT(risk_totals, gate, 16);
ABI_AT(risk_totals, rejected, 64);

#endif
