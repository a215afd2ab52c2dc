/* What mold64.c and mold64_live.c share: the inside of an arbitration. For nobody else. */
#ifndef APPLIANCE_WIRE_MOLD64_STATE_H
#define APPLIANCE_WIRE_MOLD64_STATE_H

#include "wire/backlog.h"
#include "wire/mold64.h"

#include <string.h>

enum mold64_state { MOLD64_WAITING, MOLD64_SETTLING, MOLD64_LIVE, MOLD64_ENDED, MOLD64_LEFT };

/* The messages of one session, and the packets ahead of them. */
struct mold64_stream {
    uint64_t expected;    /* the next message; 0 while it is not known where the stream starts */
    uint64_t known_end;   /* one past the last message that exists for all we know */
    uint64_t fresh_end;   /* the same, of packets since mold64_hold_all */
    uint64_t told_end;    /* one past the last message that was delivered, not given up */
    uint64_t doubted_end; /* a known end that a snapshot did not come up to */
    uint64_t latest[MOLD64_LINE_ASKED]; /* where the last packet of each line ended; 0 = none */
    uint64_t latest_end;                /* the same, of the last packet of all */
    uint64_t give_up_to;                /* gaps below it are given up */
    struct backlog_order order;
    bool is_closing; /* all gaps are given up */
    bool is_another; /* the next run is the first of a session after another */
};

/* The last packet of a line that was too far ahead to be believed. */
struct mold64_far {
    uint8_t session[MOLD64_SESSION_BYTES];
    uint64_t next; /* where it ended; 0 = none */
};

struct mold64 {
    enum mold64_state state;
    uint8_t session[MOLD64_SESSION_BYTES];
    bool is_live;
    bool holds_all;
    bool is_fresh;                 /* no data of this session yet */
    bool is_unnumbered;            /* every packet of this session has sequence 0 */
    struct backlog_packet current; /* pushed, in order, not yet taken; count 0 = none */
    struct mold64_stream live;
    struct mold64_stream leaving; /* what is left of the session before */
    uint64_t line_next[MOLD64_LINES];
    struct mold64_far far[MOLD64_LINE_ASKED];
    uint64_t far_messages; /* 0 = every packet is believed */
    uint64_t ended_at;     /* the sequence that came with the end of the session */
    uint64_t heard;
    uint32_t strangers; /* packets of another session since the last of ours */
    uint32_t capacity;
    uint32_t settle;
    uint32_t settled;
    struct backlog backlog;
    struct mold64_counters counters;
};

static inline bool mold64_is_ours(const struct mold64 *mold, const uint8_t *session) {
    return mold->state != MOLD64_WAITING && memcmp(mold->session, session, MOLD64_SESSION_BYTES) == 0;
}

static inline void mold64_forget_far(struct mold64 *mold) {
    for (unsigned line = 0; line < MOLD64_LINE_ASKED; line++)
        mold->far[line].next = 0;
}

/* mold64_live.c */
/* Whether a packet of a live line is near enough to what is known, or confirms one that was not. */
bool mold64_believes(struct mold64 *mold, const uint8_t *session, const struct backlog_packet *packet,
                     enum mold64_verdict kind, unsigned line);
/* Copies a packet into the window; one that finds it full may take the place of another. */
enum mold64_verdict mold64_hold(struct mold64 *mold, const struct backlog_packet *packet);

#endif
