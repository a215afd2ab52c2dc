#include "stage/decider.h"

#include "memory/lines.h"
#include "stats/histogram.h"

#include <stdlib.h>
#include <string.h>

static const uint32_t SHUT_FOR_ORDERS = ~(uint32_t)SHUT_REDUCE;

int decider_open(struct decider *decider, const struct order_pool_limits *limits, const char (*symbols)[8],
                 const uint32_t *kill_word, struct histogram *histogram) {
    memset(decider, 0, sizeof *decider);
    decider->kill_word = kill_word;
    decider->histogram = histogram;
    decider->causes = SHUT_STARTING | SHUT_DISCONNECTED;
    decider->is_fresh = true;
    decider->risk = risk_open(limits->instruments, &decider->kill);
    decider->traded = calloc(limits->instruments, sizeof *decider->traded);
    if (!decider->risk || !decider->traded)
        return -1;
    return order_pool_open(&decider->pool, limits, symbols);
}

void decider_close(struct decider *decider) {
    if (decider->risk)
        risk_close(decider->risk);
    decider->risk = NULL;
    free(decider->traded);
    decider->traded = NULL;
    order_pool_close(&decider->pool);
}

static void apply_causes(struct decider *decider) {
    enum risk_gate gate = decider->causes & SHUT_FOR_ORDERS ? GATE_KILLED
                          : decider->causes                 ? GATE_REDUCE_ONLY
                                                            : GATE_OPEN;
    risk_set_state(decider->risk, gate);
    decider->is_fresh = true;
}

void decider_shut(struct decider *decider, uint32_t cause, bool is_there) {
    uint32_t causes = is_there ? decider->causes | cause : decider->causes & ~cause;
    if (causes == decider->causes)
        return;
    decider->causes = causes;
    apply_causes(decider);
}

static void send(struct decider *decider, struct order *order) {
    decider->counters.orders++;
    decider->is_fresh = true;
    order->decided_cycles = decider->decided_cycles = histogram_stamp();
    decider->sink.take(decider->sink.context, order);
}

static void cancel_all(struct decider *decider) {
    struct order order;
    if (order_pool_mass_cancel(&decider->pool, ORDER_POOL_ALL, decider->rx_cycles, &order))
        send(decider, &order);
}

/* ---- The journal: each input that is no intent, with the number of intents before it. ---- */

static void write_down(struct decider *decider, enum journal_kind kind, const void *data, uint32_t bytes) {
    if (!decider->tap)
        return;
    uint8_t *to = journal_tap_reserve(decider->tap, kind, (uint32_t)sizeof decider->intents + bytes,
                                      decider->rx_cycles);
    if (!to) {
        decider->counters.unwritten++;
        return;
    }
    memcpy(to, &decider->intents, sizeof decider->intents);
    memcpy(to + sizeof decider->intents, data, bytes);
    journal_tap_commit(decider->tap);
}

bool decider_can_write(const struct decider *decider) {
    enum { MOST_BYTES = sizeof(struct journal_record) + sizeof(struct journal_command) };
    return !decider->tap || records_reserve(decider->tap->ring, MOST_BYTES);
}

/* ---- The kill word. ---- */

static __attribute__((noinline, cold)) void obey(struct decider *decider, uint32_t kill) {
    struct command command = {.kind = COMMAND_KILL, .scope = COMMAND_OF_THE_WORD, .index = kill};
    decider->kill = kill;
    write_down(decider, JOURNAL_COMMAND, &command, sizeof command);
    decider_shut(decider, SHUT_KILLED, kill >= GATE_KILLED);
    decider_shut(decider, SHUT_REDUCE, kill == GATE_REDUCE_ONLY);
    if (kill >= GATE_KILLED)
        cancel_all(decider);
}

void decider_look(struct decider *decider) {
    uint32_t kill = __atomic_load_n(decider->kill_word, __ATOMIC_RELAXED);
    if (__builtin_expect(kill != decider->kill, 0))
        obey(decider, kill);
}

/* ---- Intents. ---- */

static void tell_best(struct decider *decider, uint32_t instrument, uint32_t side) {
    decider->touched[instrument / 64] |= UINT64_C(1) << instrument % 64;
    risk_own_best(decider->risk, instrument, side, order_pool_best(&decider->pool, instrument, side));
}

static void reject(struct decider *decider, const struct risk_reject *why) {
    decider->rejects[decider->counters.rejects++ % ABI_SHOWN_REJECTS] = *why;
    decider->is_fresh = true;
    if (decider->tap)
        write_down(decider, JOURNAL_REJECT, why, sizeof *why);
}

static void take_checked(struct decider *decider, const struct intent *intent,
                         const struct order_view *before) {
    struct risk_reject why;
    struct order order;
    bool replaces = intent->signal.action == SIGNAL_REPLACE;
    struct risk_ask ask = risk_ask_of(intent, replaces ? before->px : 0, replaces ? before->leaves_qty : 0);
    if (risk_check(decider->risk, &ask, &why) != RISK_PASS) {
        reject(decider, &why);
        return;
    }
    if (order_pool_take(&decider->pool, intent, &order) != TAKE_DONE) { /* it has just said that it would */
        risk_release(decider->risk, intent->instrument, intent->signal.side, intent->signal.px,
                     intent->signal.qty);
        risk_close_order(decider->risk, intent->instrument, intent->signal.side);
        return;
    }
    tell_best(decider, intent->instrument, intent->signal.side);
    send(decider, &order);
}

