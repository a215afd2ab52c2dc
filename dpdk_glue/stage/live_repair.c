#include "stage/live.h"

#include "wire/mold64_packet.h"

#include <stdio.h>
#include <string.h>

enum {
    /* Records a round: few enough for the port not to be kept waiting; a run of a snapshot takes 20 us. */
    RECORDS_A_ROUND = 4
};

int live_repair_open(struct live *live, char *error) {
    const struct plan_recovery *plan = &live->plan->recovery;
    uint64_t per_ms = live->cycles_per_ms;
    struct recovery_limits limits = {
        .gap_wait_cycles = plan->gap_wait_us * per_ms / 1000,
        .request_timeout_cycles = plan->request_timeout_us * per_ms / 1000,
        .snapshot_timeout_cycles = plan->snapshot_timeout_ms * per_ms,
        .snapshot_retry_cycles = plan->snapshot_retry_ms * per_ms,
        .silence_cycles = plan->silence_ms * per_ms,
        .requests = plan->request_ip != 0,
        .snapshots = plan->snapshot_ip != 0,
        .request_tries = plan->request_tries,
        .request_messages = plan->request_messages,
        .request_longest = plan->request_longest,
    };
    live->recovery = recovery_open(&limits, &live->recovery_counters);
    if (!live->recovery) {
        snprintf(error, PORT_ERROR_BYTES,
                 "the plan of recovery makes no sense: tries and messages of a request are at least 1");
        return -1;
    }
    if (!limits.requests && !limits.snapshots)
        return 0;
    live->recoverer = recoverer_open(plan, live->plan->cold_core, &live->segment->stats->recoverer, error);
    return live->recoverer ? 0 : -1;
}

/* What more comes of the snapshot that was under way is not wanted. */
static void drop_snapshot(struct live *live) {
    live->fetch = 0;
    live->snapshot_end = 0;
}

void live_repair_forget(struct live *live) {
    drop_snapshot(live);
    live->doubtful = false;
    memset(live->asked, 0, sizeof live->asked);
}

static void ask(struct live *live, uint64_t first, uint64_t count) {
    live->asked[live->asked_next++ % LIVE_ASKED] =
        (struct live_asked){.first = first, .next = first, .end = first + count};
    recoverer_ask(live->recoverer, mold64_session(live->mold), first, (uint32_t)count);
}

/* A reply starts where a request did, or goes on where the reply before it ended, and holds no more than was
 * asked for. From a server that has its numbers wrong come messages that are well-formed, and belong
 * elsewhere: nothing else would tell. */
static bool was_asked_for(struct live *live, const uint8_t *payload, uint32_t length) {
    struct backlog_packet packet;
    if (mold64_parse(payload, length, &packet) > MOLD64_END_OF_SESSION)
        return true; /* malformed: for the arbitration to say why */
    for (unsigned i = 0; i < LIVE_ASKED; i++) {
        struct live_asked *asked = &live->asked[i];
        bool goes_on = packet.sequence == asked->next && packet.sequence < asked->end;
        if (asked->end && (packet.sequence == asked->first || goes_on) &&
            backlog_end_of(&packet) <= asked->end) {
            asked->next = backlog_end_of(&packet);
            return true;
        }
    }
    return false;
}

static void take_reply(struct live *live, const uint8_t *payload, uint32_t length) {
    if (was_asked_for(live, payload, length))
        live_take_packet(live, payload, length, MOLD64_LINE_ASKED, live->now);
    else
        live->recovery_counters.unasked++;
}

void live_do(struct live *live, enum recovery_action action) {
    switch (action) {
    case RECOVERY_FETCH:
        mold64_hold_all(live->mold);
        drop_snapshot(live);
        break;
    case RECOVERY_GIVE_UP:
        mold64_give_up(live->mold);
        live_take_runs(live, live->now);
        break;
    case RECOVERY_GO_ON:
        drop_snapshot(live);
        mold64_release(live->mold);
        live_take_runs(live, live->now);
        break;
    default:
        mold64_leave(live->mold);
    }
}

static void fetch(struct live *live) {
    live->fetch = recoverer_fetch(live->recoverer);
    memcpy(live->fetch_session, mold64_session(live->mold), sizeof live->fetch_session);
}

/* What the books are worth may have changed. */
static void note_staleness(struct live *live) {
    bool stale = recovery_is_stale(live->recovery);
    if (stale == live->recovery_stale)
        return;
    live->recovery_stale = stale;
    live_record_step(live, JOURNAL_STALE, &(struct journal_step){.what = stale}, NULL);
}

