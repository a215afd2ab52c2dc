/* The fills of late: what a broken or a corrected trade takes back, and how a fill that is told twice is
 * known.
 *
 * A fill is known by its match number and its order (both sides of a trade may be ours). The oldest gives its
 * place to the newest.
 */
#ifndef APPLIANCE_GATEWAY_FILLS_H
#define APPLIANCE_GATEWAY_FILLS_H

#include <stdbool.h>
#include <stdint.h>

struct fill {
    uint64_t match;
    uint32_t user_ref;
    uint32_t qty;
    uint32_t px;
    uint32_t order_px;
    uint32_t next; /* of the same bucket: its place + 1; 0 = none */
    uint16_t instrument;
    uint8_t side;
    uint8_t broken;
};

_Static_assert(sizeof(struct fill) == 32, "two a cache line");

struct fills {
    struct fill *fill;
    uint32_t *bucket; /* the newest of each: its place + 1 */
    uint32_t mask;
    uint32_t next_place;
};

/* `count` is a power of two. 0, or -1 without memory. */
int fills_open(struct fills *fills, uint32_t count);
void fills_close(struct fills *fills);
/* NULL: it is not remembered. */
struct fill *fills_find(const struct fills *fills, uint64_t match, uint32_t user_ref);
void fills_add(struct fills *fills, const struct fill *fill);

#endif
