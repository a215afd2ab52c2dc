/* Two places for a compiled strategy: one is called, the other may be filled meanwhile.
 *
 * slots_load and slots_unload are for a cold thread, and touch the slot that is not called. slots_switch is
 * for the thread that calls, between two events: the states of all books go over, member by member of the
 * same name and size; what the new strategy has besides begins at zero. slots_call never calls an empty slot.
 * The strategy that fails (returns something else than 0, takes too long, or wants more than there is room
 * for) is not called again; nothing of that call counts.
 */
#ifndef APPLIANCE_STRATEGY_SLOTS_H
#define APPLIANCE_STRATEGY_SLOTS_H

#include "abi.h"
#include "stats/clock.h"

#include <stdbool.h>

enum { SLOTS = 2, SLOTS_NONE = 2, SLOTS_ERROR_BYTES = 512 };

typedef int32_t slots_on_book(const struct book_view *, void *, const void *, struct signals *);

struct slot {
    void *object; /* as dlopen gave it; NULL = empty */
    slots_on_book *on_book;
    const struct strategy_info *info;
    const struct strategy_field *state_fields;
    const struct strategy_field *params_fields;
    uint8_t *states; /* one for each instrument, `stride` apart */
    size_t stride;
    uint8_t params[ABI_STRATEGY_PARAMS_BYTES];
};

struct slots {
    struct slot slot[SLOTS];
    uint32_t active; /* SLOTS_NONE = nobody is called */
    uint32_t instruments;
    uint64_t budget_cycles; /* a call may take; 0 = as long as it likes */
};

/* When a call began and ended. */
struct slots_time {
    uint64_t since_cycles;
    uint64_t until_cycles;
};

/* All slots are empty. */
void slots_open(struct slots *slots, uint32_t instruments, uint64_t budget_cycles);
void slots_close(struct slots *slots);

/* Loads a shared object into the slot that is not active, and touches its memory. Which slot, or -1 with one
 * line in `error` (SLOTS_ERROR_BYTES). `params` are as the strategy lays them out; NULL = its own initial
 * values. */
int slots_load(struct slots *slots, const char *path, const uint8_t *params, uint32_t params_bytes,
               char *error);
/* Empties a slot that is not active. */
void slots_unload(struct slots *slots, uint32_t which);

/* From the next call on this slot is called. */
void slots_switch(struct slots *slots, uint32_t which);

/* What the strategy reads of a book, and whether it wants every event; 1 and false when there is none. */
uint32_t slots_depth(const struct slots *slots);
bool slots_wants_every_event(const struct slots *slots);

/* The active strategy's state of a book. */
static inline void *slots_state(const struct slots *slots, uint32_t instrument) {
    const struct slot *slot = &slots->slot[slots->active];
    return slot->states + instrument * slot->stride;
}

/* Calls the active strategy for a book. Its signals stand in `out`, which is empty unless all went well. */
static inline enum strategy_fault slots_call(struct slots *slots, uint32_t instrument,
                                             const struct book_view *view, struct signals *out,
                                             struct slots_time *time) {
    struct slot *slot = &slots->slot[slots->active];
    out->count = 0;
    time->since_cycles = clock_cycles();
    int32_t result = slot->on_book(view, slots_state(slots, instrument), slot->params, out);
    time->until_cycles = clock_cycles();
    uint64_t took = time->until_cycles - time->since_cycles;
    if (__builtin_expect(result == 0 && out->count <= ABI_SIGNALS && took <= slots->budget_cycles, 1))
        return STRATEGY_FINE;
    enum strategy_fault fault = result != 0                   ? STRATEGY_RETURNED
                                : out->count > ABI_SIGNALS    ? STRATEGY_OVERFULL
                                : took > slots->budget_cycles ? STRATEGY_OVERLONG
                                                              : STRATEGY_FINE;
    out->count = 0;
    return fault;
}

#endif
