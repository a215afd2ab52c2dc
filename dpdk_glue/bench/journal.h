/* Appending to the journal: what it costs the thread that does it, and how fast the writer keeps up.
 *
 * The writer is the real one, a process on another core. The hot cost is taken over bursts that fit into the
 * ring, each begun when the writer has emptied it; the rate over many records in a row, from the first until
 * the writer has put the last into a file.
 */
#ifndef APPLIANCE_BENCH_JOURNAL_H
#define APPLIANCE_BENCH_JOURNAL_H

#include "abi.h"

struct journal_tap;

/* `record_ns` gets the nanoseconds a record of each of `bursts` bursts of `burst_records`. 0; -1: the writer
 * does not take them. */
int bench_journal_hot(struct journal_tap *tap, const struct journal_state *state, uint32_t payload_bytes,
                      uint32_t bursts, uint32_t burst_records, float *record_ns);
/* The nanoseconds until `records` are in files, or -1. */
double bench_journal_rate(struct journal_tap *tap, const struct journal_state *state, uint32_t payload_bytes,
                          uint64_t records);

#endif
