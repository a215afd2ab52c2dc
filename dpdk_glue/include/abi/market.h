/* The venue's order side: what its market is asked for, what it says of orders, how it stands. */
#ifndef APPLIANCE_ABI_MARKET_H
#define APPLIANCE_ABI_MARKET_H

#include "abi/book.h"

/* What a market is made with. `least_` are the least reference and match number that it gives to clients'
 * orders, if an earlier run has given those before them. */
struct market_config {
    struct book_limits books;
    uint32_t orders;         /* clients' orders at rest, at most */
    uint32_t fat_finger_ppm; /* how far through the other side's best a limit may go; 0 = any */
    uint32_t reserved;
    uint64_t least_reference;
    uint64_t least_match;
};
ABI_SIZE(market_config, 48);
ABI_AT(market_config, least_reference, 32);

enum market_flag {
    MARKET_IOC = 1,       /* what does not trade at once is cancelled */
    MARKET_POST_ONLY = 2, /* cancelled when it would trade at once */
    MARKET_DAY = 4        /* cancelled at the end of market hours, and refused after it */
};

/* An order as a client enters it. `tag` is the caller's name for it in all events. */
struct market_entry {
    uint64_t tag;
    uint64_t expire_ns; /* of the venue's day; 0 = it has no time of its own */
    uint64_t reference; /* 0; or, of an order that an earlier run has accepted: its own */
    uint32_t px;
    uint32_t qty;
    uint32_t min_qty; /* to trade at once, or nothing */
    uint16_t locate;
    uint8_t side;  /* enum abi_side */
    uint8_t flags; /* enum market_flag */
};
ABI_SIZE(market_entry, 40);
ABI_AT(market_entry, px, 24);
ABI_AT(market_entry, side, 38);

enum market_event_kind {
    MARKET_ACCEPTED = 1,
    MARKET_REPLACED = 2,
    MARKET_EXECUTED = 3,
    MARKET_CANCELLED = 4,
    MARKET_REDUCED = 5, /* as a client has asked, and shall be told otherwise than of a cancel */
    MARKET_ENDED = 6    /* no order will be taken any more */
};

/* What has befallen a client's order. `leaves` is what is open after it; 0 = the order is over. */
struct market_event {
    uint32_t kind; /* enum market_event_kind */
    uint32_t qty;
    uint64_t tag;
    uint64_t replaced_tag; /* REPLACED: the order whose place it takes */
    uint64_t reference;    /* the order's in the feed */
    uint64_t match;
    uint64_t venue_ns;
    uint32_t px;
    uint32_t leaves;
    uint8_t reason;    /* CANCELLED: a letter of OUCH */
    uint8_t liquidity; /* EXECUTED: A = it rested, R = it came and took */
    uint8_t reserved[6];
};
ABI_SIZE(market_event, 64);
ABI_AT(market_event, venue_ns, 40);
ABI_AT(market_event, reason, 56);

/* How a market stands. */
struct market_status {
    uint64_t scripted; /* messages of the script that are done */
    uint64_t messages; /* of the live day */
    uint64_t bytes;
    uint64_t venue_ns;
    uint64_t changed;    /* scripted messages that were left out or changed */
    uint64_t executions; /* of clients' orders, as the feed shows them: a trade of two of them once */
    uint64_t executed_qty;
    uint64_t slipped_us; /* that the schedule was given up for */
    uint32_t orders;     /* of clients, at rest */
    uint32_t differing;  /* scripted orders whose quantity is not the script's */
    uint32_t is_over;
    uint32_t reserved;
};
ABI_SIZE(market_status, 80);
ABI_AT(market_status, slipped_us, 56);

#endif
