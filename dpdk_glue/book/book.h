/* Every order of every book, with its place in the queue, from framed ITCH messages.
 *
 * A book_set takes runs of framed messages (u16 big-endian length, message) in sequence order. Groups of them
 * are decoded, then the memory each will need is asked for, then what hangs on that, and only then are they
 * applied: the misses overlap. After each message the best bid and offer are compared with what they were; a
 * difference, a trade or a change of trading state gives one book_event, and differences fold into the
 * digest.
 *
 * What a message does, unless its locate is 0 or beyond the limit (counted, and the message ignored):
 *   A F      the order joins the tail of its level. Checked in this order, each counted, the message ignored:
 *            side neither B nor S, zero shares, reference already live.
 *   E C X    the order gives up shares. Ignored and counted: unknown reference, order of another locate, zero
 *            shares. More shares than the order has: counted, the order leaves.
 *   D        the order leaves.
 *   U        the original leaves; the new reference joins the tail of its level, same side, same symbol.
 *            Unknown original or wrong locate: ignored whole. Zero new shares, or a new reference that is
 *            live: counted, the original still leaves.
 *   E C P Q  print a trade: E at the resting price, C at its own price unless not printable.
 *   R H h Y  symbol, trading state, operational halt, short-sale restriction.
 * All else is counted. Every framed message takes one sequence number, whatever became of it. A reference
 * that nobody knows (a start in mid-day) harms nothing.
 *
 * Memory is bounded by book_limits. When orders, order pages or levels run out, the order is not kept, the
 * book is flagged BOOK_UNTRUSTED from then on, and the event is counted; other books are not touched.
 */
#ifndef APPLIANCE_BOOK_BOOK_H
#define APPLIANCE_BOOK_BOOK_H

#include "abi.h"
#include "book/orders.h"
#include "book/side.h"
#include "memory/memory.h"
#include "wire/itch.h"

#include <stddef.h>

enum {
    /* Messages that go through book_feed together: enough for the slowest line to arrive while the others are
     * asked for, and few enough for all of their lines to stay in the first two caches (64, 96 and 128
     * measured alike, 16 and 32 worse by a fifth). */
    BOOK_GROUP = 96,
    /* Entries, a power of two, of the table of levels by price. */
    BOOK_HINT_BITS = 18,
    /* Bytes that must be readable behind a run: ITCH_SLACK. */
    BOOK_RUN_SLACK = 64
};

/* Flags of struct book beside those of book_event. */
enum {
    BOOK_HAS_SYMBOL = 0x1000,
    BOOK_PUBLISHED = 0x2000, /* a view of it is kept in shared memory */
    BOOK_DIRTY = 0x4000      /* changed since its view was last written */
};

/* What the hot path needs of a book: one cache line. */
struct book {
    struct side side[2];
    uint32_t best_px[2];
    uint32_t best_qty[2];
    uint32_t best_orders[2];
    uint16_t flags;
    uint16_t locate;
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct book) == 64, "one cache line");

/* What only trades and administrative messages need. */
struct book_info {
    char symbol[8];
    uint64_t traded_qty;
    uint32_t last_px;
    uint32_t last_qty;
    char trading_state; /* as in H; 0 = none seen */
    char operational_halt;
    char reg_sho;
};

struct book_set {
    struct book *books;
    uint32_t *hints; /* level last used at a (locate, price): checked before it is believed, never erased */
    struct book_info *infos;
    uint32_t locates;
    uint32_t locates_used; /* the highest that was named in this session */
    uint64_t session;      /* counts up when the books are cleared */
    uint64_t empty_messages;
    uint64_t nobodys_messages; /* malformed, and it cannot be told of which symbol */
    uint32_t stale_books;      /* that are stale each for itself: a malformed message named them */
    uint16_t every_flag;       /* BOOK_STALE while the feed has a gap */
    struct orders orders;
    struct side_pool sides;
    struct memory memory;
    struct book_counters counters;
    uint64_t sequence; /* of the next message */
    uint64_t venue_ns; /* of the last message */
    uint64_t rx_cycles;
    uint16_t *dirty; /* locates whose view is behind: once each */
    uint32_t dirty_count;
    uint32_t published_count;
    uint16_t *published; /* locates that have a view */
};

struct book_set *book_open(const struct book_limits *limits);
void book_close(struct book_set *set);

/* Applies whole messages of the run, at most as many as events fit (one message gives at most one event), and
 * returns the bytes taken. A cut last message is not taken. `events` may be NULL: the digest folds all the
 * same. */
size_t book_feed(struct book_set *set, const uint8_t *run, size_t bytes, struct book_event *events,
                 uint32_t room, uint32_t *event_count);

/* True for the types that add, change or remove an order. */
bool book_type_has_order(uint8_t type);

/* Marks everything stale or fresh again: the feed's business. A book that a malformed message names is stale
 * by itself, until the books are cleared. */
void book_set_stale(struct book_set *set, bool stale);
/* A message of a known type and a wrong length: its locate (0 if not even that is there) stands where it does
 * in all messages, so only that book has missed something. */
void book_take_malformed(struct book_set *set, uint16_t locate);
/* How many books are stale, each for itself or all of them; of all at least 1, even if none is named yet. */
uint32_t book_stale_count(const struct book_set *set);
/* Another session: no orders, no levels, no symbols. What was counted stays counted. */
void book_clear(struct book_set *set);
/* From now on the book has a view. */
void book_publish(struct book_set *set, struct book *book);
/* The book's view, if it is published, is to be written again. */
void book_mark_dirty(struct book_set *set, struct book *book);

/* admin.c: every message that holds no order. Returns what its event must say: 0, BOOK_TRADE (with price and
 * quantity in `event`) or BOOK_STATE_CHANGED. */
uint16_t book_admin(struct book_set *set, const struct itch_message *message, struct book_event *event);
/* Learns the symbol of a locate from a message that names it. */
void book_learn_symbol(struct book_set *set, uint16_t locate, const char *stock);

/* inspect.c: for those who look. */
void book_view_fill(const struct book_set *set, uint16_t locate, struct book_view *view);
uint32_t book_levels(const struct book_set *set, uint16_t locate, unsigned side, struct level_view *levels,
                     uint32_t room);
/* Turns the whole index round to find the references: for people, not for a hot path. */
uint32_t book_queue(const struct book_set *set, uint16_t locate, unsigned side, struct queued_order *queue,
                    uint32_t room);
uint64_t book_depth_digest(const struct book_set *set);
void book_read_counters(const struct book_set *set, struct book_counters *counters);

#endif
