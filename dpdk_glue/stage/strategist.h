/* The strategy stage: ticks in, intents out.
 *
 * It calls the active slot for each tick and numbers what that wants. A strategy that fails is not called
 * again: its slot is left, an intent SIGNAL_PULL takes its orders back, and `fault` says why. How long a call
 * took is the one thing here that the ticks do not determine; so a fault is a fact of its own, which a replay
 * is told (`replay_fault_at`) instead of measuring again. A switch to no strategy takes its orders back, too.
 */
#ifndef APPLIANCE_STAGE_STRATEGIST_H
#define APPLIANCE_STAGE_STRATEGIST_H

#include "abi.h"
#include "journal/tap.h"
#include "stage/ticks.h"
#include "strategy/slots.h"

/* Where intents go. */
struct intent_sink {
    void (*take)(void *context, const struct intent *intent);
    void *context;
};

struct strategist {
    struct slots slots;
    struct intent_sink sink;
    struct histogram *histogram;
    struct shm_strategy *shown;
    struct journal_tap *tap; /* NULL = nothing is written down */
    uint64_t intents;        /* the number of the last one */
    uint64_t rx_cycles;      /* of the last tick */
    uint64_t fault_tick;
    uint32_t fault;           /* enum strategy_fault of the last one that failed */
    bool replays;             /* nothing is measured */
    uint64_t replay_fault_at; /* the tick whose call failed; 0 = none that is known */
    struct signals signals;
};

void strategist_open(struct strategist *strategist, uint32_t instruments, uint64_t budget_cycles,
                     struct histogram *histogram, struct shm_strategy *shown);
void strategist_close(struct strategist *strategist);
/* Says which one is called. */
void strategist_show(struct strategist *strategist);
/* Asks for what a tick of this instrument will need. */
void strategist_expect(const struct strategist *strategist, uint32_t instrument);
void strategist_take(struct strategist *strategist, const struct tick *tick);

#endif
