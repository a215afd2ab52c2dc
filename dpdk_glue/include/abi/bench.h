/* From tick to order: what its benchmark is asked, and what it counts. */
#ifndef APPLIANCE_ABI_BENCH_H
#define APPLIANCE_ABI_BENCH_H

#include "abi/base.h"

struct bench_tick_plan {
    uint32_t most_messages; /* in a packet */
    uint32_t instruments;   /* that the strategy is called for, out of all that the day names */
    uint32_t is_split;      /* the stages behind the feed have a thread of their own */
    int32_t core[2];        /* the feed's and theirs; -1: wherever the kernel puts it */
    uint32_t params_bytes;  /* 0 = the strategy's own initial values */
    char strategy[4096];    /* path of the shared object */
    uint8_t params[256];
};
ABI_SIZE(bench_tick_plan, 4376);
ABI_AT(bench_tick_plan, strategy, 24);

struct bench_tick_run {
    uint64_t packets;
    uint64_t messages;
    uint64_t packets_with_orders;
    uint64_t orders;
    uint64_t ticks;
    uint64_t intents;
    uint64_t rejects; /* by risk */
    uint64_t refused; /* by the order pool */
    uint64_t unsent;  /* by the session: such a run says nothing */
    uint64_t executions;
    uint64_t fills;
    uint64_t unknown;      /* orders that a pool of the books had no room for: the same */
    uint64_t order_digest; /* of all bytes for the venue */
    uint64_t book_digest;
    uint64_t tables_bytes;
    uint64_t reserved;
};
ABI_SIZE(bench_tick_run, 128);
ABI_AT(bench_tick_run, order_digest, 96);

#endif
