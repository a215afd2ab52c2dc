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
#define ABI_MAX_VIEWS   1024

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

/* ---- The shared segment: header, plan, views, statistics; each begins on a cache line of its own. ---- */

enum shm_state {
    SHM_PLANNED = 0,  /* the plan is written, and no data plane has taken it up */
    SHM_STARTING = 1, /* pools are being made, ports opened */
    SHM_RUNNING = 2,
    SHM_ENDED = 3,   /* the feed has ended; the last views stand */
    SHM_STOPPED = 4, /* told to stop */
    SHM_FAILED = 5   /* `message` says why */
};

/* Where the feed's thread is, and what its time is measured by. */
enum stage {
    STAGE_PORT = 0,     /* a burst that was not empty: the call of the port */
    STAGE_WIRE = 1,     /* a packet: Ethernet, IP, UDP, line, arbitration */
    STAGE_BOOK = 2,     /* a run of messages through the books */
    STAGE_EVENT = 3,    /* from the receive stamp of a packet until its last event stands */
    STAGE_PUBLISH = 4,  /* views and counters into shared memory */
    STAGE_RECOVERY = 5, /* what the recovery brought: packets asked for again, snapshots */
    STAGES = 6
};

/* What changes while the data plane runs; its one writer is the feed's core. */
struct shm_live {
    uint64_t heartbeat_cycles;
    uint64_t messages;
    uint64_t sequence; /* of the last message applied */
    uint64_t digest;
    uint64_t depth_digest; /* of every resting order, taken when the feed has ended or at the stop; else 0 */
    uint32_t stage;        /* enum stage: where the thread is */
    uint32_t recovery_state; /* enum recovery_state */
    uint64_t stale_books;    /* how many books are flagged BOOK_STALE */
    uint64_t loops;          /* rounds of the receiving loop, empty ones included */
};
ABI_SIZE(shm_live, 64);

/* The start of the shared segment. The control plane makes the segment, locks it (flock), writes the header,
 * the plan and the symbol of every view, and `magic` last; the data plane inherits the open file, and with it
 * the lock, which goes when the process does. From SHM_STARTING on the data plane is the only writer. */
struct shm_header {
    uint64_t magic;
    uint8_t abi_hash[32]; /* SHA-256 of this file: a reader built from another one refuses */
    uint64_t bytes;
    uint64_t plan_offset;
    uint64_t views_offset; /* of `views` book_view records */
    uint64_t stats_offset; /* of one shm_stats */
    uint32_t views;
    uint32_t view_bytes;
    uint32_t pid;
    uint32_t state; /* enum shm_state */
    uint64_t cycles_per_s;
    uint64_t started_cycles;
    uint64_t ready_cycles; /* 0 until SHM_RUNNING */
    char name[64];
    char message[512]; /* one line: why it failed */
    uint64_t reserved[2];
    struct shm_live live;
};
ABI_SIZE(shm_header, 768);
ABI_AT(shm_header, abi_hash, 8);
ABI_AT(shm_header, bytes, 40);
ABI_AT(shm_header, views_offset, 56);
ABI_AT(shm_header, state, 84);
ABI_AT(shm_header, name, 112);
ABI_AT(shm_header, live, 704);

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
    PORT_ITCH = 1,     /* a run of whole framed messages: u16 big-endian length, message */
    PORT_DATAGRAM = 2  /* the payload of one UDP datagram of the line that the frame names */
};

/* What a port received. At least 64 bytes behind `data + length` may be read. */
struct port_frame {
    const uint8_t *data;
    uint32_t length;
    uint16_t line;
    uint16_t kind;
    uint64_t time_ns; /* since 1970, as the capture, the kernel or the card says; 0 = nobody does */
};
ABI_SIZE(port_frame, 24);