static void look(struct live *live, enum recovery_snapshot news) {
    struct recovery_sight sight;
    struct recovery_wish wish;
    recovery_see(&sight, live->mold);
    sight.snapshot = news;
    sight.need_snapshot = live->doubtful || live->books->stale_books != 0;
    recovery_look(live->recovery, &sight, live->now);
    note_staleness(live);
    while (recovery_next(live->recovery, &wish)) {
        if (wish.action == RECOVERY_ASK) {
            ask(live, wish.first, wish.count);
            continue;
        }
        live_record_step(live, JOURNAL_REPAIR, &(struct journal_step){.what = wish.action}, NULL);
        live_do(live, wish.action);
        if (wish.action == RECOVERY_FETCH)
            fetch(live);
    }
}

/* From now on only the whole of it makes the books good again. */
void live_begin_snapshot(struct live *live) {
    live_record_step(live, JOURNAL_SNAPSHOT, &(struct journal_step){.what = JOURNAL_SNAPSHOT_BEGIN}, NULL);
    book_clear(live->books);
    live->doubtful = true;
}

void live_apply_snapshot(struct live *live, const uint8_t *blocks, size_t bytes) {
    struct journal_step step = {.what = JOURNAL_SNAPSHOT_RUN, .bytes = (uint32_t)bytes};
    live_record_step(live, JOURNAL_SNAPSHOT, &step, blocks);
    live->rebuilding = true;
    live_apply(live, blocks, bytes);
    live->rebuilding = false;
}

bool live_join_snapshot(struct live *live, const uint8_t session[MOLD64_SESSION_BYTES], uint64_t sequence) {
    struct journal_step step = {.what = JOURNAL_SNAPSHOT_END, .sequence = sequence};
    memcpy(step.session, session, sizeof step.session);
    live_record_step(live, JOURNAL_SNAPSHOT, &step, NULL);
    drop_snapshot(live);
    if (!mold64_join(live->mold, session, sequence))
        return false;
    live->doubtful = false;
    live->books->sequence = sequence;
    return true;
}

/* A snapshot that is ahead of the lines may be of another day: it is believed when they have come so far. The
 * packets of this very round may have begun another session, of which the machine has not been told. */
static void end_snapshot(struct live *live) {
    uint64_t sequence = live->snapshot_end;
    if (!sequence || mold64_known_end(live->mold) < sequence)
        return;
    if (!live_join_snapshot(live, live->fetch_session, sequence)) {
        look(live, RECOVERY_FAILED);
        return;
    }
    look(live, RECOVERY_JOINED);
    live_record_step(live, JOURNAL_TAKE, &(struct journal_step){0}, NULL);
    live_take_runs(live, live->now);
}

/* Without its padding, which is behind the names of packets and before those of logins. Its length. */
static size_t trim(const uint8_t **name) {
    size_t length = MOLD64_SESSION_BYTES;
    while (length && (*name)[length - 1] == ' ')
        length--;
    for (; length && **name == ' '; length--)
        ++*name;
    return length;
}

/* The image of another day may be well-formed, and fit by its numbers. */
static bool is_of_session(const struct live *live, const struct recoverer_record *begin) {
    const uint8_t *ours = live->fetch_session, *its = begin->data;
    size_t length = trim(&ours);
    return live->plan->flags & PLAN_ANY_SNAPSHOT ||
           (begin->length >= MOLD64_SESSION_BYTES && trim(&its) == length && !memcmp(ours, its, length));
}

static void fail_snapshot(struct live *live) {
    drop_snapshot(live);
    look(live, RECOVERY_FAILED);
}

static void take_snapshot(struct live *live, const struct recoverer_record *record) {
    if (record->fetch != live->fetch || recovery_state(live->recovery) != RECOVERY_JOINING)
        return;
    switch (record->kind) {
    case RECOVERER_SNAPSHOT_BEGIN:
        if (!is_of_session(live, record)) {
            live->recovery_counters.strange_snapshots++;
            fail_snapshot(live);
            break;
        }
        live_begin_snapshot(live);
        look(live, RECOVERY_BEGUN);
        break;
    case RECOVERER_SNAPSHOT_RUN:
        live_apply_snapshot(live, record->data, record->length);
        break;
    case RECOVERER_SNAPSHOT_END:
        live->snapshot_end = record->sequence;
        break;
    default:
        fail_snapshot(live);
    }
}

static void take_records(struct live *live) {
    const struct recoverer_record *record;
    for (int i = 0; i < RECORDS_A_ROUND && (record = recoverer_peek(live->recoverer)); i++) {
        uint64_t since = live->mark = histogram_stamp();
        live_enter(live, STAGE_RECOVERY);
        if (record->kind == RECOVERER_PACKET)
            take_reply(live, record->data, record->length);
        else
            take_snapshot(live, record);
        recoverer_release(live->recoverer);
        histogram_add(&live->segment->stats->stage[STAGE_RECOVERY], histogram_stamp() - since);
    }
}

void live_repair(struct live *live) {
    if (!live->recovery)
        return;
    if (live->recoverer)
        take_records(live);
    if (recovery_state(live->recovery) == RECOVERY_JOINING)
        end_snapshot(live);
    look(live, RECOVERY_NO_NEWS);
    live_flag_books(live);
}
