/* Which live order is deleted, replaced or traded next.
 *
 * Mostly a recent one: the age, counted in orders entered since, is drawn log-uniformly, so half of all picks
 * are younger than a few hundred orders, and no age is out of reach. An order that is gone already is drawn
 * again; now and then, and when drawing fails, any live order is taken. The result is a heavy tail: most
 * orders live for a moment, some stay all day.
 */
#ifndef APPLIANCE_SYNTH_LIFETIMES_H
#define APPLIANCE_SYNTH_LIFETIMES_H

#include "synth/prng.h"
#include "synth/store.h"

enum { SYNTH_RECENT_BITS = 16, SYNTH_RECENT = 1 << SYNTH_RECENT_BITS };

struct synth_recent {
    uint32_t index;
    uint32_t reference; /* its low half: tells the order from the next one in the same place */
};

struct synth_lifetimes {
    uint32_t entered;
    uint32_t reserved;
    struct synth_recent recent[SYNTH_RECENT];
};

static inline void synth_lifetimes_enter(struct synth_lifetimes *lifetimes, uint32_t index,
                                         uint64_t reference) {
    lifetimes->recent[lifetimes->entered++ % SYNTH_RECENT] =
        (struct synth_recent){index, (uint32_t)reference};
}

static inline uint32_t synth_pick_any(const struct synth_store *store, struct synth_prng *prng) {
    uint32_t index = 1 + synth_below(prng, store->used - 1);
    while (store->orders[index].reference == 0)
        index = index + 1 < store->used ? index + 1 : 1;
    return index;
}

/* A live order, or 0 when there is none. */
static inline uint32_t synth_pick_order(const struct synth_lifetimes *lifetimes,
                                        const struct synth_store *store, struct synth_prng *prng) {
    if (store->live == 0)
        return 0;
    for (int tries = 0; tries < 4; tries++) {
        uint64_t random = synth_random(prng);
        if ((random & 15) == 0)
            break;
        uint32_t octave = (uint32_t)(random >> 8 & 0xff) * SYNTH_RECENT_BITS >> 8;
        uint32_t age = (1u << octave) + ((uint32_t)(random >> 32) & ((1u << octave) - 1));
        const struct synth_recent *recent = &lifetimes->recent[(lifetimes->entered - age) % SYNTH_RECENT];
        const struct synth_order *order = &store->orders[recent->index];
        if (order->reference != 0 && (uint32_t)order->reference == recent->reference)
            return recent->index;
    }
    return synth_pick_any(store, prng);
}

#endif
