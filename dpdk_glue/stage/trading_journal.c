#include "stage/trading_parts.h"

#include <string.h>
#include <time.h>

enum {
    RESERVE_BYTES = 1 << 16, /* that stay free for cancels and replies when orders are stopped */
    CALM_MS = 1000,          /* after the last loss, before orders may go again */
    THOUSAND = 1000
};

/* Each stream says where a life of this process begins. */
void trading_write_session(struct trading *trading) {
    const struct shm_header *header = trading->segment->header;
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    struct journal_session session = {.cycles_per_s = header->cycles_per_s,
                                      .cycles = clock_cycles(),
                                      .wall_ns = (uint64_t)wall.tv_sec * 1000000000 + (uint64_t)wall.tv_nsec,
                                      .pid = header->pid,
                                      .placement = trading->plan->groups};
    memcpy(session.abi_hash, header->abi_hash, sizeof session.abi_hash);
    memcpy(session.name, header->name, sizeof session.name - 1);
    for (uint32_t stage = TRADING_FEED; trading->writes && stage <= TRADING_GATEWAY; stage++) {
        struct journal_tap *tap = &trading->taps[stage];
        void *to = journal_tap_reserve(tap, JOURNAL_SESSION, sizeof session, session.cycles);
        if (!to)
            continue; /* the stages will find that there is no room */
        memcpy(to, &session, sizeof session);
        journal_tap_commit(tap);
    }
}

void trading_write_switch(struct trading *trading) {
    struct journal_tap *tap = trading_tap(trading);
    struct journal_switch *to =
        tap ? journal_tap_reserve(tap, JOURNAL_SWITCH, sizeof *to, trading->ticks.number) : NULL;
    if (to) {
        *to = trading->loaded;
        to->tick = trading->ticks.number;
        journal_tap_commit(tap);
    } else if (tap) {
        trading_lose_record(trading);
    }
}

void trading_lose_record(struct trading *trading) {
    __atomic_store_n(&trading->lost_cycles, clock_cycles(), __ATOMIC_RELAXED);
}

/* What was decided between the two moments rests on a room that a replay does not know of: it says so. */
static void tell_loss(struct trading *trading) {
    struct journal_tap *tap = trading->decider.tap;
    struct journal_lost *to = journal_tap_reserve(tap, JOURNAL_LOST, sizeof *to, trading->decider.rx_cycles);
    if (!to)
        return;
    *to = (struct journal_lost){.records = trading->decider.counters.unwritten};
    journal_tap_commit(tap);
}

void trading_look_at_journal(struct trading *trading, uint64_t now_cycles) {
    if (!trading->writes || trading->replay)
        return;
    uint64_t lost_cycles = __atomic_load_n(&trading->lost_cycles, __ATOMIC_RELAXED);
    bool has_room = records_reserve(trading->decider.tap->ring, RESERVE_BYTES) != NULL;
    bool is_calm =
        !lost_cycles || now_cycles > lost_cycles + (uint64_t)CALM_MS * THOUSAND * trading->cycles_per_us;
    if (!has_room && !trading->journal_is_shut)
        trading->journal_is_shut = true;
    else if (lost_cycles && !is_calm)
        trading->journal_is_shut = true;
    else if (trading->journal_is_shut && has_room && is_calm) {
        trading->journal_is_shut = false;
        tell_loss(trading);
    }
    decider_shut(&trading->decider, SHUT_JOURNAL, trading->journal_is_shut);
}
