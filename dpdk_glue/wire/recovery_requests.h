/* The requests that are out to the retransmission server, and when each is made again or has failed.
 *
 * Sorted by sequence, and none overlaps another. A request lives until nothing of what it asked for is
 * missing. What is left of it is asked for again when a reply brought a part and then nothing more came, or
 * when nothing came for its timeout; the latter only so many times in a row, and all of it only for so long.
 * A request that has failed stays, so that nobody asks for its messages again, until they are given up or
 * somebody brings them.
 */
#ifndef APPLIANCE_WIRE_RECOVERY_REQUESTS_H
#define APPLIANCE_WIRE_RECOVERY_REQUESTS_H

#include "wire/recovery.h"

struct recovery_request {
    uint64_t first; /* missing */
    uint64_t end;   /* one past the last missing */
    uint64_t missing;
    uint64_t begun_cycles;
    uint64_t asked_cycles;
    uint32_t tries; /* in a row without an answer */
    bool has_moved; /* since it was made */
    bool is_due;    /* to be made again */
    bool has_failed;
};

struct recovery_requests {
    struct recovery_request table[RECOVERY_REQUESTS];
    uint32_t count;
    bool any_failed;
};

/* Wishes in order, for recovery_next. */
struct recovery_wishes {
    struct recovery_wish list[RECOVERY_REQUESTS + 2];
    uint32_t count;
    uint32_t next;
};

void recovery_wish_for(struct recovery_wishes *wishes, enum recovery_action action, uint64_t first,
                       uint64_t count);

/* Compares all with what is missing now: which are due, which have failed. */
void recovery_requests_look(struct recovery_requests *requests, const struct recovery_sight *sight,
                            const struct recovery_limits *limits, uint64_t now_cycles);
/* Makes those again that are due, and asks for what is missing below `below` and not yet asked for, as far as
 * there is room. */
void recovery_requests_ask(struct recovery_requests *requests, const struct recovery_sight *sight,
                           uint64_t below, const struct recovery_limits *limits,
                           struct recovery_counters *counters, struct recovery_wishes *wishes,
                           uint64_t now_cycles);
/* A request for messages below `end` has failed, and none for these is still out. */
bool recovery_requests_failed_below(const struct recovery_requests *requests, uint64_t end);
/* Some may still be answered. */
bool recovery_requests_are_out(const struct recovery_requests *requests);

#endif
