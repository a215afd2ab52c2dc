/* Where times are counted: abi.h says how wide the buckets are. One writer, any number of readers.
 *
 * With -Dstats=false every function here is empty, and so are the stamps: measuring is compiled away. */
#ifndef APPLIANCE_STATS_HISTOGRAM_H
#define APPLIANCE_STATS_HISTOGRAM_H

#include "abi.h"
#include "stats/clock.h"

/* The bucket of a time. */
static inline uint32_t histogram_bucket(uint64_t cycles) {
    if (cycles < 32)
        return (uint32_t)cycles;
    uint32_t octave = 63 - (uint32_t)__builtin_clzll(cycles);
    uint32_t bucket = 32 + (octave - 5) * 32 + (uint32_t)(cycles >> (octave - 5) & 31);
    return bucket < ABI_HISTOGRAM_BUCKETS ? bucket : ABI_HISTOGRAM_BUCKETS - 1;
}

/* Now, or 0 where nothing is measured. */
static inline uint64_t histogram_stamp(void) {
#ifdef APPLIANCE_NO_STATS
    return 0;
#else
    return clock_cycles();
#endif
}

/* Adds to a word that only this thread writes and others read. */
// NOLINTNEXTLINE(readability-non-const-parameter): clang-tidy takes the atomic store for a read
static inline void histogram_grow(uint64_t *word, uint64_t by) {
    __atomic_store_n(word, __atomic_load_n(word, __ATOMIC_RELAXED) + by, __ATOMIC_RELAXED);
}

static inline void histogram_add(struct histogram *histogram, uint64_t cycles) {
#ifdef APPLIANCE_NO_STATS
    (void)histogram;
    (void)cycles;
#else
    histogram_grow(&histogram->count, 1);
    histogram_grow(&histogram->cycles, cycles);
    histogram_grow(&histogram->bucket[histogram_bucket(cycles)], 1);
    if (cycles > histogram->max_cycles)
        __atomic_store_n(&histogram->max_cycles, cycles, __ATOMIC_RELAXED);
#endif
}

#endif
