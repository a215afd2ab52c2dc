/* The gateway: how orders are written, what is known of each, and what replies did to them. */
#ifndef APPLIANCE_ABI_GATEWAY_H
#define APPLIANCE_ABI_GATEWAY_H

#include "abi/base.h"

/* What all orders of a session have in common. Letters are those of the protocol. */
struct ouch_options {
    char firm[4]; /* blank = the port's own: no firm is named */
    char display;
    char capacity;
    char iso; /* intermarket sweep */
    char cross;
};
ABI_SIZE(ouch_options, 8);

/* A message of the venue that could not be read says why. */
enum ouch_verdict {
    OUCH_TAKEN = 0,
    OUCH_EMPTY = 1,
    OUCH_UNKNOWN_TYPE = 2,
    OUCH_TRUNCATED = 3,     /* shorter than its type */
    OUCH_OVERSIZED = 4,     /* something stands behind its end */
    OUCH_BAD_APPENDAGE = 5, /* elements do not fill the appendage */
    OUCH_VERDICTS = 6
};

/* `execution.reason` of what befell a connection. */
enum gateway_cut {
    CUT_NONE = 0,
    CUT_CLOSED = 1,           /* the venue hung up */
    CUT_ERROR = 2,            /* the socket failed */
    CUT_SILENT = 3,           /* the venue said nothing, not even a heartbeat */
    CUT_PROTOCOL = 4,         /* it broke the protocol */
    CUT_NOT_AUTHORISED = 5,   /* it refused the login: for good, nobody tries again */
    CUT_NO_SUCH_SESSION = 6,  /* it refused the session */
    CUT_MISSED = 7,           /* it would go on behind messages that we have not seen */
    CUT_ENDED = 8,            /* the session is over, for good */
    CUT_LEFT = 9,             /* we logged out */
    CUT_NO_CONNECTION = 10,   /* there never was one; nobody is told, and it is tried again */
    CUT_ANOTHER_SESSION = 11, /* it logged us into another session than the one asked for */
    GATEWAY_CUTS = 12
};

/* Written by the gateway's thread alone. */
struct gateway_counters {
    uint64_t syscalls; /* every one that the link makes */
    uint64_t connects;
    uint64_t logins;
    uint64_t caught_up;
    uint64_t cuts[12]; /* by enum gateway_cut */
    uint64_t rx_bytes;
    uint64_t tx_bytes;
    uint64_t would_block; /* the socket did not take all that was there */
    uint64_t full;        /* orders that had to wait for room */
    uint64_t late;        /* orders that were of an earlier connection: not sent */
    uint64_t tx_heartbeats;
    uint64_t rx_heartbeats;
    uint64_t repeats; /* sequenced messages that had been seen */
    uint64_t busy_poll_refused;
    uint64_t unreadable[6]; /* by enum ouch_verdict */
    uint64_t tx_orders[5];  /* by enum order_action */
    uint64_t reserved[4];
    uint64_t rx_messages[256]; /* by type */
};
ABI_SIZE(gateway_counters, 2368);
ABI_AT(gateway_counters, cuts, 32);
ABI_AT(gateway_counters, unreadable, 200);
ABI_AT(gateway_counters, rx_messages, 320);

/* Where the venue is, who we are, and how patient. Times are in cycles. */
struct gateway_settings {
    uint32_t ip;
    uint16_t port;
    uint16_t busy_poll_us; /* 0 = no busy polling in the kernel */
    char user[6];
    char password[10];
    char session[10];     /* blank = the current one; then the one that the venue named */
    uint8_t asks_account; /* 1: a login is followed by an account query, whose answer ends the replay */
    uint8_t reserved[1];
    uint32_t
        queries_unanswered; /* earlier queries whose answer the replay may hold; 0xffffffff = nobody knows */
    uint64_t next_sequence; /* to ask for; 1 = all of the day */
    uint64_t second_cycles;
    uint64_t silence_cycles;     /* of the venue, before it is given up */
    uint64_t retry_cycles;       /* before it is called again; doubled each time */
    uint64_t retry_limit_cycles; /* up to this */
    uint64_t reserved2[5];
};
ABI_SIZE(gateway_settings, 120);
ABI_AT(gateway_settings, user, 8);
ABI_AT(gateway_settings, queries_unanswered, 36);
ABI_AT(gateway_settings, next_sequence, 40);

/* What became of an order that was handed to the session. */
enum gateway_send {
    SEND_QUEUED = 0,
    SEND_FULL = 1, /* no room for its bytes now: hand it over again */
    SEND_NOT_OPEN =
        2,         /* no session that is caught up: dropped, and the pool will say that it never arrived */
    SEND_LATE = 3, /* decided on an earlier connection: dropped, likewise */
    SEND_MALFORMED = 4 /* no such action or instrument: dropped */
};

/* What the pool makes room for. */
struct order_pool_limits {
    uint32_t orders; /* a power of two: open ones, and closed ones that are remembered */
    uint32_t fills;  /* a power of two: remembered for trades that are broken or told twice */
    uint32_t instruments;
    uint32_t first_user_ref; /* 0 = 1 */
};
ABI_SIZE(order_pool_limits, 16);

