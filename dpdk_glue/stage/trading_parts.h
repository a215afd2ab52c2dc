/* The inside of trading.h, for its own files:
 *
 *     trading.c        from stage to stage, and a round of each
 *     trading_open.c   opening, threads, closing
 *     trading_ask.c    what operators ask for, and the cold thread that loads strategies
 *     trading_show.c   what others see
 */
#ifndef APPLIANCE_STAGE_TRADING_PARTS_H
#define APPLIANCE_STAGE_TRADING_PARTS_H

#include "memory/memory.h"
#include "stage/decider.h"
#include "stage/gateway.h"
#include "stage/strategist.h"
#include "stage/ticks.h"
#include "stage/trading.h"

#include <pthread.h>

struct spsc;

enum {
    TRADING_BURST = 32,
    TRADING_TICKS = 4096, /* of 512 bytes: 2 MiB, a huge page */
    TRADING_ITEMS = 8192,
    TRADING_GROUPS = 4,
    TRADING_NO_STRATEGY = SLOTS_NONE + 1, /* a switch to none */
    TRADING_RINGS = 4
};

struct trading_thread {
    pthread_t thread;
    struct trading *trading;
    uint32_t group;
    bool runs;
};

struct trading {
    struct segment *segment;
    const struct plan_trading *plan;
    struct shm_trading *shown;
    uint64_t cycles_per_us;

    /* The feed's. */
    struct ticks ticks;
    struct tick tick; /* where there is no ring behind the feed */

    struct strategist strategist;
    struct decider decider;
    struct gateway gateway;
    struct spsc *tick_ring; /* NULL where both ends share a thread */
    struct spsc *intent_ring;
    struct spsc *order_ring;
    struct spsc *execution_ring;
    struct memory memory[TRADING_RINGS];
    uint32_t rings;

    struct journal_tap taps[4]; /* by enum trading_stage */
    bool writes;
    uint64_t lost_cycles; /* when the feed's stream had no room last; written by its thread */
    bool journal_is_shut; /* no order, for want of room in the journal */

    struct replay *replay; /* NULL: this is no replay */
    uint32_t replayed_kill;
    uint32_t replay_ends; /* the feed's thread has come to the end of its stream */
    uint32_t replay_ended;

    struct trading_thread threads[TRADING_GROUPS];
    uint32_t stopping[TRADING_GROUPS];

    /* Strategies are loaded by a cold thread, and switched to by the feed's. */
    pthread_t attendant;
    bool attends;
    uint32_t attendant_stops;
    uint32_t pending_slot;   /* SLOTS_NONE: nothing is to be switched */
    uint64_t loaded_number;  /* the command that was taken by the attendant */
    const char *load_failed; /* NULL = it was not */
    struct journal_switch loaded;
    char load_error[SLOTS_ERROR_BYTES];

    uint64_t shown_cycles;
    uint64_t listed_cycles;
    bool lists_are_due;
};

/* trading.c */
int trading_connect(struct trading *trading);
void trading_run_group(struct trading *trading, uint32_t group);
/* A round of a group's stages; how much there was to do. */
uint32_t trading_poll_group(struct trading *trading, uint32_t group, uint64_t now_cycles);
void trading_hand_tick(struct trading *trading, const struct tick *tick);
/* All rings are empty, and what was in them is done. */
void trading_drain(struct trading *trading);

/* trading_open.c */
/* As trading_open, but without a thread: for those who run the groups themselves. */
struct trading *trading_prepare(struct segment *segment, const char (*symbols)[8], uint32_t instruments,
                                struct journal_taps *taps, struct replay *replay, char *error);
void trading_relax(const struct trading *trading, uint32_t group, uint32_t empty_rounds);

/* trading_ask.c */
void trading_take_command(struct trading *trading);
/* The feed's thread: a strategy that is loaded is called from the next tick on. */
void trading_take_switch(struct trading *trading);
int trading_attend(struct trading *trading);
void trading_dismiss(struct trading *trading);

/* trading_journal.c */
/* No order leaves while the journal has no room; see whether that has changed. */
void trading_look_at_journal(struct trading *trading, uint64_t now_cycles);
void trading_write_session(struct trading *trading);
void trading_write_switch(struct trading *trading);

/* trading_replay.c */
/* What is due before an intent, by its number; UINT64_MAX = all that is left. */
void trading_replay_until(struct trading *trading, uint64_t intent);
void trading_replay_fault(struct trading *trading);

/* trading_show.c */
void trading_show(struct trading *trading, uint64_t now_cycles);
/* Whatever the time. */
void trading_show_all(struct trading *trading);

#endif
