#include "stage/trading.h"

#include "memory/lines.h"
#include "memory/memory.h"
#include "port/port.h"
#include "ring/spsc.h"
#include "stage/decider.h"
#include "stage/gateway.h"
#include "stage/strategist.h"
#include "stage/trading_parts.h"
#include "stats/histogram.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool shares_thread(const struct trading *trading, enum trading_stage one, enum trading_stage other) {
    return trading->plan->group[one] == trading->plan->group[other];
}

/* ---- From stage to stage: a call, or a place in a ring. ---- */

/* Waits for room. The reader works its ring off also when all is to stop. */
static __attribute__((noinline)) void *wait_for_room(struct trading *trading, struct spsc *ring,
                                                     enum trading_stage waiting) {
    uint32_t count;
    void *place;
    while (!(place = spsc_reserve(ring, 1, &count))) {
        histogram_grow(&trading->shown->waits[waiting], 1);
        __builtin_ia32_pause();
    }
    return place;
}

static void show_tick(struct trading *trading, const struct tick *tick) {
    strategist_take(&trading->strategist, tick);
    if (__builtin_expect(trading->replay && tick->number == trading->strategist.replay_fault_at, 0))
        trading_replay_fault(trading);
}

static void decide(struct trading *trading, const struct intent *intent, uint64_t since_cycles) {
    if (__builtin_expect(trading->replay != NULL, 0))
        trading_replay_until(trading, intent->number);
    decider_take_intent(&trading->decider, intent, since_cycles);
}

/* What the stages of a group will need for this instrument. */
static inline void expect_in(const struct trading *trading, uint32_t group, uint32_t instrument) {
    const uint32_t *of = trading->plan->group;
    if (of[TRADING_STRATEGY] == group)
        strategist_expect(&trading->strategist, instrument);
    if (of[TRADING_RISK] == group)
        decider_expect(&trading->decider, instrument);
    if (of[TRADING_GATEWAY] == group)
        gateway_expect(&trading->gateway, instrument);
}

static void tick_expect(void *context, uint32_t instrument) {
    struct trading *trading = context;
    if (!trading->tick_ring)
        lines_expect(&trading->tick, sizeof trading->tick);
    expect_in(trading, 0, instrument);
}

static struct tick *tick_room(void *context) {
    struct trading *trading = context;
    uint32_t count;
    if (!trading->tick_ring)
        return &trading->tick;
    void *place = spsc_reserve(trading->tick_ring, 1, &count);
    return place ? place : wait_for_room(trading, trading->tick_ring, TRADING_FEED);
}

static void tick_done(void *context, struct tick *tick) {
    struct trading *trading = context;
    if (trading->tick_ring)
        spsc_commit(trading->tick_ring, 1);
    else
        show_tick(trading, tick);
}

static void take_intent(void *context, const struct intent *intent) {
    struct trading *trading = context;
    if (!trading->intent_ring) {
        decide(trading, intent, intent->signal_cycles);
        return;
    }
    struct intent *place = wait_for_room(trading, trading->intent_ring, TRADING_STRATEGY);
    *place = *intent;
    spsc_commit(trading->intent_ring, 1);
}

static void take_order(void *context, const struct order *order) {
    struct trading *trading = context;
    if (!trading->order_ring) {
        while (!gateway_has_room(&trading->gateway)) {
            histogram_grow(&trading->shown->waits[TRADING_RISK], 1);
            gateway_poll(&trading->gateway, clock_cycles());
        }
        gateway_take(&trading->gateway, order, order->decided_cycles);
        return;
    }
    struct order *place = wait_for_room(trading, trading->order_ring, TRADING_RISK);
    *place = *order;
    spsc_commit(trading->order_ring, 1);
}

static bool execution_has_room(void *context) {
    struct trading *trading = context;
    return trading->execution_ring ? spsc_room(trading->execution_ring, 1) > 0
                                   : decider_can_write(&trading->decider);
}

static void take_execution(void *context, const struct execution *execution) {
    struct trading *trading = context;
    uint32_t count;
    if (!trading->execution_ring) {
        decider_take_execution(&trading->decider, execution);
        return;
    }
    struct execution *place = spsc_reserve(trading->execution_ring, 1, &count);
    *place = *execution; /* execution_has_room has said so */
    spsc_commit(trading->execution_ring, 1);
}

/* ---- A round of each stage. How much there was to do. ---- */

static uint32_t poll_strategy(struct trading *trading) {
    uint32_t count = 0;
    if (!trading->tick_ring)
        return 0;
    const struct tick *ticks = spsc_peek(trading->tick_ring, TRADING_BURST, &count);
    if (!ticks)
        return 0;
    for (uint32_t i = 0; i < count; i++)
        if (ticks[i].instrument != TICKS_SWITCH)
            expect_in(trading, trading->plan->group[TRADING_STRATEGY], ticks[i].instrument);
    for (uint32_t i = 0; i < count; i++)
        show_tick(trading, &ticks[i]);
    spsc_release(trading->tick_ring, count);
    return count;
}

static uint32_t poll_executions(struct trading *trading) {
    uint32_t count = 0;
    const struct execution *executions = spsc_peek(trading->execution_ring, TRADING_BURST, &count);
    uint32_t taken = 0;
    while (executions && taken < count && decider_can_write(&trading->decider))
        decider_take_execution(&trading->decider, &executions[taken++]);
    if (taken)
        spsc_release(trading->execution_ring, taken);
    return taken;
}

static uint32_t poll_intents(struct trading *trading) {
    uint32_t count = 0;
    const struct intent *intents = spsc_peek(trading->intent_ring, TRADING_BURST, &count);
    if (!intents)
        return 0;
    for (uint32_t i = 0; i < count; i++)
        decide(trading, &intents[i], histogram_stamp());
    spsc_release(trading->intent_ring, count);
    return count;
}