/* Why no order was made of an intent. */
enum order_take {
    TAKE_DONE = 0,
    TAKE_MALFORMED = 1,     /* no such action, instrument, tag, side or quantity */
    TAKE_NOT_CONNECTED = 2, /* no session, or its replay is not over */
    TAKE_FULL = 3,          /* the pool has no room */
    TAKE_TAG_IN_USE = 4,    /* ENTER: the tag has an order that is not over */
    TAKE_NO_ORDER = 5,      /* REPLACE, CANCEL: the tag has none */
    TAKE_BUSY = 6,     /* REPLACE: one is under way, or the order was asked to go; CANCEL: it was already */
    TAKE_NOT_LESS = 7, /* CANCEL: the order is not larger than that */
    TAKE_NO_USER_REF = 8, /* the day's numbers are used up */
    ORDER_TAKES = 9
};

#define ABI_NO_TAG 255

/* An order as the pool knows it. entered = filled + cancelled + leaves, at any time. */
struct order_view {
    uint32_t user_ref;
    uint32_t state;       /* enum order_state */
    uint32_t replaces;    /* the order whose place it takes, or took; 0 = none */
    uint32_t replaced_by; /* the order that takes its place, or took it; 0 = none */
    uint32_t entered_qty;
    uint32_t filled_qty;
    uint32_t cancelled_qty; /* and expired, rejected, handed to a replacement */
    uint32_t leaves_qty;
    uint32_t broken_qty; /* of those filled: taken back later */
    uint32_t px;         /* that its quantity is reserved at */
    uint32_t resting_px; /* that the venue shows it at */
    uint32_t reason;     /* of its end: a reject's number, a cancel's letter, or enum order_end */
    uint16_t instrument;
    uint8_t side;        /* enum abi_side */
    uint8_t tif;         /* enum order_tif */
    uint8_t tag;         /* ABI_NO_TAG: of an earlier life of ours */
    uint8_t heard;       /* a reply has shown that the venue has it */
    uint8_t accepted;    /* Accepted, or Replaced, has been one of them */
    uint8_t asked_to_go; /* a cancel is under way */
    uint64_t number;     /* of the `struct order`, 0 = not known */
    uint64_t intent;
    uint64_t order_ref;    /* in the feed */
    uint64_t rx_cycles;    /* of what it was decided on */
    uint64_t heard_cycles; /* of the last reply */
    char symbol[8];
};
ABI_SIZE(order_view, 104);
ABI_AT(order_view, instrument, 48);
ABI_AT(order_view, number, 56);
ABI_AT(order_view, symbol, 96);

/* Ends that no message of the venue gave a reason for; above all reject numbers and letters. */
enum order_end {
    END_NEVER_ARRIVED = 0x10001, /* the connection broke before it reached the venue */
    END_ORIGINAL_GONE = 0x10002, /* a replacement of an order that was over: the venue ignores it */
    END_DEAD = 0x10003           /* accepted and over at once */
};

/* What one reply did to one order, for those who count open quantities and positions. In this order:
 *
 * adopted   this quantity counts as open from now on, though nobody asked risk for it; if `opens`, so does
 *               the order: one of an earlier life of ours, or the venue has taken or filled more than it was
 *               asked for
 *     filled    this much of what was open is position now
 *     released  this much of what was open will never fill
 *     closes    the order is over; what was asked for and adopted is filled or released by now
 *     broken    this much of earlier fills is taken back
 */
struct order_effect {
    uint16_t instrument;
    uint8_t side;   /* enum abi_side */
    uint8_t closes; /* the order is over */
    uint32_t order_px;
    uint32_t filled_qty;
    uint32_t fill_px;
    uint32_t released_qty;
    uint32_t adopted_qty;
    uint32_t broken_qty;
    uint32_t broken_px;
    uint32_t user_ref;
    uint8_t opens;
    uint8_t tag;
    uint16_t reserved;
};
ABI_SIZE(order_effect, 40);
ABI_AT(order_effect, order_px, 4);
ABI_AT(order_effect, user_ref, 32);

/* Written by the pool's thread alone. */
struct order_pool_counters {
    uint64_t open;       /* orders that are not over */
    uint64_t taken;      /* orders made of intents */
    uint64_t refused[9]; /* by enum order_take */
    uint64_t replies;
    uint64_t fills;
    uint64_t filled_qty;
    uint64_t rebuilt; /* orders of an earlier life */
    uint64_t never_arrived;
    uint64_t originals_gone;
    uint64_t repeats;       /* replies and fills told twice: no effect */
    uint64_t senseless;     /* replies that fit no state of their order: no effect */
    uint64_t strangers;     /* replies about an order that is not known: no effect */
    uint64_t strange_fills; /* of them, fills: a position is not ours to tell any more */
    uint64_t no_room;       /* orders of an earlier life that found no place, likewise */
    uint64_t foreign;       /* orders of an earlier life in symbols that the plan has not, likewise */
    uint64_t unreadable;    /* messages that could not be decoded, likewise */
    uint64_t odd; /* believed, though not what was asked for: more filled, taken, cancelled than there was */
    uint64_t revived; /* orders that the venue had after all */
    uint64_t broken_trades;
    uint64_t corrected_trades;
    uint64_t unknown_trades; /* broken or corrected, and not remembered */
    uint64_t mass_cancels;
};
ABI_SIZE(order_pool_counters, 240);

#endif
