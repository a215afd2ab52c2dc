#include "api.h"
#include "bench/bench.h"
#include "memory/memory.h"
#include "stats/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct bench_input *api_bench_load(const char *path, char *error) {
    return bench_load(path, error);
}

void api_bench_unload(struct bench_input *input) {
    bench_unload(input);
}

void api_bench_input(const struct bench_input *input, uint64_t *frames, uint64_t *bytes) {
    *frames = input->frame_count;
    *bytes = input->bytes;
}

void api_bench_decode(const struct bench_input *input, struct bench_run *run, float *block_ns) {
    bench_decode(input, run, block_ns);
}

int api_bench_book(const struct bench_input *input, const struct book_limits *limits, struct bench_run *run,
                   float *block_ns, char *error) {
    if (bench_book(input, limits, run, block_ns) == 0)
        return 0;
    snprintf(error, API_ERROR_BYTES, "no memory for the books (%s): free some", strerror(errno));
    return -1;
}

const char *api_pages_name(uint32_t pages) {
    return memory_pages_name(pages);
}

double api_clock_read_ns(void) {
    return clock_read_ns();
}

double api_clock_cycles_per_ns(void) {
    return clock_cycles_per_ns();
}
