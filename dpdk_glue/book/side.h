/* One side of one book: its levels sorted, the best at the end.
 *
 * An entry is 64 bits, compared as a signed integer: the price's key in the upper half, the level's node in
 * the lower. The key grows with how good the price is on either side (bids as they are, asks inverted), so
 * nothing below here knows a side. Most changes are near the best, so they move few entries; in front of the
 * worst entry lie SIDE_PAD entries of the least value, so that a vector may read there without a test.
 */
#ifndef APPLIANCE_BOOK_SIDE_H
#define APPLIANCE_BOOK_SIDE_H

#include "memory/memory.h"

#include <immintrin.h>
#include <stdint.h>

enum { SIDE_PAD = 8, SIDE_SMALLEST = 16, SIDE_TAIL = 16, SIDE_CLASSES = 24 };

struct side {
    int64_t *levels; /* the worst; levels[-SIDE_PAD .. -1] are the least value */
    uint32_t count;
    uint32_t size_class;
};

/* Where the sorted arrays live: blocks of SIDE_SMALLEST << class entries, given back by class. */
struct side_pool {
    struct memory memory;
    size_t used;
    int64_t *free[SIDE_CLASSES];
};

int side_pool_open(struct side_pool *pool, uint32_t levels, uint32_t locates);
void side_pool_close(struct side_pool *pool);
/* Every block is free again; the sides that had one are the caller's to forget. */
void side_pool_clear(struct side_pool *pool);
/* Makes room for one more entry; -1 when the pool has run out. */
int side_grow(struct side_pool *pool, struct side *side);
/* The last level has left: its block is for others. */
void side_give_back(struct side_pool *pool, struct side *side);

static inline int64_t side_key(uint32_t px, unsigned side) {
    uint32_t better = px ^ -(uint32_t)side ^ UINT32_C(0x80000000);
    return (int64_t)((uint64_t)better << 32);
}

static inline unsigned side_better_in_four(const int64_t *entries, __m256i limit) {
    __m256i better = _mm256_cmpgt_epi64(_mm256_loadu_si256((const __m256i *)entries), limit);
    return (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(better));
}

static inline unsigned side_better_in_eight(const int64_t *entries, __m256i limit) {
    return side_better_in_four(entries + 4, limit) << 4 | side_better_in_four(entries, limit);
}

/* How many levels are better than this key. Most changes are among the best eight: one or two cache lines. */
static inline uint32_t side_better(const struct side *side, int64_t key) {
    const int64_t *end = side->levels + side->count;
    const __m256i limit = _mm256_set1_epi64x(key | 0xffffffff);
    uint32_t better = 0;
    for (;;) { /* ends at the padding at the latest */
        end -= 8;
        unsigned mask = side_better_in_eight(end, limit);
        better += (uint32_t)__builtin_popcount(mask);
        if (__builtin_expect(mask != 0xff, 1))
            return better;
    }
}

/* Up to eight entries are moved as two vectors, whatever their number: what lies behind the best means
 * nothing, and a loop that ends after one to three turns is a branch nobody can predict. */
enum { SIDE_MOVED_AT_ONCE = 8 };

static inline __m256i side_load(const int64_t *entries) {
    return _mm256_loadu_si256((const __m256i *)entries);
}

static inline void side_store(int64_t *entries, __m256i four) {
    _mm256_storeu_si256((__m256i *)entries, four);
}

/* Puts an entry in front of the `better` best ones. There is room (side_grow). */
static inline void side_insert(struct side *side, uint32_t better, int64_t entry) {
    int64_t *at = side->levels + side->count - better;
    if (__builtin_expect(better > SIDE_MOVED_AT_ONCE, 0))
        for (int64_t *four = at + ((better + 3) & ~3u);
             four > at + SIDE_MOVED_AT_ONCE;) { /* from the best down */
            four -= 4;
            side_store(four + 1, side_load(four));
        }
    __m256i low = side_load(at);
    __m256i high = side_load(at + 4);
    side_store(at + 1, low);
    side_store(at + 5, high);
    *at = entry;
    side->count++;
}

/* Takes out the entry that has `better` entries behind it. */
static inline void side_remove(struct side *side, uint32_t better) {
    int64_t *at = side->levels + side->count - better - 1;
    side_store(at, side_load(at + 1));
    side_store(at + 4, side_load(at + 5));
    for (uint32_t moved = SIDE_MOVED_AT_ONCE; moved < better; moved += 4)
        side_store(at + moved, side_load(at + moved + 1));
    side->count--;
}

#endif
