#include "synth/market.h"

/* What happens at a set time: imbalances and crosses, halts and their end, new listings, rarities. */

enum {
    CROSS_ORDERS = 4 /* displayed orders that take part in a cross, at most */
};

static void write_imbalance(struct synth_market *market, uint16_t locate, uint8_t cross) {
    const struct synth_symbol *symbol = &market->store.symbols[locate];
    uint64_t random = synth_random(&market->prng);
    uint32_t reference_px = synth_slot_px(symbol, symbol->mid);
    struct synth_imbalance imbalance = {
        .paired_qty = 100 * (random & 4095),
        .imbalance_qty = 100 * (random >> 12 & 255),
        .far_px = reference_px + symbol->tick_px * (uint32_t)(random >> 20 & 7),
        .near_px = reference_px + symbol->tick_px * (uint32_t)(random >> 23 & 3),
        .reference_px = reference_px,
        .direction = random >> 25 & 1 ? 'B' : 'S',
        .cross = cross,
        .variation = random >> 26 & 3 ? 'L' : '1',
    };
    if (imbalance.paired_qty == 0)
        imbalance.direction = 'O';
    else if (imbalance.imbalance_qty == 0)
        imbalance.direction = 'N';
    synth_write_imbalance(&market->writer, locate, symbol->name, &imbalance);
}

/* The cross takes place at the best price of one side: displayed orders at the front of that queue are
 * executed whole (not printed), the rest of the volume was never displayed, and the cross itself is the
 * print. */
static void write_cross(struct synth_market *market, uint16_t locate, uint8_t type) {
    const struct synth_symbol *symbol = &market->store.symbols[locate];
    struct synth_store *store = &market->store;
    uint64_t random = synth_random(&market->prng), qty = 0;
    uint8_t side = random & 1;
    uint32_t front = synth_store_front(store, locate, side);
    if (!front) {
        side = !side;
        front = synth_store_front(store, locate, side);
    }
    uint32_t px = front ? store->orders[front].px : 0;
    for (int n = 0; n < CROSS_ORDERS && front && store->orders[front].px == px; n++) {
        const struct synth_order *order = &store->orders[front];
        synth_write_executed_at(&market->writer, locate, order->reference, order->qty,
                                synth_next_match(market), 'N', px);
        qty += order->qty;
        synth_store_remove(store, front);
        front = synth_store_front(store, locate, side);
    }
    if (px)
        qty += 100 * (random >> 8 & 1023);
    synth_write_cross(&market->writer, locate, symbol->name, qty, px, synth_next_match(market), type);
}

static void set_state(struct synth_market *market, uint16_t locate, uint8_t state, const char reason[4]) {
    struct synth_symbol *symbol = &market->store.symbols[locate];
    symbol->state = state;
    synth_write_trading_action(&market->writer, locate, symbol->name, state, reason);
}

/* Five percent about the last fair price, in whole ticks. */
static void write_collar(struct synth_market *market, uint16_t locate) {
    const struct synth_symbol *symbol = &market->store.symbols[locate];
    uint32_t reference_px = synth_slot_px(symbol, symbol->mid);
    uint32_t width_px = reference_px / 20 / symbol->tick_px * symbol->tick_px;
    synth_write_collar(&market->writer, locate, symbol->name, reference_px, reference_px + width_px,
                       reference_px - width_px);
}

static void break_trade(struct synth_market *market) {
    uint32_t at = synth_below(&market->prng, SYNTH_MATCHES);
    for (int i = 0; i < SYNTH_MATCHES; i++, at = (at + 1) % SYNTH_MATCHES)
        if (market->recent_match[at]) {
            synth_write_broken(&market->writer, market->recent_match_locate[at], market->recent_match[at]);
            market->recent_match[at] = 0;
            return;
        }
}

static void write_direct_listing(struct synth_market *market, uint16_t locate) {
    const struct synth_symbol *symbol = &market->store.symbols[locate];
    synth_write_direct_listing(&market->writer, locate, symbol->name, synth_slot_px(symbol, symbol->mid),
                               SYNTH_IPO_RELEASE_NS);
}

void synth_play(struct synth_market *market, const struct synth_event *event) {
    struct synth_writer *writer = &market->writer;
    uint16_t locate = event->locate;
    const struct synth_symbol *symbol = &market->store.symbols[locate];
    if (synth_left(market) < SYNTH_STEP_MESSAGES)
        return;
    switch ((enum synth_event_kind)event->kind) {
    case SYNTH_EVENT_IMBALANCE_OPEN:
        write_imbalance(market, locate, 'O');
        break;
    case SYNTH_EVENT_IMBALANCE_CLOSE:
        write_imbalance(market, locate, 'C');
        break;
    case SYNTH_EVENT_IMBALANCE_HALT:
        write_imbalance(market, locate, 'H');
        break;
    case SYNTH_EVENT_CROSS_OPEN:
        if (symbol->state == 'T')
            write_cross(market, locate, 'O');
        break;
    case SYNTH_EVENT_CROSS_CLOSE:
        if (symbol->state == 'T')
            write_cross(market, locate, 'C');
        break;
    case SYNTH_EVENT_NEWS_HALT:
        set_state(market, locate, 'H', "T1  ");
        break;
    case SYNTH_EVENT_NEWS_QUOTE:
        set_state(market, locate, 'Q', "T3  ");
        break;
    case SYNTH_EVENT_LULD_PAUSE:
        set_state(market, locate, 'P', "LUDP");
        break;
    case SYNTH_EVENT_LULD_QUOTE:
        write_collar(market, locate);
        set_state(market, locate, 'Q', "LUDP");
        break;
    case SYNTH_EVENT_IPO_UPDATE:
        synth_write_ipo_update(writer, locate, symbol->name,
                               (uint32_t)(SYNTH_IPO_RELEASE_NS / SYNTH_SECOND_NS),
                               synth_slot_px(symbol, symbol->mid));
        break;
    case SYNTH_EVENT_DIRECT_LISTING:
        write_direct_listing(market, locate);
        break;
    case SYNTH_EVENT_IPO_QUOTE:
        set_state(market, locate, 'Q', "IPOQ");
        break;
    case SYNTH_EVENT_RESUME:
        write_cross(market, locate, 'H');
        set_state(market, locate, 'T', "    ");
        break;
    case SYNTH_EVENT_REG_SHO:
        synth_write_reg_sho(writer, locate, symbol->name, '1');
        break;
    case SYNTH_EVENT_BROKEN_TRADE:
        break_trade(market);
        break;
    case SYNTH_EVENT_RETAIL:
        synth_write_retail(writer, locate, symbol->name, "BSAN"[synth_random(&market->prng) & 3]);
        break;
    case SYNTH_EVENT_OPERATIONAL_HALT: /* of another market: trading here goes on */
        synth_write_operational_halt(writer, locate, symbol->name, 'B', 'H');
        break;
    case SYNTH_EVENT_OPERATIONAL_RESUME:
        synth_write_operational_halt(writer, locate, symbol->name, 'B', 'T');
        break;
    case SYNTH_EVENT_MWCB_STATUS:
        synth_write_mwcb_status(writer, '1');
        break;
    }
}
