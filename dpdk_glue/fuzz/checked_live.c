#include "fuzz/checked_live.h"

#include "fuzz/checked.h"
#include "wire/bytes.h"

#include <stdlib.h>

enum { WINDOW = 5, FAR_MESSAGES = 40, ACTS = 8 };

static const struct recovery_limits limits = {
    .gap_wait_cycles = 2,
    .request_timeout_cycles = 4,
    .snapshot_timeout_cycles = 16,
    .snapshot_retry_cycles = 8,
    .silence_cycles = 200,
    .requests = 1,
    .snapshots = 1,
    .request_tries = 2,
    .request_messages = 3,
    .request_longest = 30,
};

void checked_live_open(struct checked_live *live) {
    *live = (struct checked_live){.mold = mold64_open_live(WINDOW, FAR_MESSAGES, false)};
    live->recovery = recovery_open(&limits, &live->counters);
    CHECK(live->mold && live->recovery);
}

static void take_runs(struct checked_live *live) {
    struct mold64_run run;
    while (mold64_next(live->mold, &run)) {
        CHECK(run.messages || run.gap_before || run.new_session); /* the last: no message of it has come */
        if (run.new_session)
            live->following = 1;
        if (live->following)
            CHECK(run.first_sequence - run.gap_before == live->following);
        live->following = run.first_sequence + run.messages;
        live->is_in_doubt = run.gap_before || (live->is_in_doubt && !run.new_session);
        uint8_t *copy = checked_copy(run.messages ? run.blocks : NULL, run.length, ITCH_SLACK);
        uint32_t at = 0;
        for (uint32_t message = 0; message < run.messages; message++)
            at += 2 + (uint32_t)bytes_be16(copy + at);
        CHECK(at == run.length);
        free(copy);
    }
}

static void verify_sight(const struct recovery_sight *sight) {
    uint64_t missing = 0;
    uint64_t before = sight->expected;
    for (uint32_t i = 0; i < sight->gaps; i++) {
        CHECK(sight->gap[i].count && sight->gap[i].first >= before);
        CHECK(i == 0 || sight->gap[i].first > before);
        before = sight->gap[i].first + sight->gap[i].count;
        missing += sight->gap[i].count;
    }
    CHECK(before <= sight->known_end || !sight->gaps);
    CHECK(missing == sight->missing);
}

static bool is_missing(const struct recovery_sight *sight, uint64_t sequence) {
    for (uint32_t i = 0; i < sight->gaps; i++)
        if (sequence - sight->gap[i].first < sight->gap[i].count)
            return true;
    return false;
}

static void look(struct checked_live *live, enum recovery_snapshot news) {
    struct recovery_sight sight;
    struct recovery_wish wish;
    recovery_see(&sight, live->mold);
    verify_sight(&sight);
    sight.snapshot = (uint32_t)news;
    sight.need_snapshot = live->is_in_doubt;
    recovery_look(live->recovery, &sight, live->now);
    CHECK(recovery_state(live->recovery) != RECOVERY_WHOLE || (!sight.missing && !live->is_in_doubt));
    for (unsigned wishes = 0; recovery_next(live->recovery, &wish); wishes++) {
        CHECK(wishes < RECOVERY_REQUESTS + 2);
        switch (wish.action) {
        case RECOVERY_ASK:
            CHECK(wish.count && wish.count <= limits.request_messages);
            CHECK(is_missing(&sight, wish.first) && is_missing(&sight, wish.first + wish.count - 1));
            break;
        case RECOVERY_FETCH:
            mold64_hold_all(live->mold);
            break;
        case RECOVERY_GO_ON:
            mold64_release(live->mold);
            break;
        default:
            CHECK(wish.action == RECOVERY_LEAVE); /* there is a snapshot server: nothing is given up */
            mold64_leave(live->mold);
        }
        take_runs(live);
    }
}

void checked_live_payload(struct checked_live *live, const uint8_t *payload, uint32_t length, unsigned line) {
    uint8_t *copy = checked_copy(payload, length, ITCH_SLACK);
    CHECK(mold64_push(live->mold, copy, length, line) < MOLD64_VERDICTS);
    live->pushed++;
    take_runs(live);
    free(copy);
    live->now++;
    look(live, RECOVERY_NO_NEWS);
}

static void join(struct checked_live *live, uint32_t argument) {
    const uint8_t *session = argument & 1 ? mold64_session(live->mold) : (const uint8_t *)"0000000042";
    if (!mold64_join(live->mold, session, argument >> 1)) {
        look(live, RECOVERY_FAILED);
        return;
    }
    CHECK(mold64_expected(live->mold) == argument >> 1);
    live->following = argument >> 1;
    live->is_in_doubt = false;
    look(live, RECOVERY_JOINED);
    take_runs(live);
}

void checked_live_act(struct checked_live *live, unsigned what, uint32_t argument) {
    switch (what % ACTS) {
    case 0:
        mold64_hold_all(live->mold);
        break;
    case 1:
        join(live, argument);
        break;
    case 2:
        mold64_release(live->mold);
        break;
    case 3:
        mold64_give_up(live->mold);
        break;
    case 4:
        mold64_leave(live->mold);
        break;
    case 5:
        look(live, RECOVERY_BEGUN);
        break;
    case 6:
        look(live, RECOVERY_FAILED);
        break;
    default:
        live->now += argument;
    }
    take_runs(live);
    look(live, RECOVERY_NO_NEWS);
}

void checked_live_close(struct checked_live *live) {
    mold64_finish(live->mold);
    take_runs(live);
    const struct mold64_counters *counters = mold64_read_counters(live->mold);
    uint64_t packets = 0;
    for (unsigned line = 0; line < MOLD64_LINES; line++)
        for (unsigned verdict = 0; verdict < MOLD64_VERDICTS; verdict++)
            packets += counters->line[line].by_verdict[verdict];
    CHECK(packets == live->pushed && counters->held_peak <= WINDOW);
    recovery_close(live->recovery);
    mold64_close(live->mold);
}
