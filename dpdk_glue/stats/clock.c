#include "stats/clock.h"

#include <stdlib.h>
#include <time.h>

static double raw_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_RAW, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

double clock_cycles_per_ns(void) {
    static double measured;
    if (measured == 0) {
        double start_ns = raw_ns();
        uint64_t start = clock_cycles_fenced();
        double end_ns;
        do
            end_ns = raw_ns();
        while (end_ns - start_ns < 20e6);
        measured = (double)(clock_cycles_fenced() - start) / (end_ns - start_ns);
    }
    return measured;
}

static int ascending(const void *left, const void *right) {
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

double clock_read_ns(void) {
    enum { SAMPLES = 1001, READS = 16 };
    uint64_t cycles[SAMPLES];
    for (int i = 0; i < SAMPLES; i++) {
        uint64_t start = clock_cycles_fenced();
        for (int read = 1; read < READS; read++)
            clock_cycles_fenced();
        cycles[i] = clock_cycles_fenced() - start;
    }
    qsort(cycles, SAMPLES, sizeof cycles[0], ascending);
    uint64_t median = cycles[SAMPLES / 2];
    return (double)median / READS / clock_cycles_per_ns();
}
