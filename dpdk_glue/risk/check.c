#include "risk/lines.h"
#include "risk/risk.h"

#define INLINE static inline __attribute__((always_inline))

/* What an order does to its side: shares that it holds when all that is open has filled, and what of its open
 * orders counts as exposure, before and after. */
struct sums {
    uint64_t notional;
    uint64_t open_qty; /* with this order, and what it replaces counted once */
    uint64_t reserved_qty;
    int64_t before;
    int64_t after;
    uint64_t counted_before;
    uint64_t counted_after;
};

INLINE uint64_t larger(uint64_t left, uint64_t right) {
    return left > right ? left : right;
}

INLINE uint64_t smaller(uint64_t left, uint64_t right) {
    return left < right ? left : right;
}

/* `value`, or all bits of it if the condition holds, or none unless it does. */
INLINE uint64_t most_if(bool condition, uint64_t value) {
    return value | -(uint64_t)condition;
}

INLINE uint64_t only_if(bool condition, uint64_t value) {
    return value & -(uint64_t)condition;
}

INLINE uint64_t either(unsigned side, uint64_t bid, uint64_t ask) {
    return bid ^ ((bid ^ ask) & -(uint64_t)side);
}

INLINE bool is_replace(const struct risk_ask *ask) {
    return ask->action == SIGNAL_REPLACE;
}

INLINE struct sums sums_of(const struct risk_line *line, const struct risk_ask *ask, unsigned side) {
    const struct risk_side *own = &line->side[side];
    uint64_t replaced_qty = only_if(is_replace(ask), ask->replaces_qty);
    uint64_t replaced_notional = replaced_qty * ask->replaces_px;
    int64_t held = risk_turned(line->position, side);
    struct sums sums;
    sums.notional = (uint64_t)ask->px * ask->qty;
    sums.open_qty = own->open_qty - smaller(own->open_qty, replaced_qty) + larger(replaced_qty, ask->qty);
    sums.reserved_qty = (uint64_t)own->open_qty + ask->qty;
    sums.before = held + own->open_qty;
    sums.after = held + (int64_t)sums.open_qty;
    /* Wraps only where more would be reserved than can be kept: that is refused before. */
    uint64_t open_notional = own->open_notional - smaller(own->open_notional, replaced_notional) +
                             larger(replaced_notional, sums.notional);
    sums.counted_before = risk_counted(sums.before, own->open_notional);
    sums.counted_after = risk_counted(sums.after, open_notional);
    return sums;
}

/* For a buy the lower of two prices of which 0 is none: one less, and none is the highest. */
INLINE uint64_t reference_px(const struct risk_ask *ask, unsigned side) {
    uint32_t buy = (uint32_t)smaller(ask->ask_px - 1, ask->last_px - 1) + 1;
    uint64_t sell = larger(ask->bid_px, ask->last_px);
    uint64_t near = either(side, buy, sell);
    uint64_t far = either(side, ask->bid_px, ask->ask_px);
    return near | only_if(!near, far);
}

enum { WHOLE_BPS = 10000 };

/* The last price that the collar allows, times WHOLE_BPS. */
INLINE uint64_t collar_px(const struct risk_line *line, uint64_t reference, unsigned side) {
    uint64_t bps = either(side, line->collar_bps, smaller(line->collar_bps, WHOLE_BPS));
    return reference * (uint64_t)(WHOLE_BPS + risk_turned((int64_t)bps, side));
}

/* How far a price goes beyond another, as its side sees it. */
INLINE int64_t beyond(uint64_t px, uint64_t other_px, unsigned side) {
    return risk_turned((int64_t)(px - other_px), side);
}

INLINE uint64_t age_cycles(const struct risk_side *own, const struct risk_ask *ask) {
    return larger(ask->rx_cycles, own->last_cycles) - own->last_cycles;
}

/* How far a bucket is from full. */
INLINE uint64_t ahead_cycles(uint64_t earned_cycles, const struct risk_ask *ask) {
    return larger(earned_cycles, ask->rx_cycles) - ask->rx_cycles;
}

INLINE bool is_empty(uint64_t ahead, uint32_t message_cycles, uint32_t burst) {
    return !burst | (ahead > (uint64_t)message_cycles * (burst - 1));
}

/* The largest number where it is more. */
INLINE uint64_t gross_after(const struct risk_account *account, const struct sums *sums) {
    uint64_t gross;
    bool is_more = __builtin_add_overflow(account->gross, sums->counted_after - sums->counted_before, &gross);
    return most_if(is_more | (account->gross_high != 0), gross);
}

/* The checks that fail, as bits by reason; or, if only whether is asked, any number but 0, which spares the
 * shifts. Every comparison is made, and with `&`, not `&&`: there is nothing in what a strategy wants that a
 * processor could predict, and a wrong guess costs as much as half of them. In the order in which they need
 * the fewest registers. */
