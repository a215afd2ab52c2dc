#include "stage/live.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void take_packet(struct live *live, const struct journal_packet *packet) {
    const uint8_t *payload = (const uint8_t *)(packet + 1);
    live->books->rx_cycles = live->mark = packet->rx_cycles;
    if (packet->line != LIVE_BARE) {
        live_take_packet(live, payload, packet->bytes, packet->line, packet->rx_cycles);
        return;
    }
    live_record_packet(live, payload, packet->bytes, LIVE_BARE);
    live_apply(live, payload, packet->bytes);
}

static void take_snapshot(struct live *live, const struct journal_step *step) {
    switch (step->what) {
    case JOURNAL_SNAPSHOT_BEGIN:
        live_begin_snapshot(live);
        break;
    case JOURNAL_SNAPSHOT_RUN:
        live_apply_snapshot(live, (const uint8_t *)(step + 1), step->bytes);
        break;
    default:
        live_join_snapshot(live, (const uint8_t *)step->session, step->sequence);
    }
}

static void take_step(struct live *live, enum journal_kind kind, const struct journal_step *step) {
    live->books->rx_cycles = step->rx_cycles;
    if (kind == JOURNAL_SNAPSHOT) {
        take_snapshot(live, step);
        return;
    }
    live_record_step(live, kind, step, NULL);
    if (kind == JOURNAL_STALE)
        live->recovery_stale = step->what != 0;
    else if (kind == JOURNAL_REPAIR)
        live_do(live, step->what);
    else if (step->what)
        live_finish(live);
    else
        live_take_runs(live, live->now);
}

/* 0, or -1 with one line in `error`. */
static int take_record(struct live *live, const struct journal_record *record, char *error) {
    const void *payload = record + 1;
    live->now = record->cycles;
    switch (record->kind) {
    case JOURNAL_PACKET:
        take_packet(live, payload);
        break;
    case JOURNAL_TAKE:
    case JOURNAL_REPAIR:
    case JOURNAL_SNAPSHOT:
    case JOURNAL_STALE:
        take_step(live, record->kind, payload);
        break;
    case JOURNAL_SWITCH:
        return trading_replay_switch(live->trading, payload, error);
    case JOURNAL_LOST:
        snprintf(error, PORT_ERROR_BYTES,
                 "the journal had no room for %" PRIu64 " packets before record %" PRIu64
                 " of the feed: what was decided from there on cannot be replayed",
                 ((const struct journal_lost *)payload)->records, record->number);
        return -1;
    default: /* a session's start, notes */
        break;
    }
    live_flag_books(live);
    return 0;
}

int live_replay(struct live *live, struct replay *replay, const volatile sig_atomic_t *told_to_stop,
                char *error) {
    const struct journal_record *record;
    while (!*told_to_stop && (record = replay_peek(replay, JOURNAL_FEED))) {
        if (take_record(live, record, error) < 0)
            return -1;
        replay_release(replay, JOURNAL_FEED);
        trading_poll(live->trading, live->now);
        live_tell(live);
    }
    trading_end_replay(live->trading);
    live_tell_all(live);
    live_tell_depth(live);
    return 0;
}
