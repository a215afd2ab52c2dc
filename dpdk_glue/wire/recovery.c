#include "wire/recovery.h"

#include "wire/mold64.h"
#include "wire/recovery_requests.h"
#include "wire/recovery_tally.h"

#include <stdlib.h>

struct recovery {
    struct recovery_limits limits;
    struct recovery_counters *counters;
    enum recovery_state state;
    uint64_t sessions;
    uint64_t heard;
    uint64_t heard_cycles; /* when it last grew */
    bool is_silent;
    bool has_given_up;
    bool is_void;   /* the books were emptied, and only a snapshot fills them */
    bool is_begun;  /* so they were for the snapshot that is being fetched */
    bool is_paused; /* no snapshot was to be had: nothing is asked until fetch_cycles */
    uint64_t joining_cycles;
    uint64_t fetch_cycles; /* not before then is a snapshot fetched */
    /* What was missing gap_wait ago is asked for. */
    uint64_t ripe_below;
    uint64_t next_below;
    uint64_t next_cycles;
    struct recovery_requests requests;
    struct recovery_tally tally;
    struct recovery_wishes wishes;
};

struct recovery *recovery_open(const struct recovery_limits *limits, struct recovery_counters *counters) {
    if (limits->requests && (!limits->request_tries || !limits->request_messages))
        return NULL;
    struct recovery *recovery = calloc(1, sizeof *recovery);
    if (!recovery)
        return NULL;
    recovery->limits = *limits;
    recovery->counters = counters;
    return recovery;
}

void recovery_close(struct recovery *recovery) {
    free(recovery);
}

void recovery_see(struct recovery_sight *sight, const struct mold64 *mold) {
    sight->sessions = mold64_read_counters(mold)->sessions;
    sight->heard = mold64_heard(mold);
    sight->expected = mold64_expected(mold);
    sight->known_end = mold64_known_end(mold);
    sight->missing = mold64_missing(mold);
    sight->gaps = sight->missing ? mold64_gaps(mold, sight->gap, sizeof sight->gap / sizeof *sight->gap) : 0;
    sight->window_full = mold64_is_full(mold);
    sight->ended = mold64_has_ended(mold);
    sight->need_snapshot = 0;
    sight->snapshot = RECOVERY_NO_NEWS;
    sight->strangers = mold64_strangers(mold);
}

static void listen(struct recovery *recovery, const struct recovery_sight *sight, uint64_t now) {
    if (sight->heard != recovery->heard || sight->ended) {
        recovery->heard = sight->heard;
        recovery->heard_cycles = now;
        recovery->is_silent = false;
    } else if (!recovery->is_silent && recovery->limits.silence_cycles &&
               now - recovery->heard_cycles >= recovery->limits.silence_cycles) {
        recovery->is_silent = true;
        recovery_wish_for(&recovery->wishes, RECOVERY_LEAVE, 0, 0);
    }
}

/* Another session is heard, and ours is not. */
static bool is_contested(const struct recovery *recovery, const struct recovery_sight *sight, uint64_t now) {
    return sight->strangers && now - recovery->heard_cycles >= recovery->limits.gap_wait_cycles;
}

/* Another session: nothing of what was before matters any more. */
static void start_over(struct recovery *recovery, const struct recovery_sight *sight, uint64_t now) {
    recovery_tally_close(&recovery->tally, UINT64_MAX, &recovery->counters->given_up);
    recovery->tally.noted_end = 0;
    recovery->sessions = sight->sessions;
    recovery->heard_cycles = now;
    recovery->has_given_up = recovery->is_void = recovery->is_paused = false;
    recovery->requests.count = 0;
    recovery->ripe_below = recovery->next_below = 0;
    recovery->state = RECOVERY_WHOLE;
}

static void ripen(struct recovery *recovery, const struct recovery_sight *sight, uint64_t now) {
    if (!sight->missing) {
        recovery->ripe_below = recovery->next_below = 0;
        return;
    }
    if (!recovery->next_below) {
        recovery->next_below = sight->known_end;
        recovery->next_cycles = now + recovery->limits.gap_wait_cycles;
    }
    if (now >= recovery->next_cycles) {
        recovery->ripe_below = recovery->next_below;
        recovery->next_below = sight->known_end;
        recovery->next_cycles = now + recovery->limits.gap_wait_cycles;
    }
}

static enum recovery_state fail_to_join(struct recovery *recovery, uint64_t now) {
    recovery->counters->snapshots_failed++;
    recovery->is_void |= recovery->is_begun;
    recovery->is_paused = true;
    recovery->fetch_cycles = now + recovery->limits.snapshot_retry_cycles;
    if (!recovery->is_void)
        recovery_wish_for(&recovery->wishes, RECOVERY_GO_ON, 0, 0);
    return RECOVERY_LOST;
}

static enum recovery_state fetch(struct recovery *recovery, uint64_t now) {
    recovery->counters->snapshots_wanted++;
    recovery->requests.count = 0;
    recovery->is_paused = recovery->is_begun = false;
    recovery->joining_cycles = now;
    recovery->fetch_cycles = now + recovery->limits.snapshot_retry_cycles;
    recovery_wish_for(&recovery->wishes, RECOVERY_FETCH, 0, 0);
    return RECOVERY_JOINING;
}