/* What one port did. A counter that its kind does not have stays 0. */
struct port_counters {
    uint64_t frames;
    uint64_t bytes;
    uint64_t bursts;    /* that were not empty */
    uint64_t dropped;   /* by the kernel or the card, for lack of room, as it reports */
    uint64_t errors;    /* frames the card refused, failed calls to the kernel */
    uint64_t no_buffer; /* frames without a buffer to receive into */
    uint64_t truncated; /* longer than the longest buffer: dropped */
    uint64_t sent;
    uint64_t unsent;      /* frames that the card or the kernel did not take */
    uint64_t memberships; /* reports to the router, for the groups */
    uint64_t reserved[6];
};
ABI_SIZE(port_counters, 128);

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
    MOLD64_FAR_AHEAD = 14,    /* further ahead than is believed of one packet alone */
    MOLD64_NO_ROOM = 15,      /* ahead of a gap, and the window is full: not kept */
    MOLD64_VERDICTS = 16
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
    uint64_t dropped; /* packets that waited, until others needed their room more */
    struct mold64_line line[4];
};
ABI_SIZE(mold64_counters, 688);
ABI_AT(mold64_counters, line, 48);

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

/* Messages that are missing, and of which it is known that they exist. */
struct mold64_gap {
    uint64_t first;
    uint64_t count;
};
ABI_SIZE(mold64_gap, 16);

/* ---- Recovery: what is done about messages that no line brought. ---- */

enum recovery_state {
    RECOVERY_STARTING = 0, /* nothing has arrived */
    RECOVERY_WHOLE = 1,    /* nothing is missing */
    RECOVERY_WAITING = 2,  /* a gap: the other line may still fill it */
    RECOVERY_ASKING = 3,   /* requests are out to the retransmission server */
    RECOVERY_JOINING = 4,  /* a snapshot is being fetched, and the live feed held */
    RECOVERY_LOST = 5      /* given up for now: the books are stale */
};

/* What wire/recovery.h tells its caller to do. */
enum recovery_action {
    RECOVERY_NOTHING = 0,
    RECOVERY_ASK = 1,     /* ask the retransmission server for `count` messages from `first` on */
    RECOVERY_FETCH = 2,   /* fetch a snapshot; from now on hold all that arrives (mold64_hold_all) */
    RECOVERY_GIVE_UP = 3, /* the messages before `first` are lost: go on behind the gap (mold64_give_up) */
    RECOVERY_GO_ON = 4,   /* no snapshot, and the books are as they were: mold64_release */
    RECOVERY_LEAVE = 5    /* silence: another session may begin (mold64_leave) */
};

struct recovery_wish {
    uint32_t action; /* enum recovery_action */
    uint32_t reserved;
    uint64_t first;
    uint64_t count;
};
ABI_SIZE(recovery_wish, 24);

/* Its limits: those of plan_recovery, with all times in cycles. */
struct recovery_limits {
    uint64_t gap_wait_cycles;
    uint64_t request_timeout_cycles;
    uint64_t snapshot_timeout_cycles;
    uint64_t snapshot_retry_cycles;
    uint64_t silence_cycles; /* 0 = silence means nothing */
    uint32_t requests;       /* 1: there is a retransmission server */
    uint32_t snapshots;      /* 1: there is a snapshot server */
    uint32_t request_tries;
    uint32_t request_messages;
    uint32_t request_longest;
    uint32_t reserved;
};
ABI_SIZE(recovery_limits, 64);

enum recovery_snapshot {
    RECOVERY_NO_NEWS = 0,
    RECOVERY_BEGUN = 1,  /* the books were emptied for it */
    RECOVERY_JOINED = 2, /* it stands in the books, and mold64_join was called */
    RECOVERY_FAILED = 3
};