INLINE uint32_t failed_checks(const struct risk_account *account, const struct risk_line *line,
                              const struct risk_ask *ask, const struct sums *sums, uint32_t gate,
                              const bool by_reason) {
    unsigned side = ask->side & 1;
    const struct risk_side *own = &line->side[side];
    uint32_t failed = 0;
#define FAILS(reason, condition) failed |= (uint32_t)(condition) << (by_reason ? (reason) : 0)
    bool adds = sums->counted_after > sums->counted_before;
    FAILS(RISK_GROSS, adds & (gross_after(account, sums) > account->gross_limit));
    bool is_long = (sums->after > sums->before) & (sums->after > (int64_t)line->side_limit[side]);
    FAILS(RISK_LONG + side, is_long | (sums->reserved_qty > UINT32_MAX));
    bool is_restricted = (ask->flags & BOOK_SHORT_SALE_RESTRICTED) != 0;
    FAILS(RISK_SHORT_SALE, is_restricted & side & (sums->after > 0) & (ask->px <= ask->bid_px));
    FAILS(RISK_REDUCE_ONLY, (gate == GATE_REDUCE_ONLY) & (sums->after > 0));
    FAILS(RISK_KILLED, gate >= GATE_KILLED);

    FAILS(RISK_NOTIONAL, sums->notional > line->notional_limit);
    FAILS(RISK_QUANTITY, ask->qty > line->qty_limit);
    FAILS(RISK_NO_QUANTITY, !ask->qty);
    FAILS(RISK_DUPLICATE, (own->last_px == ask->px) & (own->last_qty == ask->qty) &
                              (age_cycles(own, ask) < line->duplicate_cycles));

    uint64_t reference = reference_px(ask, side);
    uint64_t collar = collar_px(line, reference, side);
    bool has_collar = line->collar_bps != RISK_NO_COLLAR;
    bool is_outside = beyond((uint64_t)ask->px * WHOLE_BPS, collar, side) > 0;
    FAILS(RISK_COLLAR, has_collar & is_outside);
    FAILS(RISK_NO_REFERENCE, has_collar & !reference);
    FAILS(RISK_NO_PRICE, !ask->px);
    uint32_t other_px = line->side[side ^ 1].own_px;
    FAILS(RISK_SELF_TRADE, (other_px != 0) & (beyond(ask->px, other_px, side) >= 0));

    FAILS(RISK_RATE,
          is_empty(ahead_cycles(account->earned_cycles, ask), account->message_cycles, account->burst));
    FAILS(RISK_SYMBOL_RATE,
          is_empty(ahead_cycles(line->earned_cycles, ask), line->message_cycles, line->burst));
    FAILS(RISK_OPEN_ORDERS,
          account->open_orders >= (uint32_t)most_if(is_replace(ask), account->open_orders_limit));
    FAILS(RISK_SYMBOL_OPEN_ORDERS,
          line->open_orders >= (uint16_t)most_if(is_replace(ask), line->open_orders_limit));

    FAILS(RISK_UNTRUSTED, (ask->flags & BOOK_UNTRUSTED) != 0);
    FAILS(RISK_STALE, (ask->flags & BOOK_STALE) != 0);
    FAILS(RISK_HALTED, (ask->flags & BOOK_HALTED) != 0);
    FAILS(RISK_NOT_PERMITTED, !line->permitted);
    FAILS(RISK_NO_SIDE, ask->side > SIDE_ASK);
#undef FAILS
    return failed;
}

struct compared {
    uint64_t value;
    uint64_t limit;
};

/* Cycles used, this message included, and those that may be. */
static struct compared compared_cycles(uint64_t ahead_cycles, uint32_t message_cycles, uint32_t burst) {
    uint64_t used = ahead_cycles + message_cycles;
    return (struct compared){used < ahead_cycles ? UINT64_MAX : used, (uint64_t)message_cycles * burst};
}

