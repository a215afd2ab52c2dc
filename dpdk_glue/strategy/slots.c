#include "strategy/slots.h"

#include "abi_hash.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 64 };

void slots_open(struct slots *slots, uint32_t instruments, uint64_t budget_cycles) {
    *slots = (struct slots){.active = SLOTS_NONE,
                            .instruments = instruments,
                            .budget_cycles = budget_cycles ? budget_cycles : UINT64_MAX};
}

void slots_close(struct slots *slots) {
    slots->active = SLOTS_NONE;
    for (uint32_t which = 0; which < SLOTS; which++)
        slots_unload(slots, which);
}

void slots_unload(struct slots *slots, uint32_t which) {
    struct slot *slot = &slots->slot[which];
    if (which == slots->active)
        return;
    free(slot->states);
    if (slot->object)
        dlclose(slot->object);
    *slot = (struct slot){0};
}

static bool ends(const char *text, size_t room) {
    return memchr(text, 0, room) != NULL;
}

/* A table of fields that lie inside what they describe; NULL if all is well. */
static const char *wrong_fields(const struct strategy_field *fields, uint32_t count, uint32_t bytes) {
    if (count > ABI_STRATEGY_FIELDS)
        return "has too many fields";
    for (uint32_t i = 0; i < count; i++)
        if (!ends(fields[i].name, sizeof fields[i].name) || fields[i].bytes > bytes ||
            fields[i].offset > bytes - fields[i].bytes)
            return "has a field outside of its struct";
    return NULL;
}

static const char *wrong_info(const struct strategy_info *info) {
    static const uint8_t hash[32] = ABI_HASH_BYTES;
    if (memcmp(info->abi_hash, hash, sizeof hash) != 0)
        return "was compiled for another build: compile it again";
    if (!ends(info->name, sizeof info->name))
        return "has a name without end";
    if (info->state_bytes > ABI_STRATEGY_STATE_BYTES || info->params_bytes > ABI_STRATEGY_PARAMS_BYTES)
        return "has a state or parameters that are too large (4,096 and 256 bytes)";
    if (info->depth < 1 || info->depth > ABI_VIEW_LEVELS)
        return "reads a depth that is not 1 to 10";
    if (info->every_event && info->depth > 1)
        return "wants every event and more than the best level: that cannot be had together";
    return NULL;
}

static const char *look_up(struct slot *slot) {
    slot->info = dlsym(slot->object, "strategy_info");
    slot->state_fields = dlsym(slot->object, "strategy_state");
    slot->params_fields = dlsym(slot->object, "strategy_params");
    /* POSIX has functions and data the same size; C has no cast between their pointers. */
    void *function = dlsym(slot->object, "on_book");
    memcpy(&slot->on_book, &function, sizeof function);
    if (!slot->info || !slot->state_fields || !slot->params_fields || !function)
        return "is no strategy: it lacks strategy_info, strategy_state, strategy_params or on_book";
    const char *wrong = wrong_info(slot->info);
    if (!wrong)
        wrong = wrong_fields(slot->state_fields, slot->info->state_fields, slot->info->state_bytes);
    if (!wrong)
        wrong = wrong_fields(slot->params_fields, slot->info->params_fields, slot->info->params_bytes);
    return wrong;
}

static void take_params(struct slot *slot, const uint8_t *given) {
    const struct strategy_field *fields = slot->params_fields;
    if (given) {
        memcpy(slot->params, given, slot->info->params_bytes);
        return;
    }
    for (uint32_t i = 0; i < slot->info->params_fields; i++)
        memcpy(slot->params + fields[i].offset, &fields[i].initial,
               fields[i].bytes < sizeof fields[i].initial ? fields[i].bytes : sizeof fields[i].initial);
}

static const char *take_memory(struct slot *slot, uint32_t instruments) {
    slot->stride = ((size_t)slot->info->state_bytes + LINE_BYTES) / LINE_BYTES * LINE_BYTES;
    slot->states = aligned_alloc(LINE_BYTES, slot->stride * instruments);
    if (!slot->states)
        return "has no memory for the states of all books";
    memset(slot->states, 0, slot->stride * instruments);
    return NULL;
}

int slots_load(struct slots *slots, const char *path, const uint8_t *params, uint32_t params_bytes,
               char *error) {
    uint32_t which = slots->active == 0 ? 1 : 0;
    struct slot *slot = &slots->slot[which];
    slots_unload(slots, which);
    slot->object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!slot->object) {
        snprintf(error, SLOTS_ERROR_BYTES, "strategy %s", dlerror());
        return -1;
    }
    const char *wrong = look_up(slot);
    if (!wrong && params && params_bytes != slot->info->params_bytes)
        wrong = "has parameters of another size than those given";
    if (!wrong)
        wrong = take_memory(slot, slots->instruments);
    if (wrong) {
        snprintf(error, SLOTS_ERROR_BYTES, "strategy %s %s", path, wrong);
        slots_unload(slots, which);
        return -1;
    }
    take_params(slot, params);
    return (int)which;
}

static const struct strategy_field *same_field(const struct slot *slot, const struct strategy_field *wanted) {
    for (uint32_t i = 0; i < slot->info->state_fields; i++)
        if (!strcmp(slot->state_fields[i].name, wanted->name) && slot->state_fields[i].bytes == wanted->bytes)
            return &slot->state_fields[i];
    return NULL;
}

static void carry_over(const struct slots *slots, const struct slot *from, const struct slot *to) {
    for (uint32_t i = 0; i < to->info->state_fields; i++) {
        const struct strategy_field *field = &to->state_fields[i];
        const struct strategy_field *old = same_field(from, field);
        for (uint32_t instrument = 0; old && instrument < slots->instruments; instrument++)
            memcpy(to->states + instrument * to->stride + field->offset,
                   from->states + instrument * from->stride + old->offset, field->bytes);
    }
}

void slots_switch(struct slots *slots, uint32_t which) {
    uint32_t before = slots->active;
    if (which < SLOTS && before < SLOTS && which != before && slots->slot[before].object)
        carry_over(slots, &slots->slot[before], &slots->slot[which]);
    slots->active = which < SLOTS && slots->slot[which].object ? which : SLOTS_NONE;
}

uint32_t slots_depth(const struct slots *slots) {
    return slots->active < SLOTS ? slots->slot[slots->active].info->depth : 1;
}

bool slots_wants_every_event(const struct slots *slots) {
    return slots->active < SLOTS && slots->slot[slots->active].info->every_event;
}
