#include "synth/store.h"

#include <stddef.h>
#include <sys/mman.h>

uint16_t synth_ladder_width(uint32_t rank) {
    return rank < 256 ? 1024 : rank < 16384 ? 256 : 128;
}

/* Zeroed memory in huge pages where the kernel has them: the pools are walked at random. */
static void *map(uint64_t bytes, uint64_t *mapped) {
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    madvise(memory, bytes, MADV_HUGEPAGE);
    *mapped = bytes;
    return memory;
}

bool synth_store_open(struct synth_store *store, uint32_t symbols, const uint32_t *rank_of,
                      uint32_t live_orders) {
    uint64_t levels = 0;
    for (uint32_t i = 0; i < symbols; i++)
        levels += synth_ladder_width(rank_of[i]);
    store->symbol_count = symbols;
    store->capacity = live_orders + 1;
    store->used = 1;
    store->orders = map((uint64_t)store->capacity * sizeof *store->orders, &store->mapped_bytes[0]);
    store->symbols = map((uint64_t)(symbols + 1) * sizeof *store->symbols, &store->mapped_bytes[1]);
    store->levels = map(levels * sizeof *store->levels, &store->mapped_bytes[2]);
    store->words = map(levels / 64 * sizeof *store->words, &store->mapped_bytes[3]);
    if (!store->orders || !store->symbols || !store->levels || !store->words)
        return false;
    uint32_t at = 0;
    for (uint32_t i = 0; i < symbols; i++) {
        struct synth_symbol *symbol = &store->symbols[i + 1];
        symbol->width = (int16_t)synth_ladder_width(rank_of[i]);
        symbol->levels_at = at;
        symbol->words_at = at / 64;
        symbol->bid = SYNTH_NO_BID;
        symbol->ask = symbol->width;
        at += (uint32_t)symbol->width;
    }
    return true;
}

void synth_store_close(struct synth_store *store) {
    void *memory[] = {store->orders, store->symbols, store->levels, store->words};
    for (int i = 0; i < 4; i++)
        if (memory[i])
            munmap(memory[i], store->mapped_bytes[i]);
}

static int16_t next_bid(const uint64_t *words, int slot) {
    int word = slot >> 6;
    uint64_t set = words[word] & (((uint64_t)1 << (slot & 63)) - 1);
    while (!set) {
        if (word == 0)
            return SYNTH_NO_BID;
        set = words[--word];
    }
    return (int16_t)(word * 64 + 63 - __builtin_clzll(set));
}

static int16_t next_ask(const uint64_t *words, int slot, int width) {
    int word = slot >> 6;
    uint64_t set = words[word] & ~(uint64_t)0 << (slot & 63);
    while (!set) {
        if (++word == width / 64)
            return (int16_t)width;
        set = words[word];
    }
    return (int16_t)(word * 64 + __builtin_ctzll(set));
}

static void link_last(struct synth_store *store, struct synth_symbol *symbol, uint32_t index) {
    struct synth_order *order = &store->orders[index];
    int slot = order->slot;
    struct synth_level *level = &store->levels[symbol->levels_at + (uint32_t)slot];
    order->next = 0;
    order->prev = level->tail;
    if (level->tail) {
        store->orders[level->tail].next = index;
    } else {
        level->head = index;
        store->words[symbol->words_at + ((uint32_t)slot >> 6)] |= (uint64_t)1 << (slot & 63);
        if (order->side == SYNTH_BUY && slot > symbol->bid)
            symbol->bid = (int16_t)slot;
        else if (order->side == SYNTH_SELL && slot < symbol->ask)
            symbol->ask = (int16_t)slot;
    }
    level->tail = index;
}

static void unlink_order(struct synth_store *store, struct synth_symbol *symbol,
                         const struct synth_order *order) {
    int slot = order->slot;
    struct synth_level *level = &store->levels[symbol->levels_at + (uint32_t)slot];
    if (order->prev)
        store->orders[order->prev].next = order->next;
    else
        level->head = order->next;
    if (order->next)
        store->orders[order->next].prev = order->prev;
    else
        level->tail = order->prev;
    if (level->head)
        return;
    uint64_t *words = &store->words[symbol->words_at];
    words[slot >> 6] &= ~((uint64_t)1 << (slot & 63));
    if (slot == symbol->bid)
        symbol->bid = next_bid(words, slot);
    else if (slot == symbol->ask)
        symbol->ask = next_ask(words, slot, symbol->width);
}

uint32_t synth_store_add(struct synth_store *store, uint16_t locate, uint8_t side, uint16_t slot, uint32_t px,
                         uint32_t qty, uint64_t reference) {
    uint32_t index = store->free;
    if (index)
        store->free = store->orders[index].next;
    else
        index = store->used++;
    struct synth_order *order = &store->orders[index];
    order->reference = reference;
    order->px = px;
    order->qty = qty;
    order->locate = locate;
    order->slot = slot;
    order->side = side;
    store->live++;
    if (slot != SYNTH_DEEP)
        link_last(store, &store->symbols[locate], index);
    return index;
}

void synth_store_remove(struct synth_store *store, uint32_t index) {
    struct synth_order *order = &store->orders[index];
    if (order->slot != SYNTH_DEEP)
        unlink_order(store, &store->symbols[order->locate], order);
    order->reference = 0;
    order->next = store->free;
    store->free = index;
    store->live--;
}
