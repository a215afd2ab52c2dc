/* Everything that crosses a process or a language, and nothing else.
 *
 * Python reads this very file (cffi) and derives numpy dtypes from it; the card writes `book_event` byte for
 * byte. Rules: fixed-width members, no padding that is not named, little-endian, and every struct carries its
 * size and the offsets that others rely on, asserted here by the C compiler and again by Python at import.
 *
 * Units: `_px` is an integer price in 1/10,000 dollar, `_qty` shares, `_ns` nanoseconds since midnight at the
 * venue, `_cycles` our time-stamp counter.
 */
#ifndef APPLIANCE_ABI_H
#define APPLIANCE_ABI_H

#include <stddef.h>
#include <stdint.h>

#define ABI_SIZE(type, bytes) _Static_assert(sizeof(struct type) == (bytes), "size of " #type)
#define ABI_AT(type, member, bytes)                                                                          \
    _Static_assert(offsetof(struct type, member) == (bytes), #type "." #member)

#define ABI_MAGIC       0x314c505041494241
#define ABI_MAX_LOCATES 65536
#define ABI_VIEW_LEVELS 10

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

enum shm_state {
    SHM_STARTING = 0,
    SHM_RUNNING = 1,
    SHM_ENDED = 2,   /* the feed has ended; the last views stand */
    SHM_STOPPED = 3, /* told to stop */
    SHM_FAILED = 4   /* the process has said why on standard error */
};

/* What changes while the data plane runs; its one writer is the feed's core. */
struct shm_live {
    uint64_t heartbeat_cycles;
    uint64_t messages;
    uint64_t sequence; /* of the last message applied */
    uint64_t digest;
    uint64_t reserved[4];
};
ABI_SIZE(shm_live, 64);

/* The start of the shared segment of a running data plane. `magic` is written last. */
struct shm_header {
    uint64_t magic;
    uint8_t abi_hash[32]; /* SHA-256 of this file: a reader built from another one refuses */
    uint64_t bytes;
    uint64_t views_offset; /* of `views` book_view records */
    uint32_t views;
    uint32_t view_bytes;
    uint32_t pid;
    uint32_t state; /* enum shm_state */
    uint64_t reserved[7];
    struct shm_live live;
};
ABI_SIZE(shm_header, 192);
ABI_AT(shm_header, abi_hash, 8);
ABI_AT(shm_header, views_offset, 48);
ABI_AT(shm_header, state, 68);
ABI_AT(shm_header, live, 128);

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

/* ---- Packets: frames of a port, what became of them, and the arbitration of lines. ----
 * The structs with pointers stay within one process; they stand here for callers in another language. */

enum port_kind {
    PORT_ETHERNET = 0, /* one Ethernet frame */
    PORT_ITCH = 1      /* a run of whole framed messages: u16 big-endian length, message */
};

/* What a port received. At least 64 bytes behind `data + length` may be read. */
struct port_frame {
    const uint8_t *data;
    uint32_t length;
    uint16_t line;
    uint16_t kind;
    uint64_t time_ns; /* since 1970 in a capture; 0 = the input does not say */
};
ABI_SIZE(port_frame, 24);

/* What an Ethernet frame is. Only FRAME_UDP goes on. */
enum frame_verdict {
    FRAME_UDP = 0,
    FRAME_SHORT = 1,         /* ends inside the Ethernet header or a VLAN tag */
    FRAME_NOT_IPV4 = 2,      /* ARP, IPv6, anything else */
    FRAME_TOO_MANY_TAGS = 3, /* more than two VLAN tags */
    FRAME_IP_TRUNCATED = 4,  /* ends inside the IPv4 packet */
    FRAME_IP_VERSION = 5,
    FRAME_IP_OPTIONS = 6,
    FRAME_IP_LENGTH = 7, /* a header or total length that cannot be */
    FRAME_IP_CHECKSUM = 8,
    FRAME_FRAGMENT = 9,
    FRAME_NOT_UDP = 10,
    FRAME_UDP_TRUNCATED = 11, /* the datagram is longer than its IPv4 packet */
    FRAME_UDP_LENGTH = 12,    /* a length below 8 */
    FRAME_UDP_CHECKSUM = 13,
    FRAME_VERDICTS = 14
};

struct frame_udp {
    const uint8_t *payload;
    uint32_t length;
    uint32_t ip; /* destination, host order */
    uint16_t port;
    uint16_t reserved[3];
};
ABI_SIZE(frame_udp, 24);

/* Every frame has one verdict. Checksums of 0 were not computed by the sender: taken, and counted. */
struct frame_counters {
    uint64_t frames;
    uint64_t no_ip_checksum;
    uint64_t no_udp_checksum;
    uint64_t by_verdict[16];
};
ABI_SIZE(frame_counters, 152);

/* Which destination is which line of the feed: 0 = A, 1 = B. */
struct line_map {
    uint32_t ip[2];
    uint16_t port[2];
    uint32_t found;
    uint64_t other; /* datagrams to anyone else */
};
ABI_SIZE(line_map, 24);

/* What a MoldUDP64 packet is to the stream. The first five are well-formed data; wire/mold64.h says more. */
enum mold64_verdict {
    MOLD64_DELIVERED = 0, /* the next messages */
    MOLD64_PARTIAL = 1,   /* some were delivered before, the rest are the next */
    MOLD64_HELD = 2,      /* ahead of a gap: waits for it to be filled */
    MOLD64_LATE = 3,      /* all of it was delivered before */
    MOLD64_DUPLICATE = 4, /* all of it waits already */
    MOLD64_HEARTBEAT = 5,
    MOLD64_END_OF_SESSION = 6,
    MOLD64_OTHER_SESSION = 7,
    MOLD64_SHORT = 8,         /* ends inside the header */
    MOLD64_TRUNCATED = 9,     /* ends inside a block */
    MOLD64_FEWER_BLOCKS = 10, /* ends before the blocks that the count promises */
    MOLD64_TRAILING = 11,     /* goes on behind them */
    MOLD64_OVERSIZED = 12,    /* longer than UDP allows */
    MOLD64_BAD_SEQUENCE = 13, /* 0 in a numbered stream, or beyond 2^64 */
    MOLD64_VERDICTS = 14
};

/* One line. Every packet has one verdict. A gap is a jump of this line's own sequence, whoever fills it. */
struct mold64_line {
    uint64_t packets;
    uint64_t messages;
    uint64_t gaps;
    uint64_t gap_messages;
    uint64_t by_verdict[16];
};
ABI_SIZE(mold64_line, 160);

/* The stream that comes out: what no line had is lost. */
struct mold64_counters {
    uint64_t messages;
    uint64_t gaps;
    uint64_t lost;
    uint64_t sessions;
    uint64_t held_peak;
    struct mold64_line line[4];
};
ABI_SIZE(mold64_counters, 680);
ABI_AT(mold64_counters, line, 40);

/* Messages in sequence, framed as in a file. */
struct mold64_run {
    const uint8_t *blocks;
    uint32_t length;
    uint32_t messages;
    uint64_t first_sequence;
    uint64_t gap_before;  /* messages lost before the first of these */
    uint32_t new_session; /* 1: the first run of another session than before; sequences start again */
    uint32_t reserved;
};
ABI_SIZE(mold64_run, 40);

/* synth: what a synthetic market is asked for. `live_orders` bounds the orders at rest; 0 leaves it to the
 * market (a twenty-fifth of the messages, at most 1.5 M). */
struct synth_config {
    uint64_t messages;
    uint64_t seed;
    uint32_t symbols;
    uint32_t live_orders;
};
ABI_SIZE(synth_config, 24);
ABI_AT(synth_config, symbols, 16);

/* The two lines that carry a synthetic market, and their faults. Index 0 is line A. `_ppb` are probabilities
 * in 1/1,000,000,000 a packet; groups are IPv4 addresses, the first number in the highest byte. */
struct synth_lines_config {
    uint32_t loss_ppb[2];
    uint32_t same_gap_ppb;
    uint32_t duplicate_ppb;
    uint32_t reorder_ppb;
    uint32_t reorder_depth;
    uint32_t loss_burst;
    uint32_t heartbeat_ms;
    uint32_t group[2];
    uint16_t port[2];
    char session[10];
    uint16_t reserved;
};
ABI_SIZE(synth_lines_config, 56);
ABI_AT(synth_lines_config, group, 32);
ABI_AT(synth_lines_config, session, 44);

/* What was written so far. The counts of the lines stay 0 for a plain file. `packets` carry data; one that
 * was lost on its line is in `lost` instead. */
struct synth_counters {
    uint64_t messages;
    uint64_t bytes;
    uint64_t live_orders;
    uint64_t packets[2];
    uint64_t lost[2];
    uint64_t lost_on_both;
    uint64_t duplicated[2];
    uint64_t reordered[2];
    uint64_t heartbeats;
    uint64_t by_type[256];
};
ABI_SIZE(synth_counters, 2152);
ABI_AT(synth_counters, packets, 24);
ABI_AT(synth_counters, by_type, 104);

/* bench: one timed run. `digest` is the checksum of a decode, the books' digest of a book run. */
struct bench_run {
    double ns;
    uint64_t messages;
    uint64_t digest;
    uint64_t book_bytes; /* mapped for the pools */
    uint64_t refused;    /* orders for which a pool had no room: such a run says nothing */
    uint16_t pages[3];   /* what the orders, the levels and the books lie in, as api_pages_name takes it */
    uint16_t reserved;
};
ABI_SIZE(bench_run, 48);

#endif
