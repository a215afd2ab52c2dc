#include "synth/market.h"

enum {
    SWEEP_MESSAGES = 8 /* the most orders that one incoming order trades with */
};

#define STUB_ASK_PX ((uint32_t)1999999900)

const char synth_attributions[SYNTH_ATTRIBUTIONS][4] = {
    {'A', 'L', 'D', 'R'}, {'B', 'R', 'C', 'H'}, {'C', 'E', 'D', 'R'}, {'E', 'L', 'M', 'S'},
    {'F', 'I', 'R', 'S'}, {'H', 'A', 'Z', 'L'}, {'H', 'O', 'L', 'Y'}, {'J', 'N', 'P', 'R'},
    {'L', 'A', 'R', 'C'}, {'L', 'I', 'N', 'D'}, {'M', 'A', 'P', 'L'}, {'O', 'A', 'K', 'S'},
    {'P', 'I', 'N', 'E'}, {'R', 'O', 'W', 'N'}, {'W', 'I', 'L', 'O'}, {'Y', 'E', 'W', 'S'},
};

struct place {
    uint32_t px;
    uint16_t slot;
};

static uint8_t side_code(uint8_t side) {
    return side == SYNTH_BUY ? 'B' : 'S';
}

static bool takes_orders(const struct synth_symbol *symbol) {
    return symbol->state == 'T' || symbol->state == 'Q';
}

static int clamp(int value, int low, int high) {
    return value < low ? low : value > high ? high : value;
}

/* Every 64th order or so shifts the fair price by a tick; it never leaves the middle half of the ladder. */
static void drift(struct synth_symbol *symbol, uint32_t bits) {
    if ((bits & 63) == 0) {
        int quarter = symbol->width / 4;
        symbol->mid = (int16_t)clamp(symbol->mid + (bits & 64 ? 1 : -1), quarter, 3 * quarter - 1);
    }
}

/* Outside the ladder: anywhere down to a dollar (or a hundredth) or up to twice the price, and now and then a
 * stub quote. */
static uint32_t deep_px(const struct synth_symbol *symbol, uint8_t side, uint64_t random) {
    uint32_t bits = (uint32_t)(random >> 32);
    if ((random & 63) == 0)
        return side == SYNTH_BUY ? symbol->tick_px : STUB_ASK_PX;
    uint32_t floor_px = symbol->tick_px == 1 ? 100 : 10000;
    uint32_t low_px = symbol->base_px;
    if (side == SYNTH_BUY)
        return low_px - symbol->tick_px * (1 + synth_scale(bits, (low_px - floor_px) / symbol->tick_px));
    uint32_t high_px = synth_slot_px(symbol, symbol->width);
    uint32_t ticks = symbol->tick_px == 1 ? 9999 - high_px : high_px / symbol->tick_px;
    return high_px + symbol->tick_px * synth_scale(bits, ticks + 1);
}

/* Where a new order goes: some ticks behind the mid, most of them few, but never through the other side. */
static struct place place_order(struct synth_market *market, const struct synth_symbol *symbol, uint8_t side,
                                uint64_t random) {
    if ((random >> 12 & 127) == 0)
        return (struct place){deep_px(symbol, side, synth_random(&market->prng)), SYNTH_DEEP};
    int shift = symbol->spread_shift, fine = (int)(random >> 19 & 7) & ((1 << shift) - 1);
    int distance = (market->tables.distance[random & (SYNTH_DISTANCES - 1)] << shift) + fine;
    int farthest = symbol->width / 4 - 1 - (int)(random >> 22 & 7);
    if (distance > farthest)
        distance = farthest;
    int slot;
    if (side == SYNTH_BUY) {
        slot = symbol->mid - distance;
        if (slot >= symbol->ask)
            slot = symbol->ask - 1;
    } else {
        slot = symbol->mid + 1 + distance;
        if (slot <= symbol->bid)
            slot = symbol->bid + 1;
    }
    return (struct place){synth_slot_px(symbol, slot), (uint16_t)slot};
}

static uint64_t next_reference(struct synth_market *market, uint32_t bits) {
    return market->reference += 1 + (bits & 3 ? 0 : bits >> 2 & 7); /* hidden orders take numbers, too */
}

/* A burst is mostly about one symbol. */
static uint16_t pick_locate(struct synth_market *market, uint64_t random) {
    uint16_t locate = random & 3 ? market->active : 0;
    if (!locate)
        locate = synth_pick_locate(&market->tables, synth_random(&market->prng));
    while (!takes_orders(&market->store.symbols[locate]))
        locate = locate < market->store.symbol_count ? (uint16_t)(locate + 1) : 1;
    return locate;
}

