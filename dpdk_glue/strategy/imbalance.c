/* Top-of-book imbalance: when one side of the best level outweighs the other, take what the light side shows,
 * at once or not at all, a few shares at a time, and lean the other way later.
 *
 * Buys at the offer when the bid holds more than `percent` of the shares of both sides, sells at the bid when
 * the offer does; each at most once until the side changes or the price moves, and never on a spread wider
 * than `spread_px`. With `rests` it joins the heavy side with a resting order instead, moves that along with
 * the best price, and takes it away when the weight is gone.
 */
#include "strategy/strategy.h"

enum { TAG_BUY = 0, TAG_SELL = 1 };

struct state {
    int32_t side;       /* what was done last: 1 bought, -1 sold, 0 nothing */
    int32_t px;         /* at */
    int32_t resting[2]; /* the price of the order at rest on each side; 0 = none, for all it knows */
};

struct params {
    int32_t percent;
    int32_t qty;
    int32_t spread_px;
    int32_t rests;
};

STRATEGY_EXPORT const struct strategy_field strategy_state[] = {
    STRATEGY_FIELD(state, side, 0, 0, 0),
    STRATEGY_FIELD(state, px, 0, 0, 0),
    STRATEGY_FIELD(state, resting, 0, 0, 0),
};

STRATEGY_EXPORT const struct strategy_field strategy_params[] = {
    STRATEGY_FIELD(params, percent, 50, 100, 80),
    STRATEGY_FIELD(params, qty, 1, 999999, 100),
    STRATEGY_FIELD(params, spread_px, 0, 2000000000, 200),
    STRATEGY_FIELD(params, rests, 0, 1, 0),
};

STRATEGY("imbalance", state, params, .depth = 1);

/* 1 = the bid outweighs, -1 = the offer does, 0 = neither, or there is no telling. */
static int32_t lean(const struct book_view *book, const struct params *params) {
    const uint16_t unfit = BOOK_STALE | BOOK_UNTRUSTED | BOOK_HALTED | BOOK_CROSSED | BOOK_LOCKED;
    if (book->flags & unfit || !book->bid_levels || !book->ask_levels ||
        book->ask[0].px - book->bid[0].px > (uint32_t)params->spread_px)
        return 0;
    uint64_t bid = book->bid[0].qty;
    uint64_t both = bid + book->ask[0].qty;
    uint64_t percent = (uint64_t)params->percent;
    if (bid * 100 > both * percent)
        return 1;
    return (both - bid) * 100 > both * percent ? -1 : 0;
}

static void take(const struct book_view *book, int32_t side, struct state *state, const struct params *params,
                 struct signals *out) {
    uint32_t px = side > 0 ? book->ask[0].px : book->bid[0].px;
    if (side == state->side && (int32_t)px == state->px)
        return;
    state->side = side;
    state->px = (int32_t)px;
    strategy_signal(out, &(struct signal){.action = SIGNAL_ENTER,
                                          .tag = side > 0 ? TAG_BUY : TAG_SELL,
                                          .side = side > 0 ? SIDE_BID : SIDE_ASK,
                                          .tif = TIF_IOC,
                                          .px = px,
                                          .qty = (uint32_t)params->qty});
}

/* Brings the order of one side to a price; 0 = away with it. */
static void rest(uint16_t tag, uint32_t px, struct state *state, const struct params *params,
                 struct signals *out) {
    int32_t *resting = &state->resting[tag];
    if (*resting == (int32_t)px)
        return;
    uint16_t action = !px ? SIGNAL_CANCEL : *resting ? SIGNAL_REPLACE : SIGNAL_ENTER;
    *resting = (int32_t)px;
    strategy_signal(out, &(struct signal){.action = action,
                                          .tag = tag,
                                          .side = tag == TAG_BUY ? SIDE_BID : SIDE_ASK,
                                          .tif = TIF_DAY,
                                          .px = px,
                                          .qty = px ? (uint32_t)params->qty : 0});
}

STRATEGY_EXPORT int32_t on_book(const struct book_view *book, void *own_state, const void *own_params,
                                struct signals *out) {
    struct state *state = own_state;
    const struct params *params = own_params;
    int32_t side = lean(book, params);
    if (params->rests) {
        rest(TAG_BUY, side > 0 ? book->bid[0].px : 0, state, params, out);
        rest(TAG_SELL, side < 0 ? book->ask[0].px : 0, state, params, out);
    } else if (side) {
        take(book, side, state, params, out);
    }
    return 0;
}