/* The feed has come to its end, and no intent is left: so are the decisions. */
static void end_replay(struct trading *trading) {
    if (trading->intent_ring && spsc_waiting(trading->intent_ring))
        return;
    trading_replay_until(trading, UINT64_MAX);
    __atomic_store_n(&trading->replay_ended, 1, __ATOMIC_RELEASE);
}

static uint32_t poll_risk(struct trading *trading, uint64_t now_cycles) {
    uint32_t count = trading->execution_ring ? poll_executions(trading) : 0;
    decider_look(&trading->decider);
    trading_take_command(trading);
    trading_look_at_journal(trading, now_cycles);
    if (trading->intent_ring)
        count += poll_intents(trading);
    if (__builtin_expect(__atomic_load_n(&trading->replay_ends, __ATOMIC_ACQUIRE), 0))
        end_replay(trading);
    trading_show(trading, now_cycles);
    return count;
}

static uint32_t poll_gateway(struct trading *trading, uint64_t now_cycles) {
    uint32_t count = 0;
    if (trading->order_ring) {
        const struct order *orders = spsc_peek(trading->order_ring, TRADING_BURST, &count);
        for (uint32_t i = 0; orders && i < count; i++) {
            while (!gateway_has_room(&trading->gateway))
                gateway_poll(&trading->gateway, clock_cycles());
            gateway_take(&trading->gateway, &orders[i], histogram_stamp());
        }
        if (orders)
            spsc_release(trading->order_ring, count);
        else
            count = 0;
    }
    gateway_poll(&trading->gateway, now_cycles);
    return count;
}

uint32_t trading_poll_group(struct trading *trading, uint32_t group, uint64_t now_cycles) {
    const uint32_t *of = trading->plan->group;
    uint32_t count = 0;
    if (of[TRADING_GATEWAY] == group)
        count += poll_gateway(trading, now_cycles);
    if (of[TRADING_RISK] == group)
        count += poll_risk(trading, now_cycles);
    if (of[TRADING_STRATEGY] == group)
        count += poll_strategy(trading);
    return count;
}

void trading_poll(struct trading *trading, uint64_t now_cycles) {
    trading_take_switch(trading);
    trading_poll_group(trading, 0, now_cycles);
}

static void drain(struct trading *trading, struct spsc *ring) {
    while (ring && spsc_waiting(ring))
        trading_poll_group(trading, 0, clock_cycles());
}

void trading_drain(struct trading *trading) {
    drain(trading, trading->tick_ring);
    drain(trading, trading->intent_ring);
    drain(trading, trading->order_ring);
}

void trading_end_replay(struct trading *trading) {
    trading_drain(trading);
    __atomic_store_n(&trading->replay_ends, 1, __ATOMIC_RELEASE);
    while (!__atomic_load_n(&trading->replay_ended, __ATOMIC_ACQUIRE))
        trading_poll_group(trading, 0, clock_cycles());
    drain(trading, trading->order_ring);
}

struct journal_tap *trading_tap(struct trading *trading) {
    return trading->writes ? &trading->taps[TRADING_FEED] : NULL;
}

void trading_run_group(struct trading *trading, uint32_t group) {
    uint32_t empty_rounds = 0;
    while (!__atomic_load_n(&trading->stopping[group], __ATOMIC_ACQUIRE)) {
        uint32_t count = trading_poll_group(trading, group, clock_cycles());
        empty_rounds = count ? 0 : empty_rounds + 1;
        if (!count)
            trading_relax(trading, group, empty_rounds);
    }
    while (trading_poll_group(trading, group, clock_cycles()))
        ; /* what the stages before have left */
}

void trading_hand_tick(struct trading *trading, const struct tick *tick) {
    struct tick *place = tick_room(trading);
    *place = *tick;
    tick_done(trading, place);
}

void trading_feed(struct trading *trading, struct book_set *books, const uint8_t *blocks, size_t bytes) {
    const struct tick_sink sink = {
        .expect = tick_expect, .room = tick_room, .done = tick_done, .context = trading};
    ticks_feed(&trading->ticks, books, blocks, bytes, &sink);
}

/* ---- Opening: the rings where threads meet, and the sinks. ---- */

static struct spsc *ring_between(struct trading *trading, enum trading_stage one, enum trading_stage other,
                                 uint64_t items, uint32_t item_bytes, bool *failed) {
    if (shares_thread(trading, one, other))
        return NULL;
    struct memory *memory = &trading->memory[trading->rings++];
    struct spsc *ring = spsc_open(memory, items, item_bytes);
    *failed |= !ring;
    return ring;
}

int trading_connect(struct trading *trading) {
    bool failed = false;
    trading->tick_ring =
        ring_between(trading, TRADING_FEED, TRADING_STRATEGY, TRADING_TICKS, sizeof(struct tick), &failed);
    trading->intent_ring =
        ring_between(trading, TRADING_STRATEGY, TRADING_RISK, TRADING_ITEMS, sizeof(struct intent), &failed);
    trading->order_ring =
        ring_between(trading, TRADING_RISK, TRADING_GATEWAY, TRADING_ITEMS, sizeof(struct order), &failed);
    trading->execution_ring = ring_between(trading, TRADING_GATEWAY, TRADING_RISK, TRADING_ITEMS,
                                           sizeof(struct execution), &failed);
    trading->strategist.sink = (struct intent_sink){.take = take_intent, .context = trading};
    trading->decider.sink = (struct order_sink){.take = take_order, .context = trading};
    trading->gateway.sink =
        (struct execution_sink){.has_room = execution_has_room, .take = take_execution, .context = trading};
    return failed ? -1 : 0;
}
