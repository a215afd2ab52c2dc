/* Strategies: what a compiled strategy says of itself.
 *
 * A strategy is a shared object with these symbols:
 *
 *     const struct strategy_info strategy_info;
 *     const struct strategy_field strategy_state[], strategy_params[];   as many as strategy_info says
 *     int32_t on_book(const struct book_view *, void *state, const void *params, struct signals *);
 *
 * It is called for a book whose best level, trading state or last trade has changed. Every book has a state
 * of its own, all zeros at first; the parameters are the same for all. It returns 0, allocates nothing, calls
 * nothing, and reads and writes its arguments alone. Integers only: the same calls give the same signals on
 * every machine.
 */
#ifndef APPLIANCE_ABI_STRATEGY_H
#define APPLIANCE_ABI_STRATEGY_H

#include "abi/trade.h"

#define ABI_STRATEGY_PARAMS_BYTES 256
#define ABI_STRATEGY_STATE_BYTES  4096
#define ABI_STRATEGY_FIELDS       64

/* One member of a strategy's state or parameters: a signed integer, or an array of them. */
struct strategy_field {
    char name[32];
    uint32_t offset;
    uint32_t bytes; /* of all of it */
    int64_t least;  /* of a parameter */
    int64_t most;
    int64_t initial;
};
ABI_SIZE(strategy_field, 64);

struct strategy_info {
    uint8_t abi_hash[32]; /* SHA-256 of the contract it was compiled with */
    char name[32];
    uint32_t state_bytes;
    uint32_t params_bytes;
    uint32_t state_fields;
    uint32_t params_fields;
    uint32_t depth;       /* levels a side that it reads, 1 .. 10 */
    uint32_t every_event; /* 1: called for each event, and sees the best level; 0: once a packet and book */
    uint32_t reserved[2];
};
ABI_SIZE(strategy_info, 96);
ABI_AT(strategy_info, state_bytes, 64);

/* Why a slot is empty. */
enum strategy_fault {
    STRATEGY_FINE = 0,
    STRATEGY_RETURNED = 1, /* something else than 0 */
    STRATEGY_OVERLONG = 2, /* it took longer than allowed */
    STRATEGY_OVERFULL = 3  /* more signals than there is room for */
};

#endif
