#include "memory/lines.h"
#include "risk/lines.h"
#include "risk/risk.h"

/* What the comparisons of one order stand on. `after` and `before` are the shares that a side holds when all
 * that is open on it has filled, with and without this order; the same of both notionals. */
struct sums {
    uint64_t notional;
    uint64_t open_qty; /* of the side, with this order, and what it replaces counted once */
    uint64_t reserved_qty;
    int64_t before;
    int64_t after;
    risk_wide gross;
    uint64_t reference_px;
    uint64_t age_cycles;
    uint64_t used_cycles;
    uint64_t symbol_used_cycles;
};

static inline uint64_t larger(uint64_t left, uint64_t right) {
    return left > right ? left : right;
}

static inline uint64_t smaller(uint64_t left, uint64_t right) {
    return left < right ? left : right;
}

/* The lower price of two of which 0 is none: one less, and none is the highest. */
static inline uint32_t lower_px(uint32_t left, uint32_t right) {
    return (uint32_t)smaller(left - 1, right - 1) + 1;
}

static inline uint64_t reference_px(const struct risk_ask *ask) {
    uint32_t buy = lower_px(ask->ask_px, ask->last_px);
    uint64_t sell = larger(ask->bid_px, ask->last_px);
    buy = buy ? buy : ask->bid_px;
    sell = sell ? sell : ask->ask_px;
    return ask->side == SIDE_BID ? buy : sell;
}

/* Cycles that a bucket has used by `now`, with one more message. */
static inline uint64_t used_cycles(uint64_t earned_cycles, uint64_t now_cycles, uint32_t message_cycles) {
    uint64_t ahead = earned_cycles > now_cycles ? earned_cycles - now_cycles : 0;
    uint64_t used = ahead + message_cycles;
    return used < ahead ? UINT64_MAX : used;
}

static inline uint64_t burst_cycles(uint32_t message_cycles, uint32_t burst) {
    return burst == UINT32_MAX ? UINT64_MAX : (uint64_t)message_cycles * burst;
}

static inline uint64_t earned_after(uint64_t earned_cycles, uint64_t now_cycles, uint32_t message_cycles) {
    uint64_t from = larger(earned_cycles, now_cycles);
    uint64_t earned = from + message_cycles;
    return earned < from ? UINT64_MAX : earned;
}

static inline bool is_replace(const struct risk_ask *ask) {
    return ask->action == SIGNAL_REPLACE;
}

static inline struct sums sums_of(const struct risk_account *account, const struct risk_line *line,
                                  const struct risk_ask *ask) {
    unsigned side = ask->side & 1;
    uint64_t open_qty = line->open_qty[side];
    uint64_t open_notional = line->open_notional[side];
    uint64_t replaced_qty = is_replace(ask) ? ask->replaces_qty : 0;
    uint64_t replaced_notional = replaced_qty * ask->replaces_px;
    int64_t held = risk_ahead(line, side);
    const struct risk_last *last = &line->last[side];
    struct sums sums;
    sums.notional = (uint64_t)ask->px * ask->qty;
    sums.open_qty = open_qty - smaller(open_qty, replaced_qty) + larger(replaced_qty, ask->qty);
    sums.reserved_qty = open_qty + ask->qty;
    sums.before = held + (int64_t)open_qty;
    sums.after = held + (int64_t)sums.open_qty;
    risk_wide after_notional = (risk_wide)(open_notional - smaller(open_notional, replaced_notional)) +
                               larger(replaced_notional, sums.notional);
    sums.gross =
        account->gross - risk_counted(sums.before, open_notional) + risk_counted(sums.after, after_notional);
    sums.reference_px = reference_px(ask);
    sums.age_cycles = ask->rx_cycles > last->cycles ? ask->rx_cycles - last->cycles : 0;
    sums.used_cycles = used_cycles(account->earned_cycles, ask->rx_cycles, account->message_cycles);
    sums.symbol_used_cycles = used_cycles(line->earned_cycles, ask->rx_cycles, line->message_cycles);
    return sums;
}

enum { WHOLE_BPS = 10000 };