static void take_signal(struct decider *decider, const struct intent *intent) {
    const struct order_view *before;
    enum order_take take = order_pool_look(&decider->pool, intent, &before);
    if (take != TAKE_DONE) {
        decider->counters.refused[take]++;
        return;
    }
    if (intent->signal.action != SIGNAL_CANCEL) {
        take_checked(decider, intent, before);
        return;
    }
    struct order order;
    if (order_pool_take(&decider->pool, intent, &order) == TAKE_DONE) {
        risk_cancelled_message(decider->risk, intent->instrument);
        send(decider, &order);
    }
}

void decider_expect(const struct decider *decider, uint32_t instrument) {
    lines_expect(decider, offsetof(struct decider, touched));
    lines_expect(&decider->touched[instrument / 64], sizeof *decider->touched);
    lines_expect(&decider->is_fresh, sizeof decider->is_fresh);
    lines_expect(decider->kill_word, sizeof *decider->kill_word);
    risk_expect(decider->risk, instrument);
    order_pool_expect(&decider->pool, instrument);
}

void decider_take_intent(struct decider *decider, const struct intent *intent, uint64_t since_cycles) {
    uint64_t orders = decider->counters.orders;
    decider_look(decider);
    decider->intents = intent->number;
    decider->rx_cycles = intent->event.rx_cycles;
    decider->is_fresh = true;
    if (__builtin_expect(intent->signal.action == SIGNAL_PULL, 0))
        cancel_all(decider);
    else
        take_signal(decider, intent);
    uint64_t until_cycles = decider->counters.orders != orders ? decider->decided_cycles : histogram_stamp();
    histogram_add(decider->histogram, until_cycles - since_cycles);
}

/* ---- Executions. ---- */

static void count(struct decider *decider, const struct order_effect *effect) {
    struct risk *risk = decider->risk;
    uint16_t at = effect->instrument;
    enum abi_side side = effect->side;
    enum abi_side other = side == SIDE_BID ? SIDE_ASK : SIDE_BID;
    if (effect->adopted_qty || effect->opens) {
        risk_restore_order(risk, at, side, effect->order_px, effect->adopted_qty);
        if (!effect->opens) /* an order that is counted has grown */
            risk_close_order(risk, at, side);
    }
    if (effect->filled_qty) {
        risk_fill(risk, at, side, effect->order_px, effect->fill_px, effect->filled_qty);
        decider->traded[at].qty[side] += effect->filled_qty;
        decider->traded[at].notional[side] += (uint64_t)effect->fill_px * effect->filled_qty;
    }
    if (effect->released_qty)
        risk_release(risk, at, side, effect->order_px, effect->released_qty);
    if (effect->closes)
        risk_close_order(risk, at, side);
    if (effect->broken_qty) {
        risk_restore_shares(risk, at, other, effect->broken_px, effect->broken_qty);
        decider->traded[at].qty[side] -= effect->broken_qty;
        decider->traded[at].notional[side] -= (uint64_t)effect->broken_px * effect->broken_qty;
    }
    tell_best(decider, at, side);
}

static void settle(struct decider *decider) {
    struct order_effect effect;
    while (order_pool_settle(&decider->pool, decider->rx_cycles, &effect))
        count(decider, &effect);
    decider_shut(decider, SHUT_DISCONNECTED, false);
    if (decider->kill >= GATE_KILLED) /* it came while nobody would have heard */
        cancel_all(decider);
}

void decider_take_execution(struct decider *decider, const struct execution *execution) {
    struct order_effect effects[ORDER_POOL_EFFECTS];
    write_down(decider, JOURNAL_EXECUTION, execution, sizeof *execution);
    decider->rx_cycles = execution->rx_cycles;
    decider->counters.executions++;
    decider->is_fresh = true;
    if (execution->kind == EXECUTION_DISCONNECTED)
        decider_shut(decider, SHUT_DISCONNECTED, true);
    if (execution->kind == EXECUTION_ENDED)
        decider_shut(decider, SHUT_ENDED, true);
    uint32_t made = order_pool_apply(&decider->pool, execution, effects);
    for (uint32_t i = 0; i < made; i++)
        count(decider, &effects[i]);
    if (execution->kind == EXECUTION_CAUGHT_UP)
        settle(decider);
}

/* ---- Commands. ---- */

static const char *open_gate(struct decider *decider) {
    if (decider->kill >= GATE_KILLED) /* reduce-only goes with the gate open */
        return "the kill word is set: clear it first";
    if (decider->causes & SHUT_DISCONNECTED)
        return "there is no session with the venue that has caught up";
    decider_shut(decider, SHUT_STARTING, false);
    return NULL;
}

static const char *set_limits(struct decider *decider, const struct command *command) {
    if (risk_set_limits(decider->risk, command->scope, command->index, &command->limits) < 0)
        return "there are no such limits";
    return NULL;
}

const char *decider_take_command(struct decider *decider, const struct command *command) {
    decider_look(decider);
    write_down(decider, JOURNAL_COMMAND, command, sizeof *command);
    decider->is_fresh = true;
    switch (command->kind) {
    case COMMAND_KILL: /* the word says it; this says who */
        return NULL;
    case COMMAND_OPEN:
        return open_gate(decider);
    case COMMAND_LIMITS:
        return set_limits(decider, command);
    case COMMAND_PERMIT:
        return risk_permit(decider->risk, command->index, !command->off) < 0 ? "there is no such instrument"
                                                                             : NULL;
    case COMMAND_CANCEL_ALL:
        cancel_all(decider);
        return NULL;
    default:
        return "this is no command of the decision stage";
    }
}
