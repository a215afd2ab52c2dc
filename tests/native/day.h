/* A synthetic day in memory, as the benchmarks have their input, and a plan to trade it by. */
#ifndef APPLIANCE_TESTS_NATIVE_DAY_H
#define APPLIANCE_TESTS_NATIVE_DAY_H

#include "bench/tick.h"
#include "check.h"
#include "synth/synth.h"

#include <string.h>

struct day {
    struct bench_input input;
    struct port_frame frame;
    uint8_t *bytes;
};

static inline void day_make(struct day *day, uint64_t messages, uint32_t symbols) {
    struct synth_config config = {.messages = messages, .symbols = symbols, .seed = 1};
    uint64_t room = 64 * messages; /* no message is longer */
    char error[PORT_ERROR_BYTES];
    struct synth *synth = synth_open(&config, error);
    CHECK(synth);
    day->bytes = calloc(1, room + BOOK_RUN_SLACK);
    CHECK(day->bytes);
    uint64_t bytes = synth_fill(synth, day->bytes, room);
    synth_close(synth);
    CHECK(bytes && bytes < room && bytes < UINT32_MAX);
    day->frame = (struct port_frame){.data = day->bytes, .length = (uint32_t)bytes, .kind = PORT_ITCH};
    day->input = (struct bench_input){.frames = &day->frame, .frame_count = 1, .bytes = bytes};
}

/* An imbalance that is easily found, so that much is traded. */
static const int32_t day_params[4] = {51, 100, 1000000, 0}; /* percent, quantity, spread, whether it rests */

static inline struct bench_tick_plan day_plan(const char *strategy, uint32_t most_messages,
                                              uint32_t instruments, bool is_split) {
    struct bench_tick_plan plan = {.most_messages = most_messages,
                                   .instruments = instruments,
                                   .is_split = is_split,
                                   .core = {0, 1},
                                   .params_bytes = sizeof day_params};
    snprintf(plan.strategy, sizeof plan.strategy, "%s", strategy);
    memcpy(plan.params, day_params, sizeof day_params);
    return plan;
}

#endif
