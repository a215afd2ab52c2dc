#include "bench/bench.h"

#include "stats/histogram.h"

#include <stdlib.h>

enum { ROUNDS = 1 << 18, RUNS = 9 };

static int ascending(const void *left, const void *right) {
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

static double median(double *runs) {
    qsort(runs, RUNS, sizeof *runs, ascending);
    return runs[RUNS / 2];
}

double bench_stamp_ns(void) {
    double runs[RUNS];
    for (int run = 0; run < RUNS; run++) {
        uint64_t start = clock_cycles_fenced();
        for (int i = 0; i < ROUNDS; i++) {
            uint64_t stamp = clock_cycles();
            __asm__ volatile("" ::"r"(stamp));
        }
        runs[run] = (double)(clock_cycles_fenced() - start) / ROUNDS / clock_cycles_per_ns();
    }
    return median(runs);
}

double bench_measure_ns(void) {
    struct histogram *histogram = calloc(1, sizeof *histogram);
    double runs[RUNS] = {0};
    if (!histogram)
        return -1;
    for (int run = 0; run < RUNS; run++) {
        uint64_t start = clock_cycles_fenced();
        uint64_t mark = histogram_stamp();
        for (int i = 0; i < ROUNDS; i++) {
            uint64_t now = histogram_stamp();
            histogram_add(histogram, now - mark);
            mark = now;
        }
        runs[run] = (double)(clock_cycles_fenced() - start) / ROUNDS / clock_cycles_per_ns();
    }
    free(histogram);
    return median(runs);
}
