/* What the synthetic market and the benchmarks are asked for, and what they say. */
#ifndef APPLIANCE_ABI_SYNTH_H
#define APPLIANCE_ABI_SYNTH_H

#include "abi/base.h"

/* synth: what a synthetic market is asked for. `live_orders` bounds the orders at rest; 0 leaves it to the
 * market (a twenty-fifth of the messages, at most 1.5 M). */
struct synth_config {
    uint64_t messages;
    uint64_t seed;
    uint32_t symbols;
    uint32_t live_orders;
};
ABI_SIZE(synth_config, 24);
ABI_AT(synth_config, symbols, 16);

/* The two lines that carry a synthetic market, and their faults. Index 0 is line A. `_ppb` are probabilities
 * in 1/1,000,000,000 a packet; groups are IPv4 addresses, the first number in the highest byte. */
struct synth_lines_config {
    uint32_t loss_ppb[2];
    uint32_t same_gap_ppb;
    uint32_t duplicate_ppb;
    uint32_t reorder_ppb;
    uint32_t reorder_depth;
    uint32_t loss_burst;
    uint32_t heartbeat_ms;
    uint32_t group[2];
    uint16_t port[2];
    char session[10];
    uint16_t reserved;
};
ABI_SIZE(synth_lines_config, 56);
ABI_AT(synth_lines_config, group, 32);
ABI_AT(synth_lines_config, session, 44);

/* What was written so far. The counts of the lines stay 0 for a plain file. `packets` carry data; one that
 * was lost on its line is in `lost` instead. */
struct synth_counters {
    uint64_t messages;
    uint64_t bytes;
    uint64_t live_orders;
    uint64_t packets[2];
    uint64_t lost[2];
    uint64_t lost_on_both;
    uint64_t duplicated[2];
    uint64_t reordered[2];
    uint64_t heartbeats;
    uint64_t by_type[256];
};
ABI_SIZE(synth_counters, 2152);
ABI_AT(synth_counters, packets, 24);
ABI_AT(synth_counters, by_type, 104);

/* bench: one timed run. `digest` is the checksum of a decode, the books' digest of a book run. */
struct bench_run {
    double ns;
    uint64_t messages;
    uint64_t digest;
    uint64_t book_bytes; /* mapped for the pools */
    uint64_t refused;    /* orders for which a pool had no room: such a run says nothing */
    uint16_t pages[3];   /* what the orders, the levels and the books lie in, as api_pages_name takes it */
    uint16_t reserved;
};
ABI_SIZE(bench_run, 48);

#endif