static enum recovery_state stay_joining(struct recovery *recovery, const struct recovery_sight *sight,
                                        uint64_t now) {
    if (sight->snapshot == RECOVERY_BEGUN) {
        recovery->is_begun = true;
        recovery->joining_cycles = now;
    }
    if (sight->snapshot == RECOVERY_FAILED ||
        now - recovery->joining_cycles >= recovery->limits.snapshot_timeout_cycles)
        return fail_to_join(recovery, now);
    return RECOVERY_JOINING;
}

static void join(struct recovery *recovery, const struct recovery_sight *sight) {
    recovery->counters->snapshots++;
    recovery_tally_close(&recovery->tally, sight->expected, &recovery->counters->filled_by_snapshot);
    recovery->has_given_up = recovery->is_void = false;
    recovery->ripe_below = recovery->next_below = 0;
}

/* Requests cannot help. */
static enum recovery_state step_down(struct recovery *recovery, const struct recovery_sight *sight,
                                     uint64_t now) {
    if (recovery->limits.snapshots) {
        if (now >= recovery->fetch_cycles)
            return fetch(recovery, now);
        recovery->requests.count = 0;
        recovery->is_paused = true;
        return RECOVERY_LOST;
    }
    uint64_t first = sight->gap[0].first + sight->gap[0].count;
    recovery->has_given_up = true;
    recovery_tally_close(&recovery->tally, first, &recovery->counters->given_up);
    recovery_wish_for(&recovery->wishes, RECOVERY_GIVE_UP, first, 0);
    return RECOVERY_LOST;
}

/* Something is missing, and nobody is fetching a snapshot. */
static enum recovery_state fill(struct recovery *recovery, const struct recovery_sight *sight, uint64_t now) {
    const struct recovery_limits *limits = &recovery->limits;
    struct recovery_requests *requests = &recovery->requests;
    uint32_t before = recovery->wishes.count;
    if (recovery->is_paused)
        return RECOVERY_LOST;
    if (limits->snapshots && sight->window_full && now >= recovery->fetch_cycles)
        return fetch(recovery, now);
    recovery_requests_look(requests, sight, limits, now);
    uint64_t first_end = sight->gap[0].first + sight->gap[0].count;
    bool has_failed =
        limits->snapshots ? requests->any_failed : recovery_requests_failed_below(requests, first_end);
    bool is_ripe = sight->gap[0].first < recovery->ripe_below;
    uint64_t longest = limits->snapshots ? sight->missing : sight->gap[0].count;
    bool cannot_ask = !limits->requests || longest > limits->request_longest;
    if (has_failed || (is_ripe && cannot_ask))
        return step_down(recovery, sight, now);
    if (limits->requests)
        recovery_requests_ask(requests, sight, recovery->ripe_below, limits, recovery->counters,
                              &recovery->wishes, now);
    for (uint32_t i = before; i < recovery->wishes.count; i++)
        recovery_tally_asked(&recovery->tally, recovery->wishes.list[i].first,
                             recovery->wishes.list[i].count);
    return recovery_requests_are_out(requests) ? RECOVERY_ASKING : RECOVERY_WAITING;
}

static enum recovery_state decide(struct recovery *recovery, const struct recovery_sight *sight,
                                  uint64_t now) {
    bool may_fetch = recovery->limits.snapshots && now >= recovery->fetch_cycles;
    bool is_doubtful = recovery->is_void || recovery->has_given_up || sight->need_snapshot;
    if (may_fetch)
        recovery->is_paused = false;
    ripen(recovery, sight, now);
    recovery_tally_look(&recovery->tally, sight, recovery->counters);
    if (is_doubtful && may_fetch)
        return fetch(recovery, now);
    if (recovery->is_void)
        return RECOVERY_LOST;
    if (sight->missing)
        return fill(recovery, sight, now);
    recovery->requests.count = 0;
    recovery->is_paused = false;
    bool is_heard = !recovery->is_silent && !is_contested(recovery, sight, now);
    return is_doubtful || !is_heard ? RECOVERY_LOST : RECOVERY_WHOLE;
}

void recovery_look(struct recovery *recovery, const struct recovery_sight *sight, uint64_t now_cycles) {
    recovery->wishes.count = recovery->wishes.next = 0;
    if (!sight->sessions)
        return;
    if (sight->sessions != recovery->sessions)
        start_over(recovery, sight, now_cycles);
    listen(recovery, sight, now_cycles);
    recovery->counters->missing = sight->missing;
    recovery->counters->missing_first = sight->gaps ? sight->gap[0].first : 0;
    if (recovery->state == RECOVERY_JOINING && sight->snapshot != RECOVERY_JOINED) {
        recovery->state = stay_joining(recovery, sight, now_cycles);
        return;
    }
    if (recovery->state == RECOVERY_JOINING)
        join(recovery, sight);
    recovery->state = decide(recovery, sight, now_cycles);
}

bool recovery_next(struct recovery *recovery, struct recovery_wish *wish) {
    *wish = (struct recovery_wish){.action = RECOVERY_NOTHING};
    if (recovery->wishes.next == recovery->wishes.count)
        return false;
    *wish = recovery->wishes.list[recovery->wishes.next++];
    return true;
}

enum recovery_state recovery_state(const struct recovery *recovery) {
    return recovery->state;
}

bool recovery_is_stale(const struct recovery *recovery) {
    return recovery->state != RECOVERY_WHOLE;
}

const char *recovery_state_name(unsigned state) {
    static const char *const names[] = {"starting", "whole", "waiting", "asking", "joining", "lost"};
    return state < sizeof names / sizeof *names ? names[state] : NULL;
}
