#include "stage/trading_parts.h"

#include "stats/histogram.h"

#include <string.h>

enum { SHOW_EVERY_US = 1000, LIST_EVERY_US = 10000 };

/* Of those that have changed. */
static void show_positions(const struct trading *trading, struct shm_decisions *shown) {
    const struct decider *decider = &trading->decider;
    for (uint32_t i = 0; i < trading->ticks.instruments; i++) {
        struct risk_state state;
        if (!(decider->touched[i / 64] >> i % 64 & 1))
            continue;
        risk_read(decider->risk, i, &state);
        struct shown_position *position = &shown->position[i];
        position->position = state.position;
        memcpy(position->open_qty, state.open_qty, sizeof position->open_qty);
        position->open_orders = state.open_orders;
        position->permitted = state.permitted;
        memcpy(&position->bought_qty, decider->traded[i].qty, sizeof decider->traded[i].qty);
        memcpy(&position->bought_notional, decider->traded[i].notional, sizeof decider->traded[i].notional);
    }
}

static void show_decisions(struct trading *trading, struct shm_decisions *shown) {
    struct decider *decider = &trading->decider;
    shown->causes = decider->causes;
    shown->intents = decider->intents;
    shown->next_user_ref = decider->pool.next_user_ref;
    shown->venue_sequence = decider->pool.sequence;
    shown->connection = decider->pool.connection;
    shown->counters = decider->counters;
    risk_read_totals(decider->risk, &shown->risk);
    shown->pool = decider->pool.counters;
    show_positions(trading, shown);
    memset(decider->touched, 0, sizeof decider->touched);
}

/* Lists are longer, and looked at by people. */
static void show_lists(struct trading *trading, struct shm_decisions *shown) {
    memcpy(shown->reject, trading->decider.rejects, sizeof shown->reject);
    shown->open_orders = order_pool_list(&trading->decider.pool, shown->order, ABI_SHOWN_ORDERS);
    shown->listed_sequence = trading->decider.pool.sequence;
    trading->lists_are_due = false;
}

/* What a reader finds while `version` is odd, or has changed when it is done, is not to be believed. */
static void show(struct trading *trading, bool lists) {
    struct shm_decisions *shown = &trading->shown->decisions;
    /* Acquire: nothing that is written below is seen before the odd version. */
    __atomic_fetch_add(&shown->version, 1, __ATOMIC_ACQUIRE);
    show_decisions(trading, shown);
    if (lists)
        show_lists(trading, shown);
    shown->shown_cycles = clock_cycles();
    __atomic_store_n(&shown->version, shown->version + 1, __ATOMIC_RELEASE);
}

void trading_show_all(struct trading *trading) {
    if (trading->decider.risk)
        show(trading, true);
    trading->decider.is_fresh = false;
}

void trading_show(struct trading *trading, uint64_t now_cycles) {
    trading->lists_are_due |= trading->decider.is_fresh;
    if (!trading->lists_are_due ||
        now_cycles - trading->shown_cycles < SHOW_EVERY_US * trading->cycles_per_us)
        return;
    bool lists = now_cycles - trading->listed_cycles >= LIST_EVERY_US * trading->cycles_per_us;
    if (!lists && !trading->decider.is_fresh)
        return;
    trading->shown_cycles = now_cycles;
    if (lists)
        trading->listed_cycles = now_cycles;
    trading->decider.is_fresh = false;
    show(trading, lists);
}
