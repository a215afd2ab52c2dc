#include "stage/strategist.h"

#include "memory/lines.h"
#include "stats/histogram.h"

#include <string.h>

enum { EXPECTED_BYTES = 4 * LINES_BYTES }; /* of a strategy's state */

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

static void write_fault(struct strategist *strategist, const struct tick *tick, enum strategy_fault fault) {
    struct journal_fault *to = strategist->tap ? journal_tap_reserve(strategist->tap, JOURNAL_FAULT,
                                                                     sizeof *to, tick->event.rx_cycles)
                                               : NULL;
    if (!to)
        return;
    *to = (struct journal_fault){.tick = tick->number, .fault = fault};
    journal_tap_commit(strategist->tap);
}

static void pull(struct strategist *strategist, const struct tick *tick) {
    static const struct signal signal = {.action = SIGNAL_PULL};
    hand_on(strategist, tick, &signal, tick->event.rx_cycles);
}

static __attribute__((noinline, cold)) void fail(struct strategist *strategist, const struct tick *tick,
                                                 enum strategy_fault fault) {
    strategist->fault = fault;
    strategist->signals.count = 0;
    strategist->fault_tick = tick->number;
    slots_switch(&strategist->slots, SLOTS_NONE);
    write_fault(strategist, tick, fault);
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

static enum strategy_fault call(struct strategist *strategist, const struct tick *tick,
                                struct slots_time *time) {
    enum strategy_fault fault =
        slots_call(&strategist->slots, tick->instrument, &tick->view, &strategist->signals, time);
    if (__builtin_expect(strategist->replays && tick->number == strategist->replay_fault_at, 0))
        return fault ? fault : STRATEGY_OVERLONG;
    return fault;
}

void strategist_expect(const struct strategist *strategist, uint32_t instrument) {
    const struct slots *slots = &strategist->slots;
    if (slots->active == SLOTS_NONE)
        return;
    const struct slot *slot = &slots->slot[slots->active];
    lines_expect(slots_state(slots, instrument),
                 slot->stride < EXPECTED_BYTES ? slot->stride : EXPECTED_BYTES);
    lines_expect(slot->params, LINES_BYTES);
    lines_expect(&strategist->signals, 2 * (size_t)LINES_BYTES);
}

void strategist_take(struct strategist *strategist, const struct tick *tick) {
    if (__builtin_expect(tick->instrument == TICKS_SWITCH, 0)) {
        change(strategist, tick);
        return;
    }
    if (strategist->slots.active == SLOTS_NONE)
        return;
    strategist->rx_cycles = tick->event.rx_cycles;
    struct slots_time time;
    enum strategy_fault fault = call(strategist, tick, &time);
    if (__builtin_expect(fault != STRATEGY_FINE, 0))
        fail(strategist, tick, fault);
    for (uint32_t i = 0; i < strategist->signals.count; i++)
        hand_on(strategist, tick, &strategist->signals.signal[i], i ? histogram_stamp() : time.until_cycles);
    /* Counted when its orders are on their way. */
    histogram_add(strategist->histogram, time.until_cycles - time.since_cycles);
    histogram_grow(&strategist->shown->ticks, 1);
}