static inline bool is_outside_collar(const struct risk_line *line, const struct risk_ask *ask,
                                     uint64_t reference) {
    uint64_t px = (uint64_t)ask->px * WHOLE_BPS;
    uint64_t highest = reference * (WHOLE_BPS + (uint64_t)line->collar_bps);
    uint64_t lowest = reference * (WHOLE_BPS - smaller(line->collar_bps, WHOLE_BPS));
    return ask->side == SIDE_BID ? px > highest : px < lowest;
}

static inline bool meets_own(const struct risk_line *line, const struct risk_ask *ask) {
    uint32_t own_px = line->own_px[~ask->side & 1];
    bool reaches = ask->side == SIDE_BID ? ask->px >= own_px : ask->px <= own_px;
    return (own_px != 0) & reaches;
}

/* All checks that fail, each as the bit of its reason. Every one is taken, and with `&`, not `&&`: what a
 * strategy wants is nothing that a processor could predict. */
static inline uint32_t failed_checks(const struct risk_account *account, const struct risk_line *line,
                                     const struct risk_ask *ask, const struct sums *sums, uint32_t gate) {
    unsigned side = ask->side & 1;
    const struct risk_last *last = &line->last[side];
    bool has_collar = line->collar_bps != RISK_NO_COLLAR;
    bool is_repeated = (last->px == ask->px) & (last->qty == ask->qty);
    bool adds = sums->after > sums->before;
    bool is_too_large =
        (adds & (sums->after > (int64_t)line->side_limit[side])) | (sums->reserved_qty > UINT32_MAX);
    uint64_t open_limit = is_replace(ask) ? UINT32_MAX : account->open_orders_limit;
    uint64_t symbol_open_limit = is_replace(ask) ? UINT16_MAX : line->open_orders_limit;
    uint32_t failed = 0;
#define FAILS(reason, condition) failed |= (uint32_t)(condition) << (reason)
    FAILS(RISK_KILLED, gate >= GATE_KILLED);
    FAILS(RISK_REDUCE_ONLY, (gate == GATE_REDUCE_ONLY) & (sums->after > 0));
    FAILS(RISK_UNTRUSTED, (ask->flags & BOOK_UNTRUSTED) != 0);
    FAILS(RISK_STALE, (ask->flags & BOOK_STALE) != 0);
    FAILS(RISK_NOT_PERMITTED, !line->permitted);
    FAILS(RISK_NO_SIDE, ask->side > SIDE_ASK);
    FAILS(RISK_HALTED, (ask->flags & BOOK_HALTED) != 0);
    FAILS(RISK_SHORT_SALE, ((ask->flags & BOOK_SHORT_SALE_RESTRICTED) != 0) & (ask->side == SIDE_ASK) &
                               (sums->after > 0) & (ask->px <= ask->bid_px));
    FAILS(RISK_NO_QUANTITY, !ask->qty);
    FAILS(RISK_QUANTITY, ask->qty > line->qty_limit);
    FAILS(RISK_NOTIONAL, sums->notional > line->notional_limit);
    FAILS(RISK_NO_PRICE, !ask->px);
    FAILS(RISK_NO_REFERENCE, has_collar & !sums->reference_px);
    FAILS(RISK_COLLAR, has_collar & is_outside_collar(line, ask, sums->reference_px));
    FAILS(RISK_DUPLICATE, is_repeated & (sums->age_cycles < line->duplicate_cycles));
    FAILS(RISK_RATE, sums->used_cycles > burst_cycles(account->message_cycles, account->burst));
    FAILS(RISK_SYMBOL_RATE, sums->symbol_used_cycles > burst_cycles(line->message_cycles, line->burst));
    FAILS(RISK_OPEN_ORDERS, (uint64_t)account->open_orders + 1 > open_limit);
    FAILS(RISK_SYMBOL_OPEN_ORDERS, (uint64_t)line->open_orders + 1 > symbol_open_limit);
    FAILS(RISK_LONG + side, is_too_large);
    FAILS(RISK_GROSS, (sums->gross > account->gross) & (risk_narrow(sums->gross) > account->gross_limit));
    FAILS(RISK_SELF_TRADE, meets_own(line, ask));
#undef FAILS
    return failed;
}

/* The last price that the collar allows. */
static uint64_t collar_px(const struct risk_line *line, const struct risk_ask *ask, uint64_t reference) {
    uint64_t bps = line->collar_bps;
    if (ask->side == SIDE_BID)
        return reference * (WHOLE_BPS + bps) / WHOLE_BPS;
    return (reference * (WHOLE_BPS - smaller(bps, WHOLE_BPS)) + WHOLE_BPS - 1) / WHOLE_BPS;
}