/* What it is shown of the stream. */
struct recovery_sight {
    uint64_t sessions; /* how many have begun; 0 = nothing has arrived */
    uint64_t heard;    /* packets of this session that were believed, from the live lines */
    uint64_t expected; /* the next message */
    uint64_t known_end;
    uint64_t missing; /* messages of all gaps */
    uint32_t gaps;    /* how many of `gap` are filled; all 64: there may be more */
    uint32_t window_full;
    uint32_t ended;         /* the session has: silence is no wonder */
    uint32_t need_snapshot; /* the books are in doubt for another reason than a gap */
    uint32_t snapshot;      /* enum recovery_snapshot: what has happened since the last sight */
    uint32_t reserved;
    struct mold64_gap gap[64];
};
ABI_SIZE(recovery_sight, 1088);
ABI_AT(recovery_sight, gap, 64);

/* Of the state machine; its writer is the feed's thread. */
struct recovery_counters {
    uint64_t gaps;
    uint64_t gap_messages;
    uint64_t filled_by_lines; /* gaps that were gone before anybody asked */
    uint64_t filled_by_request;
    uint64_t filled_by_snapshot;
    uint64_t requests; /* of them `repeats` for the second time or later */
    uint64_t repeats;
    uint64_t given_up; /* gaps that nobody could fill */
    uint64_t snapshots_wanted;
    uint64_t snapshots; /* that were joined */
    uint64_t snapshots_failed;
    uint64_t missing_first; /* the first missing message; 0 = none */
    uint64_t missing;       /* messages, for all that is known */
    uint64_t reserved[3];
};
ABI_SIZE(recovery_counters, 128);

/* Of the sockets; their writer is the recoverer's thread. */
struct recoverer_counters {
    uint64_t requests;
    uint64_t replies;
    uint64_t strange_replies; /* from another address, of another session, or no MoldUDP64 */
    uint64_t send_failures;
    uint64_t connections;
    uint64_t connect_failures;
    uint64_t logins_refused;
    uint64_t timeouts;
    uint64_t broken_snapshots; /* cut off, or against the protocol */
    uint64_t snapshot_messages;
    uint64_t snapshot_bytes;
    uint64_t waits_for_room; /* the feed's thread was slower */
    uint64_t reserved[4];
};
ABI_SIZE(recoverer_counters, 128);

/* ---- Statistics in the segment. ---- */

/* Cycles, log-linear: bucket v for v < 32; else 32 buckets in every power of two, from 2^5 to 2^27, so that a
 * bucket is at most 3.1 % wide; the last takes all that is longer. */
#define ABI_HISTOGRAM_BUCKETS 736
struct histogram {
    uint64_t count;
    uint64_t cycles;
    uint64_t max_cycles;
    uint64_t reserved[5];
    uint64_t bucket[736];
};
ABI_SIZE(histogram, 5952);

struct shm_stats {
    struct port_counters port[2];
    struct recovery_counters recovery;
    struct recoverer_counters recoverer; /* the one part with another writer */
    struct histogram stage[6];           /* by enum stage */
    struct frame_counters frames;
    struct mold64_counters mold;
    struct book_counters books;
    uint64_t other_destination; /* datagrams to nobody's group and port */
    uint64_t pool_bytes;        /* of the books and the window, as the plan has them */
    uint64_t reserved[6];
};
ABI_AT(shm_stats, recovery, 256);
ABI_AT(shm_stats, recoverer, 384);
ABI_AT(shm_stats, stage, 512);

/* ---- The plan: all that a data plane is told. Addresses have their first number in the highest byte. ---- */

enum plan_port_kind { PLAN_PORT_FILE = 0, PLAN_PORT_UDP = 1, PLAN_PORT_DPDK = 2 };

enum plan_pace {
    PLAN_PACE_FLAT = 0,     /* as fast as it goes */
    PLAN_PACE_RECORDED = 1, /* as the times in the file say */
    PLAN_PACE_RATE = 2      /* `pace_rate` messages a second */
};

