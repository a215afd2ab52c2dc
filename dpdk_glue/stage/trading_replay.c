#include "stage/trading_parts.h"

#include "port/port.h"

#include <stdio.h>
#include <string.h>

/* ---- The decision stage: executions and commands, each behind the intents that were before it. ---- */

static void take_command(struct trading *trading, const struct command *command) {
    if (command->kind != COMMAND_KILL) {
        decider_take_command(&trading->decider, command);
        return;
    }
    if (command->scope != COMMAND_OF_THE_WORD)
        return; /* says by whom; the word itself stands before it */
    trading->replayed_kill = command->index;
    decider_look(&trading->decider);
}

static void take_record(struct trading *trading, const struct journal_record *record) {
    const void *payload = record + 1;
    if (record->kind == JOURNAL_EXECUTION)
        decider_take_execution(&trading->decider, &((const struct journal_execution *)payload)->execution);
    else if (record->kind == JOURNAL_COMMAND)
        take_command(trading, &((const struct journal_command *)payload)->command);
}

/* The position of an input; of other records 0, as they have none. */
static uint64_t position_of(const struct journal_record *record) {
    uint64_t position = 0;
    if (record->kind == JOURNAL_EXECUTION || record->kind == JOURNAL_COMMAND)
        memcpy(&position, record + 1, sizeof position);
    return position;
}

void trading_replay_until(struct trading *trading, uint64_t intent) {
    const struct journal_record *record;
    while ((record = replay_peek(trading->replay, JOURNAL_DECISION)) && position_of(record) < intent) {
        take_record(trading, record);
        replay_release(trading->replay, JOURNAL_DECISION);
    }
}

/* ---- The strategy stage. ---- */

void trading_replay_fault(struct trading *trading) {
    const struct journal_record *record;
    while ((record = replay_peek(trading->replay, JOURNAL_STRATEGY)) && record->kind != JOURNAL_FAULT)
        replay_release(trading->replay, JOURNAL_STRATEGY);
    trading->strategist.replay_fault_at =
        record ? ((const struct journal_fault *)(record + 1))->tick : UINT64_MAX;
    if (record)
        replay_release(trading->replay, JOURNAL_STRATEGY);
}

int trading_replay_switch(struct trading *trading, const struct journal_switch *what, char *error) {
    trading_drain(trading); /* the slot that is filled is nobody's then */
    int slot = !what->path[0]
                   ? TRADING_NO_STRATEGY
                   : slots_load(&trading->strategist.slots, what->path,
                                what->params_bytes ? what->params : NULL, what->params_bytes, error);
    if (slot < 0)
        return -1;
    trading->loaded = *what;
    trading->pending_slot = (uint32_t)slot;
    trading_take_switch(trading);
    trading_drain(trading);
    return 0;
}
