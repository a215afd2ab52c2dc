/* Which live order is deleted, replaced or traded next.
 *
 * Mostly a recent one: the age, counted in orders entered since, is drawn log-uniformly, so half of all picks
 * are younger than a few hundred orders, and no age is out of reach. An order that is gone already is drawn
 * again; now and then, and when drawing fails, any live order is taken. The result is a heavy tail: most
 * orders live for a moment, some stay all day.
 */
#ifndef APPLIANCE_SYNTH_LIFETIMES_H
#define APPLIANCE_SYNTH_LIFETIMES_H

#include <stdbool.h>

#include "synth/prng.h"
#include "synth/store.h"

enum {
    SYNTH_RECENT_BITS = 16,
    SYNTH_RECENT = 1 << SYNTH_RECENT_BITS,
    SYNTH_YOUNG_BITS = 6, /* the last 64 orders are still in the cache */
    SYNTH_AHEAD = 8,
    SYNTH_ANY_REFERENCE = 0
};

struct synth_recent {
    uint32_t index;
    uint32_t reference; /* its low half: tells the order from the next one in the same place */
};

struct synth_lifetimes {
    uint32_t entered;
    uint32_t drawn;
    struct synth_recent ahead[SYNTH_AHEAD];
    struct synth_recent recent[SYNTH_RECENT];
};

static inline void synth_lifetimes_enter(struct synth_lifetimes *lifetimes, uint32_t index,
                                         uint64_t reference) {
    lifetimes->recent[lifetimes->entered++ % SYNTH_RECENT] =
        (struct synth_recent){index, (uint32_t)reference};
}

/* The place in `recent` of a random age from 2^octave to 2^(octave + 1) - 1. */
static inline uint32_t synth_age(const struct synth_lifetimes *lifetimes, uint32_t octave, uint64_t random) {
    uint32_t age = (1u << octave) + ((uint32_t)(random >> 32) & ((1u << octave) - 1));
    return (lifetimes->entered - age) % SYNTH_RECENT;
}

static inline uint32_t synth_pick_any(const struct synth_store *store, struct synth_prng *prng) {
    uint32_t index = 1 + synth_below(prng, store->used - 1);
    while (store->orders[index].reference == 0)
        index = index + 1 < store->used ? index + 1 : 1;
    return index;
}

/* Draws an order of an age that is out of the cache, and asks for its line. It may be gone already. */
static inline struct synth_recent synth_draw_old(const struct synth_lifetimes *lifetimes,
                                                 const struct synth_store *store, struct synth_prng *prng) {
    uint64_t random = synth_random(prng);
    uint32_t octave =
        SYNTH_YOUNG_BITS + ((uint32_t)(random & 0xff) * (SYNTH_RECENT_BITS - SYNTH_YOUNG_BITS) >> 8);
    struct synth_recent drawn = lifetimes->recent[synth_age(lifetimes, octave, random)];
    if ((random >> 8 & 15) == 0) {
        drawn.index = 1 + synth_below(prng, store->used - 1);
        drawn.reference = SYNTH_ANY_REFERENCE;
    }
    __builtin_prefetch(&store->orders[drawn.index]);
    return drawn;
}

/* The neighbours that removing an order writes to. */
static inline void synth_prefetch_queue(const struct synth_store *store, uint32_t index) {
    const struct synth_order *order = &store->orders[index];
    __builtin_prefetch(&store->orders[order->prev]);
    __builtin_prefetch(&store->orders[order->next]);
    if (order->slot != SYNTH_DEEP)
        __builtin_prefetch(&store->levels[store->symbols[order->locate].levels_at + order->slot]);
}

static inline bool synth_is_alive(const struct synth_store *store, struct synth_recent drawn) {
    uint64_t reference = store->orders[drawn.index].reference;
    return reference != 0 &&
           (drawn.reference == SYNTH_ANY_REFERENCE || drawn.reference == (uint32_t)reference);
}

/* A live order, or 0 when there is none. */
static inline uint32_t synth_pick_order(struct synth_lifetimes *lifetimes, const struct synth_store *store,
                                        struct synth_prng *prng) {
    if (store->live == 0)
        return 0;
    uint64_t random = synth_random(prng);
    uint32_t octave = (uint32_t)(random & 0xff) * SYNTH_RECENT_BITS >> 8;
    if (octave < SYNTH_YOUNG_BITS) {
        struct synth_recent young = lifetimes->recent[synth_age(lifetimes, octave, random)];
        if (synth_is_alive(store, young))
            return young.index;
    }
    for (int tries = 0; tries < 4; tries++) {
        uint32_t at = lifetimes->drawn++ % SYNTH_AHEAD;
        struct synth_recent old = lifetimes->ahead[at];
        lifetimes->ahead[at] = synth_draw_old(lifetimes, store, prng);
        synth_prefetch_queue(store, lifetimes->ahead[(at + SYNTH_AHEAD / 2) % SYNTH_AHEAD].index);
        if (synth_is_alive(store, old))
            return old.index;
    }
    return synth_pick_any(store, prng);
}

#endif
