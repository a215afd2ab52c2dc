/* For those who write a strategy in C: the contract, and how its fields are listed.
 *
 *     struct state { int32_t last_side; };
 *     struct params { int32_t qty; };
 *     const struct strategy_field strategy_params[] = {STRATEGY_FIELD(params, qty, 1, 1000, 100)};
 *     const struct strategy_field strategy_state[] = {STRATEGY_FIELD(state, last_side, 0, 0, 0)};
 *     STRATEGY("mine", state, params, .depth = 1);
 *     int32_t on_book(const struct book_view *book, void *state, const void *params, struct signals *out) ...
 *
 * Compiled with -shared -fPIC and the include directories of the data plane; strategy/imbalance.c is one.
 */
#ifndef APPLIANCE_STRATEGY_STRATEGY_H
#define APPLIANCE_STRATEGY_STRATEGY_H

#include "abi.h"
#include "abi_hash.h"

#define STRATEGY_EXPORT __attribute__((visibility("default")))

#define STRATEGY_FIELD(type, member, lowest, highest, first)                                                 \
    {                                                                                                        \
        .name = #member, .offset = offsetof(struct type, member), .bytes = sizeof((struct type){0}.member),  \
        .least = (lowest), .most = (highest), .initial = (first)                                             \
    }

#define STRATEGY(its_name, state_type, params_type, ...)                                                     \
    STRATEGY_EXPORT const struct strategy_info strategy_info = {                                             \
        .abi_hash = ABI_HASH_BYTES,                                                                          \
        .name = its_name,                                                                                    \
        .state_bytes = sizeof(struct state_type),                                                            \
        .params_bytes = sizeof(struct params_type),                                                          \
        .state_fields = sizeof strategy_state / sizeof *strategy_state,                                      \
        .params_fields = sizeof strategy_params / sizeof *strategy_params,                                   \
        __VA_ARGS__}

extern const struct strategy_info strategy_info;
extern const struct strategy_field strategy_state[];
extern const struct strategy_field strategy_params[];
int32_t on_book(const struct book_view *book, void *state, const void *params, struct signals *out);

/* Asks for one more order; false when there is no room. */
static inline int strategy_signal(struct signals *out, const struct signal *signal) {
    if (out->count >= ABI_SIGNALS)
        return 0;
    out->signal[out->count++] = *signal;
    return 1;
}

#endif
