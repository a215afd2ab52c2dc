/* The shared segment of a data plane: header, plan, views, statistics; each begins on a cache line of its
 * own.
 */
#ifndef APPLIANCE_ABI_SEGMENT_H
#define APPLIANCE_ABI_SEGMENT_H

#include "abi/book.h"
#include "abi/packets.h"
#include "abi/recovery.h"

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
    STAGE_STRATEGY = 6, /* one call of the strategy */
    STAGE_RISK = 7,     /* an intent: the checks, and the order made of it */
    STAGE_GATEWAY = 8,  /* an order: its bytes */
    STAGE_ORDER =
        9, /* from the receive stamp of a packet until the bytes of an order it led to are complete */
    STAGES = 10
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
 * the plan, the symbol of every view and BOOK_STALE with it, and `magic` last; the data plane inherits the
 * open file, and with it the lock, which goes when the process does. From SHM_STARTING on the data plane is
 * the only writer. */
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
    char message[512];       /* one line: why it failed, or that it was stopped too early */
    uint64_t parent_pid;     /* whose end is ours, with PLAN_DIE_WITH_PARENT */
    uint64_t trading_offset; /* of one shm_trading; 0 = the plan has no trading */
    struct shm_live live;
};
ABI_SIZE(shm_header, 768);
ABI_AT(shm_header, abi_hash, 8);
ABI_AT(shm_header, bytes, 40);
ABI_AT(shm_header, views_offset, 56);
ABI_AT(shm_header, state, 84);
ABI_AT(shm_header, name, 112);
ABI_AT(shm_header, live, 704);

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
    struct histogram stage[10];          /* by enum stage */
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

#endif
