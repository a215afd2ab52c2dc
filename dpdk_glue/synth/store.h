/* What the synthetic market has at rest: symbols, their price ladders, and every live order in its queue.
 *
 * A symbol has a ladder of `width` prices around its opening price, and its mid never leaves the middle half
 * of it. One array serves both sides, because the market is never locked or crossed: everything up to `bid`
 * buys, everything from `ask` up sells. A bitmap finds the next best price. Orders outside the ladder
 * ("deep") need no queue: the mid cannot reach them, so they never trade. Index 0 of the order pool stands
 * for "no order".
 *
 * This store shares nothing with the order books of the data plane, which are tested against its feeds.
 */
#ifndef APPLIANCE_SYNTH_STORE_H
#define APPLIANCE_SYNTH_STORE_H

#include <stdbool.h>
#include <stdint.h>

enum { SYNTH_DEEP = 0xffff, SYNTH_NO_BID = -1 };

enum synth_side { SYNTH_BUY = 0, SYNTH_SELL = 1 };

struct synth_order {
    uint64_t reference; /* 0 when the place is free */
    uint32_t px;
    uint32_t qty;
    uint32_t prev;
    uint32_t next; /* also links the free places */
    uint16_t locate;
    uint16_t slot;
    uint8_t side;
    uint8_t reserved[3];
};

struct synth_level {
    uint32_t head;
    uint32_t tail;
};

struct synth_symbol {
    uint64_t name;
    uint32_t base_px; /* of slot 0 */
    uint32_t tick_px;
    uint32_t levels_at;
    uint32_t words_at;
    int16_t width;
    int16_t mid; /* the fair price lies between mid and mid + 1 */
    int16_t bid; /* SYNTH_NO_BID when the ladder has none */
    int16_t ask; /* width when the ladder has none */
    uint8_t state;
    uint8_t spread_shift; /* distances are multiplied by 2^this */
    uint8_t reserved[30];
};

_Static_assert(sizeof(struct synth_order) == 32, "two orders a cache line");
_Static_assert(sizeof(struct synth_symbol) == 64, "a cache line");

struct synth_store {
    struct synth_order *orders;
    struct synth_symbol *symbols; /* by locate; 0 is unused */
    struct synth_level *levels;
    uint64_t *words;
    uint32_t symbol_count;
    uint32_t capacity;
    uint32_t used; /* places taken at least once */
    uint32_t free;
    uint32_t live;
    uint64_t mapped_bytes[4];
};

/* Ladders are wide for the busy: 1,024 prices for the first 256 ranks, 256, and 128 from rank 16,384 on. */
uint16_t synth_ladder_width(uint32_t rank);

/* The symbols come with their width set; everything else of them is the caller's to fill. */
bool synth_store_open(struct synth_store *store, uint32_t symbols, const uint32_t *rank_of,
                      uint32_t live_orders);
void synth_store_close(struct synth_store *store);

/* Places an order at the end of its queue; the caller has made sure that it does not cross. */
uint32_t synth_store_add(struct synth_store *store, uint16_t locate, uint8_t side, uint16_t slot, uint32_t px,
                         uint32_t qty, uint64_t reference);
void synth_store_remove(struct synth_store *store, uint32_t index);

/* The order that trades next on one side of a symbol, or 0. */
static inline uint32_t synth_store_front(const struct synth_store *store, uint16_t locate, uint8_t side) {
    const struct synth_symbol *symbol = &store->symbols[locate];
    int slot = side == SYNTH_BUY ? symbol->bid : symbol->ask;
    if (slot == SYNTH_NO_BID || slot == symbol->width)
        return 0;
    return store->levels[symbol->levels_at + (uint32_t)slot].head;
}

static inline uint32_t synth_slot_px(const struct synth_symbol *symbol, int slot) {
    return symbol->base_px + (uint32_t)slot * symbol->tick_px;
}

static inline bool synth_has_both_sides(const struct synth_symbol *symbol) {
    return symbol->bid != SYNTH_NO_BID && symbol->ask != symbol->width;
}

#endif
