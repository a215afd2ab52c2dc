/* Trading: what a strategy wants, what risk makes of it, what the venue says of that.
 *
 *     book -> tick -> strategy -> intent -> risk -> order -> gateway -> venue
 *                                   risk <- execution <- gateway <- venue
 *
 * An instrument is the index of a symbol in the plan: of its view, its limits, its orders. A bid buys. All
 * that a decision rests on stands in the record that asks for it, also the time: `rx_cycles` of the packet
 * whose event the strategy saw. So the same records give the same decisions, whenever and wherever they are
 * taken.
 */
#ifndef APPLIANCE_ABI_TRADE_H
#define APPLIANCE_ABI_TRADE_H

#include "abi/book.h"

#define ABI_TAGS    16
#define ABI_SIGNALS 15

enum signal_action {
    SIGNAL_NOTHING = 0,
    SIGNAL_ENTER = 1,   /* an order under a tag that has none */
    SIGNAL_REPLACE = 2, /* another price or quantity for the order of this tag */
    SIGNAL_CANCEL = 3,  /* the order of this tag down to `qty` shares; 0 = all of it */
    SIGNAL_PULL = 4     /* not a strategy's: it is called no more, and all its orders are to go */
};

enum order_tif { TIF_DAY = 0, TIF_IOC = 3 };

/* One wish of a strategy, about the book that it was shown. */
struct signal {
    uint16_t action; /* enum signal_action */
    uint16_t tag;    /* the strategy's name for the order, below ABI_TAGS: one live order each in a book */
    uint8_t side;    /* enum abi_side */
    uint8_t tif;     /* enum order_tif */
    uint16_t reserved;
    uint32_t px;
    uint32_t qty;
};
ABI_SIZE(signal, 16);
ABI_AT(signal, px, 8);

/* What one call of a strategy wants, in this order. `count` is 0 when it is called. */
struct signals {
    uint32_t count;
    uint32_t reserved[3];
    struct signal signal[15];
};
ABI_SIZE(signals, 256);
ABI_AT(signals, signal, 16);

/* A wish with all that its check needs. */
struct intent {
    struct book_event event; /* that the strategy answered */
    struct signal signal;
    uint32_t instrument;
    uint32_t last_px;       /* the last trade of the book; 0 = none */
    uint64_t number;        /* counts all intents of a data plane, from 1 */
    uint64_t signal_cycles; /* when the strategy returned; nothing rests on it */
    uint64_t reserved[3];
};
ABI_SIZE(intent, 128);
ABI_AT(intent, signal, 64);
ABI_AT(intent, instrument, 80);
ABI_AT(intent, number, 88);

enum order_action {
    ORDER_ENTER = 1,
    ORDER_REPLACE = 2,
    ORDER_CANCEL = 3,
    ORDER_MASS_CANCEL = 4 /* of one instrument, or of all: then `symbol` is blank */
};

/* What goes to the venue. Numbers count up by one from each to the next, also those of cancels. */
struct order {
    uint16_t action;     /* enum order_action */
    uint16_t connection; /* it was decided on; handed to the session on a later one, it is not sent */
    uint32_t user_ref;   /* ENTER, REPLACE: the new order's; CANCEL: the order's; MASS_CANCEL: its own */
    uint32_t replaces;   /* REPLACE: the order whose place it takes */
    uint32_t qty;        /* CANCEL: the shares that are to stay */
    uint32_t px;
    uint16_t instrument;
    uint8_t side; /* enum abi_side */
    uint8_t tif;  /* enum order_tif */
    char symbol[8];
    uint64_t number;
    uint64_t intent; /* its number; 0 = risk itself asked for it */
    uint64_t rx_cycles;
    uint64_t decided_cycles; /* nothing rests on it */
};
ABI_SIZE(order, 64);
ABI_AT(order, symbol, 24);
ABI_AT(order, number, 32);

/* The life of an order. */
enum order_state {
    ORDER_NONE = 0,
    ORDER_NEW = 1,  /* in the pool, not sent */
    ORDER_SENT = 2, /* no reply yet */
    ORDER_LIVE = 3,
    ORDER_PARTLY_FILLED = 4,
    ORDER_CANCEL_SENT = 5, /* live, and asked to go */
    ORDER_FILLED = 6,
    ORDER_CANCELLED = 7,
    ORDER_REPLACED = 8, /* another order has its place */
    ORDER_REJECTED = 9,
    ORDER_UNKNOWN = 10, /* sent before a connection broke: the venue's replay will tell */
    ORDER_STATES = 11
};

/* What came back. Messages of the venue by their OUCH type, and what befalls the connection. */
enum execution_kind {
    EXECUTION_NONE = 0, /* a message that cannot be read; `reason` is why (enum ouch_verdict) */
    EXECUTION_SYSTEM = 'S',
    EXECUTION_ACCEPTED = 'A',
    EXECUTION_REPLACED = 'U',
    EXECUTION_CANCELED = 'C',
    EXECUTION_AIQ_CANCELED = 'D',
    EXECUTION_EXECUTED = 'E',
    EXECUTION_BROKEN = 'B',
    EXECUTION_CORRECTED = 'F', /* of older venues */
    EXECUTION_REJECTED = 'J',
    EXECUTION_CANCEL_PENDING = 'P',
    EXECUTION_CANCEL_REJECTED = 'I',
    EXECUTION_PRIORITY = 'T',
    EXECUTION_MODIFIED = 'M',
    EXECUTION_RESTATED = 'R',
    EXECUTION_MASS_CANCELED = 'X',
    EXECUTION_DISABLED = 'G',
    EXECUTION_ENABLED = 'K',
    EXECUTION_ACCOUNT = 'Q',    /* `user_ref` is the next that the venue takes */
    EXECUTION_CONNECTED = 1,    /* logged in; `sequence` is the next message's */
    EXECUTION_CAUGHT_UP = 2,    /* all that was missed has been replayed */
    EXECUTION_DISCONNECTED = 3, /* `reason` is why (enum gateway_cut) */
    EXECUTION_ENDED = 4         /* the venue has ended the session */
};

/* One reply, decoded. What its kind does not have is 0. */
struct execution {
    uint32_t kind; /* enum execution_kind */
    uint32_t user_ref;
    uint32_t replaces; /* REPLACED: the order before */
    uint32_t qty;      /* executed, decremented, accepted, whichever the kind has */
    uint64_t px;
    uint64_t match;
    uint64_t order_ref; /* the order's reference in the feed */
    uint64_t venue_ns;
    uint64_t sequence; /* of the SoupBinTCP session, from 1; 0 = no sequenced message */
    uint64_t rx_cycles;
    uint32_t reason; /* a reject's number, or a cancel's letter */
    uint8_t side;    /* as on the wire */
    uint8_t tif;
    uint8_t state;     /* order state on the wire: L or D */
    uint8_t liquidity; /* flag */
    char symbol[8];
    uint32_t prevented_qty; /* AIQ_CANCELED */
    uint32_t connection;    /* CONNECTED, CAUGHT_UP: counts them, from 1 */
    uint64_t number;        /* the order's, out of its ClOrdID; 0 = the kind has none, or it is not ours */
    uint32_t reserved[8];
};
ABI_SIZE(execution, 128);
ABI_AT(execution, px, 16);
ABI_AT(execution, rx_cycles, 56);
ABI_AT(execution, symbol, 72);
ABI_AT(execution, number, 88);

#endif
