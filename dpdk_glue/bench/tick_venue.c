#include "bench/tick_venue.h"

#include <string.h>

static struct execution reply_to(struct tick_venue *venue, const struct order *order,
                                 enum execution_kind kind, uint64_t rx_cycles) {
    return (struct execution){
        .kind = kind, .user_ref = order->user_ref, .sequence = ++venue->sequence, .rx_cycles = rx_cycles};
}

static void accept(struct tick_venue *venue, struct decider *decider, const struct order *order,
                   uint64_t rx_cycles) {
    struct execution reply = reply_to(venue, order, EXECUTION_ACCEPTED, rx_cycles);
    reply.qty = order->qty;
    reply.px = order->px;
    reply.order_ref = ++venue->order_ref;
    reply.side = order->side == SIDE_BID ? 'B' : 'S';
    reply.tif = '0' + order->tif;
    reply.state = 'L';
    reply.number = order->number;
    memcpy(reply.symbol, order->symbol, sizeof reply.symbol);
    decider_take_execution(decider, &reply);
}

static void fill(struct tick_venue *venue, struct decider *decider, const struct order *order, uint32_t qty,
                 uint64_t rx_cycles) {
    struct execution reply = reply_to(venue, order, EXECUTION_EXECUTED, rx_cycles);
    if (!qty)
        return;
    reply.qty = qty;
    reply.px = order->px;
    reply.match = ++venue->match;
    reply.liquidity = 'R';
    venue->fills++;
    decider_take_execution(decider, &reply);
}

static void cancel(struct tick_venue *venue, struct decider *decider, const struct order *order, uint32_t qty,
                   uint64_t rx_cycles) {
    struct execution reply = reply_to(venue, order, EXECUTION_CANCELED, rx_cycles);
    if (!qty)
        return;
    reply.qty = qty;
    reply.reason = 'I';
    decider_take_execution(decider, &reply);
}

void tick_venue_answer(struct tick_venue *venue, struct decider *decider, uint64_t rx_cycles) {
    for (uint32_t i = 0; i < venue->count; i++) {
        const struct order *order = &venue->waiting[i];
        uint32_t filled = order->number % 4 == 0 ? 0 : order->number % 4 == 1 ? order->qty / 2 : order->qty;
        if (order->action != ORDER_ENTER)
            continue;
        accept(venue, decider, order, rx_cycles);
        fill(venue, decider, order, filled, rx_cycles);
        cancel(venue, decider, order, order->qty - filled, rx_cycles);
    }
    venue->count = 0;
}
