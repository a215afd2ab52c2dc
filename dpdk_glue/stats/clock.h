/* The time-stamp counter: what a read costs, and how fast it runs. */
#ifndef APPLIANCE_STATS_CLOCK_H
#define APPLIANCE_STATS_CLOCK_H

#include <stdint.h>
#include <x86intrin.h>

/* Not ordered with what stands around it: for stamps a few instructions of blur do not matter. */
static inline uint64_t clock_cycles(void) {
    return __rdtsc();
}

/* Ordered: all before it is done, nothing after it has begun. For benchmarks. */
static inline uint64_t clock_cycles_fenced(void) {
    _mm_lfence();
    uint64_t cycles = __rdtsc();
    _mm_lfence();
    return cycles;
}

/* Cycles per nanosecond, measured once against CLOCK_MONOTONIC_RAW (takes about 20 ms). */
double clock_cycles_per_ns(void);

/* The median cost of one fenced read. */
double clock_read_ns(void);

#endif
