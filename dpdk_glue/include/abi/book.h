/* Books: events, views, listings, counters, limits. */
#ifndef APPLIANCE_ABI_BOOK_H
#define APPLIANCE_ABI_BOOK_H

#include "abi/base.h"

enum abi_side { SIDE_BID = 0, SIDE_ASK = 1 };

/* book_event.flags and book_view.flags: what changed, and what the book is worth. */
enum book_flag {
    BOOK_BID_CHANGED = 1,
    BOOK_ASK_CHANGED = 2,
    BOOK_TRADE = 4,
    BOOK_LOCKED = 8,
    BOOK_CROSSED = 16,
    BOOK_HALTED = 32,
    BOOK_STALE = 64,
    BOOK_UNTRUSTED = 128,
    BOOK_STATE_CHANGED = 256,
    BOOK_SHORT_SALE_RESTRICTED = 512
};

/* One message changed the best bid or offer, traded, or changed the trading state. A side without orders has
 * price, quantity and order count 0. A quantity or count that is too large is written as the largest. */
struct book_event {
    uint64_t sequence;
    uint64_t venue_ns;
    uint64_t rx_cycles;
    uint32_t bid_px;
    uint32_t ask_px;
    uint32_t bid_qty;
    uint32_t ask_qty;
    uint32_t bid_orders;
    uint32_t ask_orders;
    uint32_t trade_px;
    uint32_t trade_qty;
    uint16_t locate;
    uint16_t flags;
    uint32_t reserved;
};
ABI_SIZE(book_event, 64);
ABI_AT(book_event, venue_ns, 8);
ABI_AT(book_event, rx_cycles, 16);
ABI_AT(book_event, bid_px, 24);
ABI_AT(book_event, bid_qty, 32);
ABI_AT(book_event, bid_orders, 40);
ABI_AT(book_event, trade_px, 48);
ABI_AT(book_event, locate, 56);
ABI_AT(book_event, flags, 58);

/* The rolling digest of a book source. It starts at 0 and folds every event in which bid or ask changed, with
 * SipHash's round R over four words:
 *     v0 = sequence
 *     v1 = bid_px | ask_px << 32
 *     v2 = bid_qty | ask_qty << 32
 *     v3 = (bid_orders | ask_orders << 32) ^ locate << 48
 *     R(R(v0, v1, v2, v3));  digest = rotate_left(digest, 5) ^ v0 ^ v1 ^ v2 ^ v3
 * Only adds, rotates and exclusive-ors: the card computes the same in a feed-forward pipeline, and the one
 * step that depends on the last event is a rotate and an exclusive-or.
 *
 * The digest of the full depth folds every resting order in the same way, by locate, bids first, best price
 * first, oldest first:
 *     v0 = reference   v1 = px   v2 = qty   v3 = locate | side << 16 */

struct level_view {
    uint32_t px;
    uint32_t orders;
    uint64_t qty;
};
ABI_SIZE(level_view, 16);

/* The top of one book, written under a seqlock: `version` is odd while the writer is inside. */
struct book_view {
    uint64_t version;
    uint64_t sequence;
    uint64_t venue_ns;
    uint16_t locate;
    uint16_t flags;
    uint16_t bid_levels;
    uint16_t ask_levels;
    char symbol[8];
    uint32_t last_px;
    uint32_t last_qty;
    uint64_t traded_qty;
    char trading_state;
    char reg_sho;
    char reserved[6];
    struct level_view bid[10];
    struct level_view ask[10];
};
ABI_SIZE(book_view, 384);
ABI_AT(book_view, sequence, 8);
ABI_AT(book_view, symbol, 32);
ABI_AT(book_view, last_px, 40);
ABI_AT(book_view, trading_state, 56);
ABI_AT(book_view, bid, 64);
ABI_AT(book_view, ask, 224);

/* One resting order, as the full queue is listed: best price first, oldest first. */
struct queued_order {
    uint64_t reference;
    uint32_t px;
    uint32_t qty;
};
ABI_SIZE(queued_order, 16);

/* What became of the messages given to the books. From `unknown_type` to `no_level` each is an oddity that
 * was counted, and its message ignored; below that stands how full the books are. */
struct book_counters {
    uint64_t messages;
    uint64_t events;
    uint64_t trades;
    uint64_t crosses;
    uint64_t broken_trades;
    uint64_t unknown_type;
    uint64_t bad_length;
    uint64_t bad_side;
    uint64_t bad_locate;
    uint64_t unknown_reference;
    uint64_t duplicate_reference;
    uint64_t wrong_locate;
    uint64_t zero_quantity;
    uint64_t overfill;
    uint64_t no_order_page;
    uint64_t no_order;
    uint64_t no_level;
    uint64_t live_orders;
    uint64_t live_levels;
    uint64_t symbols;
    uint64_t untrusted_books;
    uint64_t order_pages;
    uint64_t order_nodes; /* high-water mark of live orders */
    uint64_t digest;
    uint64_t by_type[256];
};
ABI_SIZE(book_counters, 2240);
ABI_AT(book_counters, by_type, 192);

/* The books' bounds, all fixed at start. A pool that runs out marks the book untrusted and counts. */
struct book_limits {
    uint32_t orders;
    uint32_t order_pages; /* of 1,024 consecutive reference numbers, recycled when empty */
    uint32_t levels;
    uint32_t locates;
    uint32_t prefault; /* touch all of it at start */
};
ABI_SIZE(book_limits, 20);

#endif