static void add_order(struct synth_market *market) {
    uint64_t random = synth_random(&market->prng);
    uint16_t locate = pick_locate(market, random >> 60);
    struct synth_symbol *symbol = &market->store.symbols[locate];
    drift(symbol, (uint32_t)(random >> 25));
    uint64_t further = synth_random(&market->prng);
    uint8_t side = random >> 32 & 1;
    struct place place = place_order(market, symbol, side, random);
    uint32_t qty = synth_pick_shares(&market->tables, (uint32_t)further);
    uint64_t reference = next_reference(market, (uint32_t)(further >> 24));
    bool attributed = (further >> 32 & 31) == 0;
    synth_write_add(&market->writer, locate, symbol->name, reference, side_code(side), qty, place.px,
                    attributed ? synth_attributions[further >> 40 & (SYNTH_ATTRIBUTIONS - 1)] : NULL);
    uint32_t index = synth_store_add(&market->store, locate, side, place.slot, place.px, qty, reference);
    synth_lifetimes_enter(&market->lifetimes, index, reference);
}

static void delete_order(struct synth_market *market, uint32_t index) {
    const struct synth_order *order = &market->store.orders[index];
    synth_write_delete(&market->writer, order->locate, order->reference);
    synth_store_remove(&market->store, index);
}

/* What is left to do when something else cannot be done. */
static void add_or_delete(struct synth_market *market, bool add, uint32_t index) {
    bool full = market->store.live + 1 >= market->store.capacity;
    if (!index || (add && !full))
        add_order(market);
    else
        delete_order(market, index);
}

/* The replacement keeps side and symbol, mostly its size, and goes to the end of a queue. */
static void replace_order(struct synth_market *market, uint32_t index) {
    struct synth_order old = market->store.orders[index];
    struct synth_symbol *symbol = &market->store.symbols[old.locate];
    if (!takes_orders(symbol)) {
        delete_order(market, index);
        return;
    }
    uint64_t random = synth_random(&market->prng);
    synth_store_remove(&market->store, index);
    struct place place = place_order(market, symbol, old.side, random);
    uint32_t qty =
        random >> 32 & 3 ? old.qty : synth_pick_shares(&market->tables, (uint32_t)(random >> 34) & 0xffffff);
    uint64_t reference = next_reference(market, (uint32_t)(random >> 58));
    synth_write_replace(&market->writer, old.locate, old.reference, reference, qty, place.px);
    index = synth_store_add(&market->store, old.locate, old.side, place.slot, place.px, qty, reference);
    synth_lifetimes_enter(&market->lifetimes, index, reference);
}

/* Cancels a part: whole lots of an order of whole lots, and at least a share is left. */
static void cancel_part(struct synth_market *market, uint32_t index) {
    struct synth_order *order = &market->store.orders[index];
    if (order->qty < 2) {
        delete_order(market, index);
        return;
    }
    uint32_t lot = order->qty % 100 == 0 && order->qty > 100 ? 100 : 1;
    uint32_t qty = lot * (1 + synth_below(&market->prng, order->qty / lot - 1));
    synth_write_cancel(&market->writer, order->locate, order->reference, qty);
    order->qty -= qty;
}

static void take(struct synth_market *market, uint32_t index, uint32_t qty) {
    struct synth_order *order = &market->store.orders[index];
    if (qty == order->qty)
        synth_store_remove(&market->store, index);
    else
        order->qty -= qty;
}

/* Trades pull the best prices towards the mid: a side that the mid has run through is traded first. */
static uint32_t front_to_trade(const struct synth_market *market, uint16_t locate, uint64_t random) {
    const struct synth_symbol *symbol = &market->store.symbols[locate];
    uint8_t side = random & 1;
    if (symbol->ask <= symbol->mid)
        side = SYNTH_SELL;
    else if (symbol->bid > symbol->mid)
        side = SYNTH_BUY;
    uint32_t front = synth_store_front(&market->store, locate, side);
    return front ? front : synth_store_front(&market->store, locate, !side);
}

/* An incoming order trades with the front of the queue, and with the next ones while anything is left of it;
 * one in four goes on at the next price. */
static void execute(struct synth_market *market, uint32_t index) {
    uint64_t random = synth_random(&market->prng);
    uint16_t locate = market->store.orders[index].locate;
    uint32_t front = market->store.symbols[locate].state == 'T' ? front_to_trade(market, locate, random) : 0;
    if (!front) {
        add_or_delete(market, true, index);
        return;
    }
    uint32_t left = synth_pick_shares(&market->tables, (uint32_t)(random >> 8));
    uint8_t side = market->store.orders[front].side;
    uint64_t room = synth_left(market);
    for (uint64_t n = 0; left && front && n < SWEEP_MESSAGES && n < room; n++) {
        const struct synth_order *order = &market->store.orders[front];
        uint32_t px = order->px, qty = left < order->qty ? left : order->qty;
        synth_write_executed(&market->writer, locate, order->reference, qty, synth_next_match(market));
        synth_remember_match(market, locate);
        market->execute_credit -= 65536;
        take(market, front, qty);
        left -= qty;
        front = synth_store_front(&market->store, locate, side);
        if (front && market->store.orders[front].px != px && random >> 40 & 3)
            break;
    }
}

