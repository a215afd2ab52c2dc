#include "ring/spsc.h"

#include "memory/memory.h"

#include <errno.h>
#include <string.h>

static const uint64_t MAGIC = 0x31676e7243535053; /* "SPSCrng1" */

size_t spsc_bytes(uint64_t items, uint32_t item_bytes) {
    bool is_possible = items && items <= SPSC_MOST_ITEMS && !(items & (items - 1)) &&
                       item_bytes >= SPSC_SMALLEST_ITEM && item_bytes <= SPSC_LARGEST_ITEM &&
                       item_bytes % SPSC_LINE == 0;
    return is_possible ? sizeof(struct spsc) + items * item_bytes : 0;
}

static bool begins_a_line(const void *memory) {
    return (uintptr_t)memory % SPSC_LINE == 0;
}

struct spsc *spsc_place(void *memory, uint64_t items, uint32_t item_bytes, uint64_t position) {
    size_t bytes = spsc_bytes(items, item_bytes);
    if (!bytes || !begins_a_line(memory)) {
        errno = EINVAL;
        return NULL;
    }
    struct spsc *ring = memory;
    memset(ring, 0, bytes);
    ring->head = ring->tail_seen = ring->tail = ring->head_seen = position;
    ring->items = items;
    ring->item_bytes = item_bytes;
    /* Release: who finds it finds all of it. */
    __atomic_store_n(&ring->magic, MAGIC, __ATOMIC_RELEASE);
    return ring;
}

struct spsc *spsc_attach(void *memory, size_t bytes) {
    struct spsc *ring = memory;
    if (begins_a_line(memory) && bytes >= sizeof *ring &&
        __atomic_load_n(&ring->magic, __ATOMIC_ACQUIRE) == MAGIC && ring->item_bytes <= UINT32_MAX) {
        size_t taken = spsc_bytes(ring->items, (uint32_t)ring->item_bytes);
        if (taken && taken <= bytes && spsc_waiting(ring) <= ring->items)
            return ring;
    }
    errno = EINVAL;
    return NULL;
}

struct spsc *spsc_open(struct memory *memory, uint64_t items, uint32_t item_bytes) {
    size_t bytes = spsc_bytes(items, item_bytes);
    if (!bytes) {
        errno = EINVAL;
        return NULL;
    }
    if (memory_map(memory, bytes, true) < 0)
        return NULL;
    return spsc_place(memory->base, items, item_bytes, 0);
}
