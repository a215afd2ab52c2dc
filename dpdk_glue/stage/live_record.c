#include "journal/tap.h"
#include "stage/live.h"

#include <string.h>

/* Room behind a header of `bytes`; NULL where there is no journal, or no room in it. Records that were lost
 * before are told of first: a replay ends there. */
static uint8_t *reserve(struct live *live, struct journal_tap *tap, enum journal_kind kind, uint32_t bytes) {
    if (live->unwritten && kind != JOURNAL_LOST) {
        struct journal_lost lost = {.records = live->unwritten};
        uint8_t *to = reserve(live, tap, JOURNAL_LOST, sizeof lost);
        if (!to)
            return NULL;
        memcpy(to, &lost, sizeof lost);
        journal_tap_commit(tap);
        live->unwritten = 0;
    }
    uint8_t *to = journal_tap_reserve(tap, kind, bytes, live->now);
    if (!to && kind != JOURNAL_LOST)
        live->unwritten++;
    return to;
}

void live_record_packet(struct live *live, const uint8_t *payload, uint32_t length, unsigned line) {
    struct journal_tap *tap = live->trading ? trading_tap(live->trading) : NULL;
    if (!tap)
        return;
    struct journal_packet packet = {
        .rx_cycles = live->books->rx_cycles, .bytes = length, .line = (uint16_t)line};
    uint8_t *to = reserve(live, tap, JOURNAL_PACKET, (uint32_t)sizeof packet + length);
    if (!to) {
        trading_lose_record(live->trading);
        return;
    }
    memcpy(to, &packet, sizeof packet);
    memcpy(to + sizeof packet, payload, length);
    journal_tap_commit(tap);
}

void live_record_step(struct live *live, enum journal_kind kind, const struct journal_step *what,
                      const uint8_t *data) {
    struct journal_tap *tap = live->trading ? trading_tap(live->trading) : NULL;
    if (!tap)
        return;
    struct journal_step step = *what;
    step.rx_cycles = live->books->rx_cycles;
    uint8_t *to = reserve(live, tap, kind, (uint32_t)sizeof step + step.bytes);
    if (!to) {
        trading_lose_record(live->trading);
        return;
    }
    memcpy(to, &step, sizeof step);
    if (step.bytes)
        memcpy(to + sizeof step, data, step.bytes);
    journal_tap_commit(tap);
}
