/* The decision stage: an intent that passes every check becomes an order, and what the venue says is applied.
 *
 * It owns the risk gate and the order pool. Its inputs are intents, executions and commands; what it does
 * depends on nothing else, so the same inputs in the same order give the same orders. Inputs other than
 * intents are written to the journal with the number of intents taken before them.
 *
 * The gate is open while no cause keeps it shut (enum shut_cause). It starts shut. SHUT_STARTING goes with
 * the control plane's COMMAND_OPEN, after it has compared positions and open orders with the venue's;
 * SHUT_DISCONNECTED with the end of the venue's replay. The kill word is looked at before every intent and in
 * every round: who stores it is obeyed by the very next order, and all open orders are cancelled at once.
 * Cancels need no open gate.
 */
#ifndef APPLIANCE_STAGE_DECIDER_H
#define APPLIANCE_STAGE_DECIDER_H

#include "abi.h"
#include "gateway/orders.h"
#include "journal/tap.h"
#include "risk/risk.h"

#include <stdbool.h>

/* What an instrument has traded, by side. */
struct decider_traded {
    uint64_t qty[2];
    uint64_t notional[2];
};

/* Where orders go. */
struct order_sink {
    void (*take)(void *context, const struct order *order);
    void *context;
};

struct decider {
    struct risk *risk;
    struct order_pool pool;
    struct order_sink sink;
    struct journal_tap *tap;   /* NULL = nothing is written down */
    const uint32_t *kill_word; /* others store to it */
    uint32_t kill;             /* what it was when last looked at: risk reads this */
    uint32_t causes;           /* enum shut_cause */
    uint64_t intents;          /* taken */
    uint64_t rx_cycles;        /* of the last input that has a time */
    struct histogram *histogram;
    uint64_t decided_cycles; /* the last decision, if an order came of it */
    struct decider_counters counters;
    struct decider_traded *traded;
    uint64_t touched[ABI_MAX_VIEWS / 64]; /* instruments that have changed since they were last shown */
    struct risk_reject rejects[ABI_SHOWN_REJECTS]; /* the latest, in a ring by counters.rejects */
    bool is_fresh;                                 /* something has changed since it was last shown */
};

/* The symbols are the caller's. 0, or -1 without memory. */
int decider_open(struct decider *decider, const struct order_pool_limits *limits, const char (*symbols)[8],
                 const uint32_t *kill_word, struct histogram *histogram);
void decider_close(struct decider *decider);

/* Asks for what an intent of this instrument will need. */
void decider_expect(const struct decider *decider, uint32_t instrument);
/* `since_cycles` is when it came: the stage's time runs from there to when the decision is made. */
void decider_take_intent(struct decider *decider, const struct intent *intent, uint64_t since_cycles);
void decider_take_execution(struct decider *decider, const struct execution *execution);
/* NULL: it was done; else why not, in a few words. */
const char *decider_take_command(struct decider *decider, const struct command *command);
/* Looks at the kill word: once a round, for when no intent comes. */
void decider_look(struct decider *decider);
/* Whether the journal has room for one more input: else an execution is to wait where it is. */
bool decider_can_write(const struct decider *decider);
/* A cause comes or goes. */
void decider_shut(struct decider *decider, uint32_t cause, bool is_there);

#endif
