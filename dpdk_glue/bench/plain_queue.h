/* What the ring of items is compared with: the best known plain queue between two threads.
 *
 * Written from the published idea (Rigtorp, "Optimizing a ring buffer for throughput"): an array with one
 * free place, an index a side, each on a cache line of its own beside a copy of the other's, which is read
 * again only when the queue seems full or empty. One item at a time; its size is known to the compiler.
 */
#ifndef APPLIANCE_BENCH_PLAIN_QUEUE_H
#define APPLIANCE_BENCH_PLAIN_QUEUE_H

#include <stddef.h>
#include <stdint.h>

enum { PLAIN_ITEM_BYTES = 64 };

struct plain_queue {
    size_t capacity; /* places; one of them stays free */
    uint8_t *places;
    size_t write __attribute__((aligned(64)));
    size_t read_seen __attribute__((aligned(64)));
    size_t read __attribute__((aligned(64)));
    size_t write_seen __attribute__((aligned(64)));
};

/* The place of the next item, or NULL: full. */
static inline void *plain_queue_reserve(struct plain_queue *queue) {
    size_t next = queue->write + 1;
    if (next == queue->capacity)
        next = 0;
    if (next == queue->read_seen) {
        queue->read_seen = __atomic_load_n(&queue->read, __ATOMIC_ACQUIRE);
        if (next == queue->read_seen)
            return NULL;
    }
    return queue->places + queue->write * PLAIN_ITEM_BYTES;
}

static inline void plain_queue_commit(struct plain_queue *queue) {
    size_t next = queue->write + 1;
    if (next == queue->capacity)
        next = 0;
    __atomic_store_n(&queue->write, next, __ATOMIC_RELEASE);
}

/* The oldest item, or NULL: empty. */
static inline const void *plain_queue_peek(struct plain_queue *queue) {
    if (queue->read == queue->write_seen) {
        queue->write_seen = __atomic_load_n(&queue->write, __ATOMIC_ACQUIRE);
        if (queue->read == queue->write_seen)
            return NULL;
    }
    return queue->places + queue->read * PLAIN_ITEM_BYTES;
}

static inline void plain_queue_release(struct plain_queue *queue) {
    size_t next = queue->read + 1;
    if (next == queue->capacity)
        next = 0;
    __atomic_store_n(&queue->read, next, __ATOMIC_RELEASE);
}

#endif
