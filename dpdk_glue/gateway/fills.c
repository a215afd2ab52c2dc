#include "gateway/fills.h"

#include <stdlib.h>

int fills_open(struct fills *fills, uint32_t count) {
    fills->fill = calloc(count, sizeof *fills->fill);
    fills->bucket = calloc(count, sizeof *fills->bucket);
    fills->mask = count - 1;
    fills->next_place = 0;
    if (fills->fill && fills->bucket)
        return 0;
    fills_close(fills);
    return -1;
}

void fills_close(struct fills *fills) {
    free(fills->fill);
    free(fills->bucket);
    fills->fill = NULL;
    fills->bucket = NULL;
}

static uint32_t *bucket_of(const struct fills *fills, uint64_t match, uint32_t user_ref) {
    uint64_t mixed = (match ^ (uint64_t)user_ref << 32) * 0x9e3779b97f4a7c15;
    return &fills->bucket[(uint32_t)(mixed >> 32) & fills->mask];
}

struct fill *fills_find(const struct fills *fills, uint64_t match, uint32_t user_ref) {
    for (uint32_t at = *bucket_of(fills, match, user_ref); at; at = fills->fill[at - 1].next)
        if (fills->fill[at - 1].match == match && fills->fill[at - 1].user_ref == user_ref)
            return &fills->fill[at - 1];
    return NULL;
}

/* The oldest of all is the last of its bucket. */
static void forget(struct fills *fills, uint32_t place) {
    uint32_t *at = bucket_of(fills, fills->fill[place].match, fills->fill[place].user_ref);
    while (*at != place + 1)
        at = &fills->fill[*at - 1].next;
    *at = 0;
}

void fills_add(struct fills *fills, const struct fill *fill) {
    uint32_t place = fills->next_place++ & fills->mask;
    if (fills->fill[place].user_ref)
        forget(fills, place);
    uint32_t *bucket = bucket_of(fills, fill->match, fill->user_ref);
    fills->fill[place] = *fill;
    fills->fill[place].next = *bucket;
    *bucket = place + 1;
}