struct compared {
    uint64_t value;
    uint64_t limit;
};

static struct compared compared_for(const struct risk_account *account, const struct risk_line *line,
                                    const struct risk_ask *ask, const struct sums *sums,
                                    enum risk_reason reason) {
    unsigned side = ask->side & 1;
    int64_t held = risk_ahead(line, side);
    switch (reason) {
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
    case RISK_COLLAR:
        return (struct compared){ask->px, collar_px(line, ask, sums->reference_px)};
    case RISK_DUPLICATE:
        return (struct compared){sums->age_cycles, line->duplicate_cycles};
    case RISK_RATE:
        return (struct compared){sums->used_cycles, burst_cycles(account->message_cycles, account->burst)};
    case RISK_SYMBOL_RATE:
        return (struct compared){sums->symbol_used_cycles, burst_cycles(line->message_cycles, line->burst)};
    case RISK_OPEN_ORDERS:
        return (struct compared){(uint64_t)account->open_orders + 1,
                                 is_replace(ask) ? UINT32_MAX : account->open_orders_limit};
    case RISK_SYMBOL_OPEN_ORDERS:
        return (struct compared){(uint64_t)line->open_orders + 1,
                                 is_replace(ask) ? UINT16_MAX : line->open_orders_limit};
    case RISK_LONG:
    case RISK_SHORT:
        if (sums->after > sums->before && sums->after > (int64_t)line->side_limit[side])
            return (struct compared){(uint64_t)sums->after, line->side_limit[side]};
        return (struct compared){sums->reserved_qty, UINT32_MAX};
    case RISK_GROSS:
        return (struct compared){risk_narrow(sums->gross), account->gross_limit};
    case RISK_SELF_TRADE:
        return (struct compared){ask->px, line->own_px[~side & 1]};
    default:
        return (struct compared){0, 0};
    }
}

/* Apart from the check: what it needs would else be kept by every order that passes. */
static __attribute__((noinline, cold)) enum risk_verdict
refuse(struct risk *risk, const struct risk_line *line, const struct risk_ask *ask, uint32_t gate,
       enum risk_reason reason, struct risk_reject *reject) {
    struct sums sums = sums_of(&risk->account, line, ask);
    struct compared compared = compared_for(&risk->account, line, ask, &sums, reason);
    if (reason == RISK_KILLED)
        compared = (struct compared){gate, GATE_OPEN};
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

void risk_expect(const struct risk *risk, uint32_t instrument) {
    const struct risk_line *line = &risk->line[smaller(instrument, risk->account.instruments)];
    lines_expect(&risk->account, sizeof risk->account);
    lines_expect(line, sizeof *line);
}

enum risk_verdict risk_check(struct risk *risk, const struct risk_ask *ask, struct risk_reject *reject) {
    struct risk_account *account = &risk->account;
    struct risk_line *line = &risk->line[smaller(ask->instrument, account->instruments)];
    unsigned side = ask->side & 1;
    /* Relaxed: nothing that is read here depends on it but the verdict. */
    uint32_t gate = (uint32_t)larger(account->gate, __atomic_load_n(account->kill, __ATOMIC_RELAXED));
    struct sums sums = sums_of(account, line, ask);
    uint32_t failed = failed_checks(account, line, ask, &sums, gate);
    if (__builtin_expect(failed != 0, 0))
        return refuse(risk, line, ask, gate, (enum risk_reason)__builtin_ctz(failed), reject);
    uint64_t open_notional = line->open_notional[side];
    int64_t reserved = sums.before + ask->qty;
    account->gross = account->gross - risk_counted(sums.before, open_notional) +
                     risk_counted(reserved, (risk_wide)open_notional + sums.notional);
    account->earned_cycles = earned_after(account->earned_cycles, ask->rx_cycles, account->message_cycles);
    account->open_orders++;
    line->earned_cycles = earned_after(line->earned_cycles, ask->rx_cycles, line->message_cycles);
    line->open_orders++;
    line->open_qty[side] += ask->qty;
    line->open_notional[side] = open_notional + sums.notional;
    line->last[side] = (struct risk_last){ask->rx_cycles, ask->px, ask->qty};
    return RISK_PASS;
}