struct plan_port {
    uint32_t kind;
    uint32_t pace; /* of a file */
    uint64_t pace_rate;
    uint32_t interface_ip;         /* udp: the address whose interface joins; dpdk: source of the reports */
    uint32_t receive_buffer_bytes; /* udp; 0 = as the kernel has it */
    uint32_t busy_poll_us;         /* udp; 0 = none */
    uint32_t rx_queues;            /* dpdk */
    uint32_t sends;                /* 1: the port is to send, and joins no group */
    uint32_t reserved;
    char where[4096]; /* file: its path; udp: the interface, or empty; dpdk: the device, as EAL names it */
};
ABI_SIZE(plan_port, 4136);
ABI_AT(plan_port, where, 40);

struct plan_line {
    uint32_t group;
    uint16_t udp_port;
    uint16_t port; /* index of its plan_port */
};
ABI_SIZE(plan_line, 8);

struct plan_recovery {
    uint32_t request_ip; /* 0 = there is no retransmission server */
    uint32_t snapshot_ip;
    uint16_t request_port;
    uint16_t snapshot_port;
    char user[6];
    char password[10];
    uint32_t gap_wait_us;        /* for the other line to fill a gap */
    uint32_t request_timeout_us; /* for a reply */
    uint32_t request_tries;      /* before the gap is given up, or a snapshot wanted */
    uint32_t request_messages;   /* in one request */
    uint32_t request_longest;    /* a longer gap is not asked for: a snapshot is quicker */
    uint32_t snapshot_timeout_ms;
    uint32_t snapshot_retry_ms;
    uint32_t silence_ms;   /* a session silent for so long is over when another begins */
    uint32_t far_messages; /* a packet further ahead is not believed alone */
};
ABI_SIZE(plan_recovery, 64);

enum plan_flag {
    PLAN_HOLD = 1,        /* stay when the feed has ended, until told to stop */
    PLAN_LOCK_MEMORY = 2, /* mlockall, and refuse to start without */
    PLAN_DIE_WITH_PARENT = 4
};

enum plan_placement { PLAN_FUSED = 0 /* all stages on the feed's core */ };

struct plan {
    struct plan_port port[2];
    struct plan_line line[2];
    struct plan_recovery recovery;
    struct book_limits books;
    uint32_t ports;
    uint32_t lines;
    uint32_t window_packets; /* that can wait for a gap or a snapshot */
    uint32_t flags;          /* enum plan_flag */
    int32_t feed_core;       /* -1: wherever the kernel puts it */
    int32_t cold_core;
    uint32_t placement;
    uint32_t reserved[3];
    char eal[512]; /* further words for DPDK's EAL */
};
ABI_AT(plan, line, 8272);
ABI_AT(plan, recovery, 8288);
ABI_AT(plan, books, 8352);
ABI_AT(plan, eal, 8412);
ABI_SIZE(plan, 8928);

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

/* ---- The venue: what its sender is told, and what it did. The control plane makes the segment, and beside it
 * the day: a file in memory of framed messages, to which more may be added while the sender runs. ---- */

enum venue_state {
    VENUE_STARTING = 0,
    VENUE_LEADING_IN = 1, /* heartbeats before the first message */
    VENUE_SENDING = 2,
    VENUE_HOLDING = 3, /* all is sent; heartbeats until told to stop */
    VENUE_ENDING = 4,  /* ends of session */
    VENUE_ENDED = 5,
    VENUE_FAILED = 6 /* `message` says why */
};

enum venue_flag {
    VENUE_HOLD = 1,
    VENUE_WAIT = 2 /* heartbeats until venue_control.go */
};

/* What one line does to its packets. `_ppb` are probabilities in 1/1,000,000,000 a packet. */
struct venue_faults {
    uint32_t loss_ppb;
    uint32_t loss_burst; /* packets that one loss takes on average, 1 .. 1,000 */
    uint32_t duplicate_ppb;
    uint32_t reorder_ppb;
    uint32_t reorder_depth; /* later packets that overtake one, at most; 1 .. 1,000 */
    uint32_t delay_us;
    uint32_t jitter_us; /* up to so much more; the order on the line stays */
    uint32_t reserved;
};
ABI_SIZE(venue_faults, 32);

