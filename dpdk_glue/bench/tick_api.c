#include "api.h"
#include "bench/tick.h"

#include <string.h>

struct bench_tick *api_bench_tick_open(const struct bench_input *input, const struct bench_tick_plan *plan,
                                       char *error) {
    return bench_tick_open(input, plan, error);
}

void api_bench_tick_close(struct bench_tick *bench) {
    bench_tick_close(bench);
}

uint64_t api_bench_tick_run(struct bench_tick *bench, uint64_t packets, float *ns) {
    uint64_t before = bench->run.packets_with_orders;
    uint32_t *cycles = (uint32_t *)ns; /* turned where they stand: a float is as wide */
    uint64_t taken = bench_tick_run(bench, packets, cycles);
    double cycles_per_ns = clock_cycles_per_ns();
    for (uint64_t i = 0; i < bench->run.packets_with_orders - before; i++) {
        uint32_t one;
        memcpy(&one, &ns[i], sizeof one);
        ns[i] = (float)(one / cycles_per_ns);
    }
    return taken;
}

void api_bench_tick_read(const struct bench_tick *bench, struct bench_tick_run *run) {
    bench_tick_read(bench, run);
}

double api_bench_tick_gate(struct bench_tick *bench) {
    return bench_tick_gate(bench);
}