/* Traded a tick better than displayed, where the spread has room for it. */
static void execute_at_price(struct synth_market *market, uint32_t index) {
    uint64_t random = synth_random(&market->prng);
    uint16_t locate = market->store.orders[index].locate;
    const struct synth_symbol *symbol = &market->store.symbols[locate];
    uint32_t front = symbol->state == 'T' ? front_to_trade(market, locate, random) : 0;
    if (!front) {
        add_or_delete(market, true, index);
        return;
    }
    const struct synth_order *order = &market->store.orders[front];
    uint32_t qty = synth_pick_shares(&market->tables, (uint32_t)(random >> 8)), px = order->px;
    qty = qty < order->qty ? qty : order->qty;
    if (symbol->ask - symbol->bid > 1)
        px += order->side == SYNTH_BUY ? symbol->tick_px : -symbol->tick_px;
    bool printable = random >> 32 & 7;
    synth_write_executed_at(&market->writer, locate, order->reference, qty, synth_next_match(market),
                            printable ? 'Y' : 'N', px);
    if (printable)
        synth_remember_match(market, locate);
    take(market, front, qty);
}

/* Hidden interest trades at the bid, at the offer or half-way. */
static void trade_hidden(struct synth_market *market, uint32_t index) {
    uint64_t random = synth_random(&market->prng);
    uint16_t locate = market->store.orders[index].locate;
    const struct synth_symbol *symbol = &market->store.symbols[locate];
    if (symbol->state != 'T' || !synth_has_both_sides(symbol)) {
        add_or_delete(market, true, index);
        return;
    }
    uint32_t bid_px = synth_slot_px(symbol, symbol->bid), ask_px = synth_slot_px(symbol, symbol->ask);
    uint32_t kind = random & 3;
    uint32_t px = kind == 0 ? bid_px : kind == 1 ? ask_px : (bid_px + ask_px) / 2;
    synth_write_hidden_trade(&market->writer, locate, symbol->name, random & 4 ? 'B' : 'S',
                             synth_pick_shares(&market->tables, (uint32_t)(random >> 8)), px,
                             synth_next_match(market));
    synth_remember_match(market, locate);
}

/* More adds than deletes while the market fills, an even balance at the bound: proportional control, with
 * adds between 46 % and 62 % of both. */
void synth_flow_balance(struct synth_market *market) {
    int64_t live = market->store.live, target = market->day.live_orders;
    int64_t share = 30147 + (target - live) * 128 * 655 / target;
    market->add_threshold = (uint32_t)(share > 40632 ? 40632 : share);
}

void synth_flow(struct synth_market *market) {
    const struct synth_mix *mix = &market->day.mix;
    uint64_t random = synth_random(&market->prng);
    uint32_t what = random & 0xffff;
    uint32_t index = synth_pick_order(&market->lifetimes, &market->store, &market->prng);
    bool add = (random >> 16 & 0xffff) < market->add_threshold;
    market->execute_credit += mix->execute_credit;
    if (!index || what >= mix->hidden)
        add_or_delete(market, add, index);
    else if (what < mix->replace)
        replace_order(market, index);
    else if (what < mix->execute && market->execute_credit > 0)
        execute(market, index);
    else if (what < mix->execute)
        add_or_delete(market, add, index);
    else if (what < mix->cancel)
        cancel_part(market, index);
    else if (what < mix->priced)
        execute_at_price(market, index);
    else
        trade_hidden(market, index);
}

static uint32_t next_to_purge(struct synth_market *market) {
    do
        market->purge_at = market->purge_at + 1 < market->store.used ? market->purge_at + 1 : 1;
    while (market->store.orders[market->purge_at].reference == 0);
    return market->purge_at;
}

/* An add takes a message and asks for another; with one to spare, what is written moves no order. */
void synth_flow_to_empty(struct synth_market *market) {
    uint64_t left = synth_left(market), live = market->store.live;
    if (live == 0 ? left >= 2 : left > live + 1)
        synth_flow(market);
    else if (left > live)
        synth_write_retail(&market->writer, market->by_rank[0],
                           market->store.symbols[market->by_rank[0]].name, 'N');
    else
        delete_order(market, next_to_purge(market));
}