/* A time in which lines carry nothing, not even heartbeats. It counts from the first message on. */
struct venue_blackout {
    uint64_t start_us;
    uint64_t us;
    uint32_t lines; /* 1 = A, 2 = B, 3 = both */
    uint32_t reserved;
};
ABI_SIZE(venue_blackout, 24);

struct venue_plan {
    struct plan plan; /* of it: ports, lines, eal, feed_core */
    struct venue_faults faults[2];
    struct venue_blackout blackout[16];
    uint64_t seed;
    uint64_t day_bytes; /* of the day's file, more than there are messages for */
    uint64_t rate;      /* messages a second, for PLAN_PACE_RATE */
    uint64_t speed_ppm; /* for PLAN_PACE_RECORDED: 1,000,000 = as the times of the messages say */
    uint32_t pace;      /* enum plan_pace */
    uint32_t days;      /* how often the day is sent, each time as another session */
    uint32_t heartbeat_ms;
    uint32_t lead_in_ms;
    uint32_t linger_ms; /* in which the end of a session is told */
    uint32_t same_gap_ppb;
    uint32_t same_gap_burst;
    uint32_t packet_messages; /* the most in a packet */
    uint32_t blackouts;
    uint32_t flags;   /* enum venue_flag */
    char session[10]; /* the first; digits at its end count up */
    uint16_t reserved;
    uint32_t more_reserved[3];
};
ABI_SIZE(venue_plan, 9472);
ABI_AT(venue_plan, faults, 8928);
ABI_AT(venue_plan, seed, 9376);
ABI_AT(venue_plan, session, 9448);

/* What the control plane writes while the sender runs. */
struct venue_control {
    uint64_t bytes; /* of whole framed messages in the day */
    uint32_t whole; /* 1: nothing will be added */
    uint32_t go;
    uint32_t stop;
    uint32_t reserved[11];
};
ABI_SIZE(venue_control, 64);

/* One line. Of `packets` of data that were made, each is lost, in a same gap, in a blackout, or sent. */
struct venue_line {
    uint64_t packets; /* of data, as sent: copies included */
    uint64_t messages;
    uint64_t bytes;   /* of frames, also of signals */
    uint64_t signals; /* heartbeats and ends of session, as sent */
    uint64_t lost;
    uint64_t same_gaps;
    uint64_t blacked_out;
    uint64_t blacked_out_signals;
    uint64_t duplicated;
    uint64_t reordered;
    uint64_t held;    /* now, to be overtaken */
    uint64_t delayed; /* now */
    uint64_t reserved[4];
};
ABI_SIZE(venue_line, 128);

/* What the sender says. `sent` is the last message sent of the session under way in its lower 48 bits, and
 * how many sessions were before in the upper 16. */
struct venue_live {
    uint64_t heartbeat_cycles;
    uint64_t sent;
    uint64_t messages; /* of all sessions */
    uint64_t packets;  /* made, before any fault */
    uint64_t started_cycles;
    uint64_t last_cycles; /* of the last message */
    uint64_t slipped_us;  /* that the schedule was given up for, when the sender was too slow */
    uint32_t state;       /* enum venue_state */
    uint32_t pid;
    struct venue_line line[2];
    struct port_counters port[2];
    char message[512];
};
ABI_SIZE(venue_live, 1088);
ABI_AT(venue_live, line, 64);

struct venue_segment {
    uint64_t magic;
    uint8_t abi_hash[32];
    uint64_t bytes;
    uint64_t cycles_per_s; /* the sender's clock */
    uint64_t reserved;
    struct venue_plan plan;
    struct venue_control control;
    struct venue_live live;
};
ABI_SIZE(venue_segment, 10688);
ABI_AT(venue_segment, plan, 64);
ABI_AT(venue_segment, control, 9536);
ABI_AT(venue_segment, live, 9600);

#endif