static struct compared compared_for(const struct risk_account *account, const struct risk_line *line,
                                    const struct risk_ask *ask, const struct sums *sums, uint32_t gate,
                                    enum risk_reason reason) {
    unsigned side = ask->side & 1;
    uint64_t collar = collar_px(line, reference_px(ask, side), side);
    int64_t held = risk_turned(line->position, side);
    switch (reason) {
    case RISK_KILLED:
        return (struct compared){gate, GATE_OPEN};
    case RISK_REDUCE_ONLY:
        return (struct compared){sums->open_qty, held < 0 ? (uint64_t)-held : 0};
    case RISK_UNTRUSTED:
        return (struct compared){BOOK_UNTRUSTED, 0};
    case RISK_STALE:
        return (struct compared){BOOK_STALE, 0};
    case RISK_NOT_PERMITTED:
        return (struct compared){ask->instrument, account->instruments};
    case RISK_NO_SIDE:
        return (struct compared){ask->side, SIDE_ASK};
    case RISK_HALTED:
        return (struct compared){BOOK_HALTED, 0};
    case RISK_SHORT_SALE:
        return (struct compared){ask->px, ask->bid_px};
    case RISK_NO_QUANTITY:
    case RISK_NO_PRICE:
        return (struct compared){0, 1};
    case RISK_QUANTITY:
        return (struct compared){ask->qty, line->qty_limit};
    case RISK_NOTIONAL:
        return (struct compared){sums->notional, line->notional_limit};
    case RISK_NO_REFERENCE:
        return (struct compared){ask->px, 0};
    case RISK_COLLAR: /* rounded towards the reference */
        return (struct compared){ask->px, (collar + only_if(side, WHOLE_BPS - 1)) / WHOLE_BPS};
    case RISK_DUPLICATE:
        return (struct compared){age_cycles(&line->side[side], ask), line->duplicate_cycles};
    case RISK_RATE:
        return compared_cycles(ahead_cycles(account->earned_cycles, ask), account->message_cycles,
                               account->burst);
    case RISK_SYMBOL_RATE:
        return compared_cycles(ahead_cycles(line->earned_cycles, ask), line->message_cycles, line->burst);
    case RISK_OPEN_ORDERS:
        return (struct compared){account->open_orders + UINT64_C(1),
                                 (uint32_t)most_if(is_replace(ask), account->open_orders_limit)};
    case RISK_SYMBOL_OPEN_ORDERS:
        return (struct compared){line->open_orders + UINT64_C(1),
                                 (uint16_t)most_if(is_replace(ask), line->open_orders_limit)};
    case RISK_LONG:
    case RISK_SHORT:
        if (sums->after > sums->before && sums->after > (int64_t)line->side_limit[side])
            return (struct compared){(uint64_t)sums->after, line->side_limit[side]};
        return (struct compared){sums->reserved_qty, UINT32_MAX};
    case RISK_GROSS:
        return (struct compared){gross_after(account, sums), account->gross_limit};
    case RISK_SELF_TRADE:
        return (struct compared){ask->px, line->side[side ^ 1].own_px};
    default:
        return (struct compared){0, 0};
    }
}

/* Apart from the check, and all over again: what it needs would else be kept by every order that passes. */
static __attribute__((noinline, cold)) enum risk_verdict refuse(struct risk *risk,
                                                                const struct risk_line *line,
                                                                const struct risk_ask *ask, uint32_t gate,
                                                                struct risk_reject *reject) {
    struct sums sums = sums_of(line, ask, ask->side & 1);
    uint32_t failed = failed_checks(&risk->account, line, ask, &sums, gate, true);
    enum risk_reason reason = (enum risk_reason)__builtin_ctz(failed);
    struct compared compared = compared_for(&risk->account, line, ask, &sums, gate, reason);
    risk->rejected[reason]++;
    *reject = (struct risk_reject){
        .number = ask->number,
        .rx_cycles = ask->rx_cycles,
        .value = compared.value,
        .limit = compared.limit,
        .px = ask->px,
        .qty = ask->qty,
        .instrument = ask->instrument,
        .reason = reason,
        .side = ask->side,
        .action = ask->action,
    };
    return RISK_REJECT;
}

/* When a bucket is full after one more message; 0 where messages cost nothing. */
INLINE uint64_t earned_after(uint64_t earned_cycles, uint64_t now_cycles, uint32_t message_cycles) {
    uint64_t from = larger(earned_cycles, now_cycles);
    uint64_t earned = from + message_cycles;
    return only_if(message_cycles, most_if(earned < from, earned));
}

void risk_expect(const struct risk *risk, uint32_t instrument) {
    const struct risk_line *line = &risk->line[smaller(instrument, risk->account.instruments)];
    __builtin_prefetch(line, 1);
    __builtin_prefetch(line->side, 1);
}

enum risk_verdict risk_check(struct risk *risk, const struct risk_ask *ask, struct risk_reject *reject) {
    struct risk_account *account = &risk->account;
    struct risk_line *line = &risk->line[smaller(ask->instrument, account->instruments)];
    /* Relaxed: nothing else that is read here hangs on it. */
    uint32_t gate = (uint32_t)larger(account->gate, __atomic_load_n(account->kill, __ATOMIC_RELAXED));
    unsigned side = ask->side & 1;
    struct sums sums = sums_of(line, ask, side);
    if (__builtin_expect(failed_checks(account, line, ask, &sums, gate, false), 0))
        return refuse(risk, line, ask, gate, reject);
    struct risk_side *own = &line->side[side];
    uint64_t open_notional = own->open_notional + sums.notional;
    uint64_t counted = risk_counted(sums.before + ask->qty, open_notional) - sums.counted_before;
    account->gross_high += __builtin_add_overflow(account->gross, counted, &account->gross);
    account->earned_cycles = earned_after(account->earned_cycles, ask->rx_cycles, account->message_cycles);
    account->open_orders++;
    line->earned_cycles = earned_after(line->earned_cycles, ask->rx_cycles, line->message_cycles);
    line->open_orders++;
    *own = (struct risk_side){
        .last_cycles = ask->rx_cycles,
        .last_px = ask->px,
        .last_qty = ask->qty,
        .open_notional = open_notional,
        .open_qty = (uint32_t)sums.reserved_qty,
        .own_px = own->own_px,
    };
    return RISK_PASS;
}
