#include "api.h"
#include "strategy/slots.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

struct slots *api_strategy_open(uint32_t instruments, uint64_t budget_cycles) {
    struct slots *slots = calloc(1, sizeof *slots);
    if (slots)
        slots_open(slots, instruments, budget_cycles);
    return slots;
}

void api_strategy_close(struct slots *slots) {
    if (slots)
        slots_close(slots);
    free(slots);
}

int api_strategy_load(struct slots *slots, const char *path, const uint8_t *params, uint32_t params_bytes,
                      char *error) {
    int which = slots_load(slots, path, params, params_bytes, error);
    if (which < 0)
        return -1;
    slots_switch(slots, (uint32_t)which);
    return 0;
}

int api_strategy_call(struct slots *slots, uint32_t instrument, const struct book_view *view,
                      struct signals *out) {
    if (slots->active == SLOTS_NONE || instrument >= slots->instruments)
        return -1;
    struct slots_time time;
    return (int)slots_call(slots, instrument, view, out, &time);
}

int api_strategy_info(const char *path, struct strategy_info *info, char *error) {
    struct slots slots;
    slots_open(&slots, 1, 0);
    int which = slots_load(&slots, path, NULL, 0, error);
    if (which >= 0)
        *info = *slots.slot[which].info;
    slots_close(&slots);
    return which < 0 ? -1 : 0;
}

int api_strategy_fields(const char *path, uint32_t which, struct strategy_field *fields, uint32_t room,
                        char *error) {
    struct slots slots;
    slots_open(&slots, 1, 0);
    int loaded = slots_load(&slots, path, NULL, 0, error);
    uint32_t count = 0;
    if (loaded >= 0) {
        const struct slot *slot = &slots.slot[loaded];
        count = which ? slot->info->params_fields : slot->info->state_fields;
        const struct strategy_field *from = which ? slot->params_fields : slot->state_fields;
        memcpy(fields, from, (count < room ? count : room) * sizeof *fields);
    }
    slots_close(&slots);
    return loaded < 0 ? -1 : (int)count;
}
