/* A ring of items of one size between one producer and one consumer, threads or processes.
 *
 * No lock, no system call, no allocation; it lies wherever the caller places it, and holds no pointer, so it
 * may lie at another address in each process. Each side can take many items at once: what is reserved, and
 * what is peeked at, lies in one piece, and becomes the other side's with one store.
 *
 *     producer                                          consumer
 *     struct item *to = spsc_reserve(ring, 8, &count);  while ((from = spsc_peek(ring, 64, &count)))
 *     if (to) { ...; spsc_commit(ring, count); }            { ...; spsc_release(ring, count); }
 *
 * Indices count items since the ring was made and are never cut: they may pass 2^64, since only their
 * differences and their lower bits count. Both live in the ring: a side that was killed is followed by
 * another process that attaches and goes on. What was reserved and not committed is void; what was peeked at
 * and not released comes again.
 *
 * Each side writes one cache line, where beside its own index it keeps what it last saw of the other's: a
 * line changes hands only when a side has used up what it knew. Lines of the two sides are two apart, since
 * processors fetch lines in pairs.
 */
#ifndef APPLIANCE_RING_SPSC_H
#define APPLIANCE_RING_SPSC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SPSC_LINE = 64,
    SPSC_SMALLEST_ITEM = 64, /* items are whole cache lines: none is shared by both sides */
    SPSC_LARGEST_ITEM = 512,
    SPSC_MOST_ITEMS = 1 << 26
};

struct spsc {
    /* The producer's line. */
    uint64_t head; /* all items before it are written */
    uint64_t tail_seen;
    uint8_t producer_padding[112];
    /* The consumer's line. */
    uint64_t tail; /* all items before it may be overwritten */
    uint64_t head_seen;
    uint8_t consumer_padding[112];
    /* Nobody's: it never changes. */
    uint64_t magic;
    uint64_t items;
    uint64_t item_bytes;
    uint8_t padding[104];
    uint8_t memory[];
} __attribute__((aligned(64)));

_Static_assert(offsetof(struct spsc, tail) == 128 && offsetof(struct spsc, magic) == 256, "two lines apart");
_Static_assert(sizeof(struct spsc) == 384, "items begin on a line");

/* The memory that a ring takes. 0: `items` is no power of two from 1 to SPSC_MOST_ITEMS, or `item_bytes` no
 * multiple of 64 from 64 to 512. */
size_t spsc_bytes(uint64_t items, uint32_t item_bytes);
/* Makes an empty ring in memory that begins on a cache line. `position` is where the indices start: 0, but in
 * tests. NULL with errno EINVAL. */
struct spsc *spsc_place(void *memory, uint64_t items, uint32_t item_bytes, uint64_t position);
/* The ring that another process placed here, in memory of so many bytes. NULL with errno EINVAL: there is no
 * ring in it. */
struct spsc *spsc_attach(void *memory, size_t bytes);

struct memory;
/* A ring for the threads of one process, in huge pages when there are any, all touched. NULL with errno. Its
 * memory goes with memory_unmap. */
struct spsc *spsc_open(struct memory *memory, uint64_t items, uint32_t item_bytes);

static inline uint8_t *spsc_item(struct spsc *ring, uint64_t index) {
    return ring->memory + (index & (ring->items - 1)) * ring->item_bytes;
}

/* How many of `count` items from `index` on lie before the end of the memory. */
static inline uint64_t spsc_contiguous(const struct spsc *ring, uint64_t index, uint64_t count) {
    uint64_t before_end = ring->items - (index & (ring->items - 1));
    return count < before_end ? count : before_end;
}

/* Producer. How many items there is certainly room for; it asks the consumer's line only if it knows of less
 * than `least`. */
static inline uint64_t spsc_room(struct spsc *ring, uint64_t least) {
    uint64_t room = ring->items - (ring->head - ring->tail_seen);
    if (room >= least)
        return room;
    /* Acquire: what the consumer did with the old items comes before we write over them. */
    ring->tail_seen = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
    return ring->items - (ring->head - ring->tail_seen);
}

/* Producer. Room for up to `want` items, at least one: `*count` of them in one piece. NULL: the ring is full.
 * It may give less than there is: what it knew of, or what lies before the end of the memory. */
static inline void *spsc_reserve(struct spsc *ring, uint32_t want, uint32_t *count) {
    uint64_t room = spsc_room(ring, 1);
    if (!room)
        return NULL;
    *count = (uint32_t)spsc_contiguous(ring, ring->head, room < want ? room : want);
    return spsc_item(ring, ring->head);
}

/* Hands over the first `count` of the items that were reserved. */
static inline void spsc_commit(struct spsc *ring, uint32_t count) {
    __atomic_store_n(&ring->head, ring->head + count, __ATOMIC_RELEASE);
}

/* Consumer. Up to `want` of the oldest items, `*count` of them in one piece, valid until they are released.
 * NULL: there are none. It may give less than there is, as above. */
static inline const void *spsc_peek(struct spsc *ring, uint32_t want, uint32_t *count) {
    uint64_t tail = ring->tail;
    uint64_t waiting = ring->head_seen - tail;
    if (!waiting) {
        /* Acquire: the items come with the index. */
        ring->head_seen = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);
        waiting = ring->head_seen - tail;
        if (!waiting)
            return NULL;
    }
    *count = (uint32_t)spsc_contiguous(ring, tail, waiting < want ? waiting : want);
    return spsc_item(ring, tail);
}

/* Gives back the first `count` of the items that were peeked at. */
static inline void spsc_release(struct spsc *ring, uint32_t count) {
    __atomic_store_n(&ring->tail, ring->tail + count, __ATOMIC_RELEASE);
}

/* For onlookers: how many items wait, a moment ago. */
static inline uint64_t spsc_waiting(const struct spsc *ring) {
    uint64_t tail = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
    return __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE) - tail;
}

#endif
