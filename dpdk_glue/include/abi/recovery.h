/* Recovery: what is done about messages that no line brought. */
#ifndef APPLIANCE_ABI_RECOVERY_H
#define APPLIANCE_ABI_RECOVERY_H

#include "abi/base.h"
#include "abi/packets.h"

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
    uint32_t strangers;     /* packets of another session since the last of this one */
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
    uint64_t missing_first;     /* the first missing message; 0 = none */
    uint64_t missing;           /* messages, for all that is known */
    uint64_t unasked;           /* replies to what nobody had asked: not taken */
    uint64_t strange_snapshots; /* of another session than the feed's: not taken */
    uint64_t reserved[1];
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

#endif
