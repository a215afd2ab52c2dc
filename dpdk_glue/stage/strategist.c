#include "stage/strategist.h"

#include "stats/histogram.h"

#include <string.h>

void strategist_open(struct strategist *strategist, uint32_t instruments, uint64_t budget_cycles,
                     struct histogram *histogram, struct shm_strategy *shown) {
    *strategist = (struct strategist){.histogram = histogram, .shown = shown};
    slots_open(&strategist->slots, instruments, budget_cycles);
}

void strategist_close(struct strategist *strategist) {
    slots_close(&strategist->slots);
}

void strategist_show(struct strategist *strategist) {
    const struct slots *slots = &strategist->slots;
    if (slots->active < SLOTS)
        memcpy(strategist->shown->name, slots->slot[slots->active].info->name,
               sizeof strategist->shown->name);
    __atomic_store_n(&strategist->shown->active, slots->active < SLOTS, __ATOMIC_RELEASE);
}

static void hand_on(struct strategist *strategist, const struct tick *tick, const struct signal *signal,
                    uint64_t now) {
    struct intent intent = {
        .event = tick->event,
        .signal = *signal,
        .instrument = tick->instrument,
        .last_px = tick->last_px,
        .number = ++strategist->intents,
        .signal_cycles = now,
    };
    histogram_grow(&strategist->shown->intents, 1);
    strategist->sink.take(strategist->sink.context, &intent);
}

static void pull(struct strategist *strategist, const struct tick *tick) {
    static const struct signal signal = {.action = SIGNAL_PULL};
    hand_on(strategist, tick, &signal, tick->event.rx_cycles);
}

static __attribute__((noinline, cold)) void fail(struct strategist *strategist, const struct tick *tick,
                                                 enum strategy_fault fault) {
    strategist->fault = fault;
    strategist->fault_tick = tick->number;
    slots_switch(&strategist->slots, SLOTS_NONE);
    strategist->shown->fault_tick = tick->number;
    __atomic_store_n(&strategist->shown->fault, fault, __ATOMIC_RELEASE);
    strategist_show(strategist);
    pull(strategist, tick);
}

static __attribute__((noinline, cold)) void change(struct strategist *strategist, const struct tick *tick) {
    bool was_called = strategist->slots.active != SLOTS_NONE;
    slots_switch(&strategist->slots, tick->last_px);
    __atomic_store_n(&strategist->shown->fault, STRATEGY_FINE, __ATOMIC_RELEASE);
    strategist_show(strategist);
    if (was_called && strategist->slots.active == SLOTS_NONE) { /* nobody would look after its orders */
        const struct tick last = {.event.rx_cycles = strategist->rx_cycles, .number = tick->number};
        pull(strategist, &last);
    }
}

static enum strategy_fault call(struct strategist *strategist, const struct tick *tick) {
    enum strategy_fault fault =
        slots_call(&strategist->slots, tick->instrument, &tick->view, &strategist->signals);
    if (__builtin_expect(strategist->replays && tick->number == strategist->replay_fault_at, 0))
        return fault ? fault : STRATEGY_OVERLONG;
    return fault;
}

void strategist_take(struct strategist *strategist, const struct tick *tick) {
    if (__builtin_expect(tick->instrument == TICKS_SWITCH, 0)) {
        change(strategist, tick);
        return;
    }
    if (strategist->slots.active == SLOTS_NONE)
        return;
    strategist->rx_cycles = tick->event.rx_cycles;
    uint64_t since = histogram_stamp();
    enum strategy_fault fault = call(strategist, tick);
    uint64_t now = histogram_stamp();
    histogram_add(strategist->histogram, now - since);
    histogram_grow(&strategist->shown->ticks, 1);
    if (__builtin_expect(fault != STRATEGY_FINE, 0)) {
        fail(strategist, tick, fault);
        return;
    }
    for (uint32_t i = 0; i < strategist->signals.count; i++)
        hand_on(strategist, tick, &strategist->signals.signal[i], now);
}
