#include "api.h"
#include "wire/mold64.h"
#include "wire/recovery.h"

struct mold64 *api_mold64_open(uint32_t window, uint32_t settle) {
    return mold64_open(window, settle);
}

struct mold64 *api_mold64_open_live(uint32_t window, uint32_t far_messages, uint32_t prefault) {
    return mold64_open_live(window, far_messages, prefault != 0);
}

void api_mold64_close(struct mold64 *mold) {
    mold64_close(mold);
}

uint64_t api_mold64_bytes(const struct mold64 *mold) {
    return mold64_bytes(mold);
}

int api_mold64_push(struct mold64 *mold, const uint8_t *payload, uint32_t length, uint32_t line) {
    return line < MOLD64_LINES ? (int)mold64_push(mold, payload, length, line) : -1;
}

int api_mold64_next(struct mold64 *mold, struct mold64_run *run) {
    return mold64_next(mold, run);
}

void api_mold64_finish(struct mold64 *mold) {
    mold64_finish(mold);
}

uint32_t api_mold64_gaps(const struct mold64 *mold, struct mold64_gap *gaps, uint32_t room) {
    return mold64_gaps(mold, gaps, room);
}

void api_mold64_give_up(struct mold64 *mold) {
    mold64_give_up(mold);
}

void api_mold64_hold_all(struct mold64 *mold) {
    mold64_hold_all(mold);
}

int api_mold64_join(struct mold64 *mold, const char *session, uint64_t sequence) {
    return mold64_join(mold, (const uint8_t *)session, sequence);
}

void api_mold64_release(struct mold64 *mold) {
    mold64_release(mold);
}

void api_mold64_leave(struct mold64 *mold) {
    mold64_leave(mold);
}

void api_mold64_counters(const struct mold64 *mold, struct mold64_counters *counters) {
    *counters = *mold64_read_counters(mold);
}

const char *api_mold64_verdict_name(uint32_t verdict) {
    return mold64_verdict_name(verdict);
}

struct recovery *api_recovery_open(const struct recovery_limits *limits, struct recovery_counters *counters) {
    return recovery_open(limits, counters);
}

void api_recovery_close(struct recovery *recovery) {
    recovery_close(recovery);
}

void api_recovery_see(struct recovery_sight *sight, const struct mold64 *mold) {
    recovery_see(sight, mold);
}

void api_recovery_look(struct recovery *recovery, const struct recovery_sight *sight, uint64_t now_cycles) {
    recovery_look(recovery, sight, now_cycles);
}

int api_recovery_next(struct recovery *recovery, struct recovery_wish *wish) {
    return recovery_next(recovery, wish);
}

uint32_t api_recovery_state(const struct recovery *recovery) {
    return recovery_state(recovery);
}

const char *api_recovery_state_name(uint32_t state) {
    return recovery_state_name(state);
}
