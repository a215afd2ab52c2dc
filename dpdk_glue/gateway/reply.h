/* One reply on its way through the pool, and what the kinds of replies have in common: how quantities move
 * within an order, and how an order ends. Each movement is told in the order's effect as well.
 */
#ifndef APPLIANCE_GATEWAY_REPLY_H
#define APPLIANCE_GATEWAY_REPLY_H

#include "gateway/orders.h"

struct reply {
    struct order_pool *pool;
    const struct execution *execution;
    struct order_effect *effects;
    uint32_t count; /* of effects so far */
    bool passed;    /* its user reference is one that we have used, or passed over */
};

static inline uint32_t reply_px(uint64_t px) {
    return px > UINT32_MAX ? UINT32_MAX : (uint32_t)px;
}

static inline uint8_t reply_side(uint8_t letter) {
    return letter == 'B' ? SIDE_BID : SIDE_ASK; /* S sells; so do T and E, short */
}

struct order_effect *reply_effect(struct reply *reply, const struct order_view *view);

/* It is live, and nobody has asked it to go. */
void reply_stand(struct order_view *view);
/* A reply to an open order: what was unknown is known. */
void reply_resolve(struct order_view *view);
/* We said that it is over when nobody had told us of it, and nobody has since. */
bool reply_was_given_up(const struct order_view *view);

void reply_drop(struct order_view *view, struct order_effect *effect, uint32_t qty);
void reply_adopt(struct order_view *view, struct order_effect *effect, uint32_t qty);
/* The venue says how large the order is: what was asked for and is not taken was never entered. */
void reply_enter(struct order_pool *pool, struct order_view *view, struct order_effect *effect, uint32_t qty);

void reply_close(struct order_pool *pool, struct order_record *record, enum order_state state,
                 uint32_t reason, struct order_effect *effect);
/* A replacement that the venue has not told of falls with the order whose place it wanted. */
void reply_end_replacement(struct reply *reply, const struct order_view *old);
/* Both. */
void reply_close_all(struct reply *reply, struct order_record *record, enum order_state state,
                     uint32_t reason, struct order_effect *effect);

/* gateway/accepted.c */
void reply_accepted(struct reply *reply);
void reply_replaced(struct reply *reply);

#endif
