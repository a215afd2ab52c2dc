/* Decode and book, timed on input that is in memory before the clock starts.
 *
 * Times are read from the time-stamp counter once for every frame of the input (about 2,000 messages of an
 * ITCH file), so that a run has a distribution and the clock costs nothing.
 */
#ifndef APPLIANCE_BENCH_BENCH_H
#define APPLIANCE_BENCH_BENCH_H

#include "abi.h"
#include "port/port.h"

struct book_set;

struct bench_input {
    struct port *port;
    struct port_frame *frames;
    uint64_t frame_count;
    uint64_t bytes;
};

/* All of a framed ITCH file, in memory. NULL with one line in `error` (PORT_ERROR_BYTES). */
struct bench_input *bench_load(const char *path, char *error);
void bench_unload(struct bench_input *input);

/* One run each; `block_ns` (frame_count long) gets the nanoseconds a message of every frame. */
void bench_decode(const struct bench_input *input, struct bench_run *run, float *block_ns);
/* The books are the caller's, and empty. */
void bench_book(const struct bench_input *input, struct book_set *books, struct bench_run *run,
                float *block_ns);

/* What it costs to measure one stage once: a stamp, and its place in a histogram; 0 or nearly so in a build
 * without measurement. -1 without memory. */
double bench_measure_ns(void);
/* What the stamp alone costs: a read of the clock that nothing waits for. */
double bench_stamp_ns(void);

#endif
