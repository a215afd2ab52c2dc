/* The risk gate, timed by itself: orders for a rotating set of instruments, every limit set, positions held
 * and own orders at rest, so that each check has something to compare.
 *
 * Orders are checked in blocks of one for each instrument, in another order each time; the clock is read
 * around a block. Between blocks, and outside the clock, what passed is released, so that every block finds
 * the same.
 */
#ifndef APPLIANCE_BENCH_GATE_H
#define APPLIANCE_BENCH_GATE_H

#include "abi.h"

enum { BENCH_GATE_INSTRUMENTS = 1000 };

enum bench_gate_mix {
    BENCH_GATE_PASSING,  /* all of them */
    BENCH_GATE_REJECTING /* one order in two has something wrong with it, one of ten things at random */
};

/* `messages` of the run are orders, `refused` those that the gate refused; `block_ns` gets the nanoseconds an
 * order of each block. -1 without memory. */
int bench_gate(enum bench_gate_mix mix, uint32_t blocks, struct bench_run *run, float *block_ns);

#endif
