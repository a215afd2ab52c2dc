#include "ring/records.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CACHE_LINE = 64, LARGEST_RING_BITS = 31 };

/* In front of every record. A record that would not fit before the end of the memory starts again at its
 * beginning, and SKIP stands where it would have been. */
struct record_header {
    uint32_t bytes;
    uint32_t span; /* with this header, the slack, and what rounds it up to a multiple of 8 */
};

enum { HEADER_BYTES = sizeof(struct record_header) };
static const uint32_t SKIP = UINT32_MAX;
static const uint64_t MAGIC = 0x317364726f636552; /* "Records1" */

_Static_assert(HEADER_BYTES == 8, "the rest of the memory always has room for a header");

/* No pointers: it may lie at another address in each process. Positions count bytes from the start of the
 * ring's life and never wrap; where they point to is their lower bits. */
struct records {
    /* The writer's line. */
    uint64_t head __attribute__((aligned(CACHE_LINE))); /* all before it is written */
    uint64_t tail_seen;
    uint64_t reserved_head; /* where commit moves the head */
    /* The reader's line. */
    uint64_t tail __attribute__((aligned(CACHE_LINE))); /* all before it may be overwritten */
    uint64_t head_seen;
    uint64_t release_tail; /* where release moves the tail */
    /* Nobody's: it never changes. */
    uint64_t bytes __attribute__((aligned(CACHE_LINE)));
    uint64_t magic;
    uint32_t slack; /* behind each record */
    uint8_t memory[] __attribute__((aligned(CACHE_LINE)));
};

static bool is_possible(size_t bytes) {
    return bytes >= RECORDS_SMALLEST_RING && bytes <= (size_t)1 << LARGEST_RING_BITS &&
           !(bytes & (bytes - 1));
}

static struct records *refuse(void) {
    errno = EINVAL;
    return NULL;
}

size_t records_bytes(size_t bytes) {
    return is_possible(bytes) ? sizeof(struct records) + bytes : 0;
}

struct records *records_place(void *memory, size_t bytes, uint32_t slack) {
    if (!is_possible(bytes) || slack > RECORDS_SLACK || (uintptr_t)memory % CACHE_LINE)
        return refuse();
    struct records *ring = memory;
    memset(ring, 0, sizeof *ring + bytes);
    ring->bytes = bytes;
    ring->slack = slack;
    /* Release: who finds it finds all of it. */
    __atomic_store_n(&ring->magic, MAGIC, __ATOMIC_RELEASE);
    return ring;
}

struct records *records_attach(void *memory, size_t bytes) {
    struct records *ring = memory;
    if ((uintptr_t)memory % CACHE_LINE || bytes < sizeof *ring ||
        __atomic_load_n(&ring->magic, __ATOMIC_ACQUIRE) != MAGIC || !is_possible(ring->bytes) ||
        sizeof *ring + ring->bytes > bytes || records_waiting(ring) > ring->bytes)
        return refuse();
    return ring;
}

struct records *records_open(size_t bytes) {
    if (!is_possible(bytes))
        return refuse();
    void *memory = aligned_alloc(CACHE_LINE, sizeof(struct records) + bytes);
    return memory ? records_place(memory, bytes, RECORDS_SLACK) : NULL;
}

void records_close(struct records *ring) {
    free(ring);
}

/* True if positions up to `end` may be written. */
static bool has_room(struct records *ring, uint64_t end) {
    if (end - ring->tail_seen <= ring->bytes)
        return true;
    /* Acquire: what the reader did with the old record comes before we write over it. */
    ring->tail_seen = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
    return end - ring->tail_seen <= ring->bytes;
}

static struct record_header *header_at(struct records *ring, uint64_t position) {
    return (struct record_header *)(ring->memory + (position & (ring->bytes - 1)));
}

uint8_t *records_reserve(struct records *ring, uint32_t bytes) {
    if (bytes > ring->bytes / 4)
        return NULL;
    uint32_t span = (HEADER_BYTES + bytes + ring->slack + 7) & ~7U;
    uint64_t start = ring->head;
    uint64_t behind = ring->bytes - (start & (ring->bytes - 1));
    if (span > behind)
        start += behind;
    if (!has_room(ring, start + span))
        return NULL;
    if (start != ring->head)
        header_at(ring, ring->head)->bytes = SKIP;
    struct record_header *header = header_at(ring, start);
    header->bytes = bytes;
    header->span = span;
    ring->reserved_head = start + span;
    return (uint8_t *)(header + 1);
}

void records_commit(struct records *ring) {
    __atomic_store_n(&ring->head, ring->reserved_head, __ATOMIC_RELEASE);
}

/* Where the record at this position begins, or the one behind the end of the memory. */
static uint64_t past_skip(struct records *ring, uint64_t position) {
    if (header_at(ring, position)->bytes == SKIP) /* the head is moved past both at once */
        position += ring->bytes - (position & (ring->bytes - 1));
    return position;
}

const uint8_t *records_peek(struct records *ring, uint32_t *bytes) {
    uint64_t start = ring->tail;
    if (start == ring->head_seen) {
        ring->head_seen = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);
        if (start == ring->head_seen)
            return NULL;
    }
    start = past_skip(ring, start);
    struct record_header *header = header_at(ring, start);
    ring->release_tail = start + header->span;
    *bytes = header->bytes;
    return (const uint8_t *)(header + 1);
}

void records_release(struct records *ring) {
    __atomic_store_n(&ring->tail, ring->release_tail, __ATOMIC_RELEASE);
}

const uint8_t *records_youngest(struct records *ring, uint32_t *bytes) {
    uint64_t at = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
    const uint8_t *youngest = NULL;
    while (at != ring->head) {
        at = past_skip(ring, at);
        struct record_header *header = header_at(ring, at);
        youngest = (const uint8_t *)(header + 1);
        *bytes = header->bytes;
        at += header->span;
    }
    return youngest;
}

uint64_t records_waiting(const struct records *ring) {
    uint64_t tail = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
    return __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE) - tail;
}
