#include "stage/trading_parts.h"

#include "stats/histogram.h"

#include <string.h>
#include <time.h>

enum { ATTEND_NS = 1000000 };

/* ---- The decision stage: commands, one at a time. ---- */

static const struct command *command_of(const struct trading *trading) {
    return &trading->shown->control.command;
}

static void answer(struct trading *trading, uint64_t number, const char *refusal) {
    struct shm_decisions *shown = &trading->shown->decisions;
    strncpy(shown->answer, refusal ? refusal : "", sizeof shown->answer - 1);
    __atomic_store_n(&shown->refused, refusal != NULL, __ATOMIC_RELAXED);
    trading_show_all(trading);
    __atomic_store_n(&shown->answered, number, __ATOMIC_RELEASE);
}

void trading_take_command(struct trading *trading) {
    const struct command *asked = command_of(trading);
    uint64_t number = __atomic_load_n(&asked->number, __ATOMIC_ACQUIRE);
    if (__builtin_expect(number == trading->shown->decisions.answered, 1))
        return;
    if (asked->kind == COMMAND_STRATEGY) {
        if (__atomic_load_n(&trading->loaded_number, __ATOMIC_ACQUIRE) == number)
            answer(trading, number, trading->load_failed);
        return;
    }
    struct command command = *asked;
    answer(trading, number, decider_take_command(&trading->decider, &command));
}

/* ---- The cold thread that loads strategies. ---- */

static void done(struct trading *trading, uint64_t number, const char *failed) {
    trading->load_failed = failed;
    __atomic_store_n(&trading->loaded_number, number, __ATOMIC_RELEASE);
}

static bool is_switching(const struct trading *trading) {
    return __atomic_load_n(&trading->pending_slot, __ATOMIC_ACQUIRE) != SLOTS_NONE;
}

static void load(struct trading *trading, const struct command *command) {
    struct slots *slots = &trading->strategist.slots;
    uint64_t number = command->number;
    if (is_switching(trading))
        return; /* the one before is not called yet: later */
    if (!memchr(command->path, 0, sizeof command->path) || command->params_bytes > sizeof command->params) {
        done(trading, number, "the path of the strategy does not end");
        return;
    }
    trading->loaded = (struct journal_switch){.params_bytes = command->params_bytes};
    memcpy(trading->loaded.params, command->params, sizeof command->params);
    memcpy(trading->loaded.path, command->path, sizeof command->path);
    if (!command->path[0]) {
        __atomic_store_n(&trading->pending_slot, TRADING_NO_STRATEGY, __ATOMIC_RELEASE);
        done(trading, number, NULL);
        return;
    }
    int slot = slots_load(slots, command->path, command->params_bytes ? command->params : NULL,
                          command->params_bytes, trading->load_error);
    if (slot >= 0)
        __atomic_store_n(&trading->pending_slot, (uint32_t)slot, __ATOMIC_RELEASE);
    done(trading, number, slot < 0 ? trading->load_error : NULL);
}

static void *attend(void *context) {
    struct trading *trading = context;
    const struct timespec pause = {.tv_nsec = ATTEND_NS};
    while (!__atomic_load_n(&trading->attendant_stops, __ATOMIC_ACQUIRE)) {
        const struct command *asked = command_of(trading);
        uint64_t number = __atomic_load_n(&asked->number, __ATOMIC_ACQUIRE);
        uint32_t kind = __atomic_load_n(&asked->kind, __ATOMIC_ACQUIRE);
        /* The next command is written, its number last, once this one is answered: what belongs to a number
         * that has been answered may be half of another. */
        bool is_whole = __atomic_load_n(&trading->shown->decisions.answered, __ATOMIC_ACQUIRE) != number;
        if (is_whole && kind == COMMAND_STRATEGY && number != trading->loaded_number)
            load(trading, asked);
        nanosleep(&pause, NULL);
    }
    return NULL;
}

int trading_attend(struct trading *trading) {
    trading->loaded_number = command_of(trading)->number;
    trading->attends = pthread_create(&trading->attendant, NULL, attend, trading) == 0;
    return trading->attends ? 0 : -1;
}

void trading_dismiss(struct trading *trading) {
    if (!trading->attends)
        return;
    __atomic_store_n(&trading->attendant_stops, 1, __ATOMIC_RELEASE);
    pthread_join(trading->attendant, NULL);
    trading->attends = false;
}

/* ---- The feed's thread. ---- */

void trading_take_switch(struct trading *trading) {
    uint32_t slot = __atomic_load_n(&trading->pending_slot, __ATOMIC_ACQUIRE);
    if (__builtin_expect(slot == SLOTS_NONE, 1))
        return;
    struct tick tick = {.instrument = TICKS_SWITCH, .last_px = slot, .number = trading->ticks.number};
    if (slot < SLOTS) {
        const struct strategy_info *info = trading->strategist.slots.slot[slot].info;
        ticks_ask(&trading->ticks, info->depth, info->every_event);
    }
    trading_write_switch(trading);
    trading_hand_tick(trading, &tick);
    histogram_grow(&trading->shown->strategy.switches, 1);
    __atomic_store_n(&trading->pending_slot, SLOTS_NONE, __ATOMIC_RELEASE);
}
