#include "api.h"
#include "bench/bench.h"
#include "bench/gate.h"
#include "memory/memory.h"
#include "port/file.h"
#include "stats/clock.h"

struct bench_input *api_bench_load(const char *path, char *error) {
    return bench_load(path, error);
}

void api_bench_unload(struct bench_input *input) {
    bench_unload(input);
}

void api_bench_input(const struct bench_input *input, uint64_t *frames, uint64_t *bytes, uint32_t *pages) {
    *frames = input->frame_count;
    *bytes = input->bytes;
    *pages = port_file_memory(input->port)->pages;
}

void api_bench_decode(const struct bench_input *input, struct bench_run *run, float *block_ns) {
    bench_decode(input, run, block_ns);
}

void api_bench_book(const struct bench_input *input, struct book_set *books, struct bench_run *run,
                    float *block_ns) {
    bench_book(input, books, run, block_ns);
}

int api_bench_gate(uint32_t mix, uint32_t blocks, struct bench_run *run, float *block_ns) {
    return bench_gate((enum bench_gate_mix)mix, blocks, run, block_ns);
}

const char *api_pages_name(uint32_t pages) {
    return memory_pages_name(pages);
}

double api_clock_read_ns(void) {
    return clock_read_ns();
}

double api_bench_measure_ns(void) {
    return bench_measure_ns();
}

double api_bench_stamp_ns(void) {
    return bench_stamp_ns();
}
