/* The venue: what its sender is told, and what it did. The control plane makes the segment, and beside it
 * the day: a file in memory of framed messages, to which more may be added while the sender runs.
 */
#ifndef APPLIANCE_ABI_VENUE_H
#define APPLIANCE_ABI_VENUE_H

#include "abi/packets.h"
#include "abi/plan.h"

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
    VENUE_WAIT = 2, /* heartbeats until venue_control.go */
    VENUE_LIVE = 4  /* the day is made while it is sent: venue_control.bell tells of more of it */
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
ABI_SIZE(venue_plan, 13904);
ABI_AT(venue_plan, faults, 13360);
ABI_AT(venue_plan, seed, 13808);
ABI_AT(venue_plan, session, 13880);

/* What the control plane writes while the sender runs. */
struct venue_control {
    uint64_t bytes; /* of whole framed messages in the day */
    uint32_t whole; /* 1: nothing will be added */
    uint32_t go;
    uint32_t stop;
    uint32_t bell;    /* counts up whenever `bytes` or `whole` have changed: a futex */
    uint32_t waiting; /* written by the sender: it sleeps until the bell */
    uint32_t reserved[9];
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
    uint64_t parent_pid;   /* whose end is the sender's */
    struct venue_plan plan;
    struct venue_control control;
    struct venue_live live;
};
ABI_SIZE(venue_segment, 15120);
ABI_AT(venue_segment, plan, 64);
ABI_AT(venue_segment, control, 13968);
ABI_AT(venue_segment, live, 14032);

#endif
