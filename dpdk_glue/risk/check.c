#include "risk/lines.h"

/* What makes an order suspect by itself. */
enum { SUSPECT_BOOK = BOOK_HALTED | BOOK_STALE | BOOK_UNTRUSTED | BOOK_SHORT_SALE_RESTRICTED };

/* What an order adds to its side. */
struct sums {
    uint64_t notional;
    int64_t after;    /* shares that the side holds when all that is open has filled */
    uint64_t counted; /* exposure */
    uint64_t reserved_qty;
    uint64_t reserved_notional;
    uint64_t reserved; /* exposure that is reserved */
};

static inline __attribute__((always_inline)) struct sums
sums_of(const struct risk_line *line, const struct risk_ask *ask, unsigned side, const bool replaces) {
    const struct risk_side *own = &line->side[side];
    int64_t before = risk_turned(line->position, side) + own->open_qty;
    uint64_t counted_before = risk_counted(before, own->open_notional);
    struct sums sums;
    sums.notional = (uint64_t)ask->px * ask->qty;
    sums.after = before + ask->qty;
    sums.reserved_qty = (uint64_t)own->open_qty + ask->qty;
    sums.reserved_notional = own->open_notional + sums.notional;
    sums.reserved = risk_counted(sums.after, sums.reserved_notional) - counted_before;
    sums.counted = sums.reserved;
    if (replaces) {
        uint64_t replaced_qty = ask->replaces_qty;
        uint64_t replaced_notional = replaced_qty * ask->replaces_px;
        uint64_t open_notional = own->open_notional - risk_smaller(own->open_notional, replaced_notional) +
                                 risk_either_notional(ask);
        sums.after = before - (int64_t)risk_smaller(own->open_qty, replaced_qty) +
                     (int64_t)risk_larger(replaced_qty, ask->qty);
        sums.counted = risk_counted(sums.after, open_notional) - counted_before;
    }
    return sums;
}

/* How far a price goes beyond another, as its side sees it. */
static inline int64_t beyond(uint64_t px, uint64_t other_px, unsigned side) {
    return risk_turned((int64_t)(px - other_px), side);
}

static inline uint64_t since(uint64_t then, uint64_t now) {
    return risk_larger(then, now) - then;
}

/* Both are not 0 unless their checks are sure to pass. Every comparison is made, and with `|`, not `||`:
 * there is nothing in what a strategy wants that a processor could predict, and a wrong guess costs as much
 * as half of them. */
static inline __attribute__((always_inline)) uint32_t suspicion(const struct risk_account *account,
                                                                const struct risk_line *line,
                                                                const struct risk_ask *ask, unsigned side) {
    const struct risk_side *own = &line->side[side];
    uint32_t suspect = account->closer | (ask->flags & SUSPECT_BOOK) | (ask->side & ~1U);
    suspect |= !ask->qty;
    suspect |= ask->qty > line->qty_limit;
    suspect |= !ask->px;
    uint32_t reference = risk_reference_px(ask, side);
    suspect |= !reference;
    suspect |= beyond((uint64_t)ask->px * RISK_WHOLE_BPS, (uint64_t)reference * line->collar[side], side) > 0;
    uint32_t other_px = line->side[side ^ 1].own_px;
    suspect |= (other_px != 0) & (beyond(ask->px, other_px, side) >= 0);
    /* Not as one comparison of both: they may just have been stored, one by one. */
    bool is_repeated = !((own->last_px ^ ask->px) | (own->last_qty ^ ask->qty));
    suspect |= is_repeated & (since(own->last_cycles, ask->rx_cycles) < line->duplicate_cycles);
    suspect |= since(ask->rx_cycles, account->earned_cycles) > account->slack_cycles;
    suspect |= since(ask->rx_cycles, line->earned_cycles) > line->slack_cycles;
    suspect |= account->open_orders >= account->open_orders_limit;
    suspect |= line->open_orders >= line->open_orders_limit;
    return suspect;
}

static inline __attribute__((always_inline)) uint32_t suspicion_of_sums(const struct risk_account *account,
                                                                        const struct risk_line *line,
                                                                        const struct sums *sums,
                                                                        unsigned side, const bool replaces) {
    uint64_t gross;
    uint32_t suspect = __builtin_add_overflow(account->gross, sums->counted, &gross);
    suspect |= gross > account->gross_limit;
    suspect |= sums->after > (int64_t)line->side_limit[side];
    suspect |= sums->notional > line->notional_limit;
    if (replaces) { /* what is reserved may be more than what was counted */
        suspect |= __builtin_add_overflow(account->gross, sums->reserved, &gross);
        suspect |= sums->reserved_qty > UINT32_MAX;
    }
    return suspect;
}

static inline __attribute__((always_inline)) enum risk_verdict
check(struct risk *risk, const struct risk_ask *ask, struct risk_reject *reject, const bool replaces) {
    struct risk_account *account = &risk->account;
    struct risk_line *line = &risk->line[risk_smaller(ask->instrument, account->instruments)];
    unsigned side = ask->side & 1;
    /* Relaxed: nothing else that is read here hangs on it. */
    uint32_t kill = __atomic_load_n(account->kill, __ATOMIC_RELAXED);
    uint32_t suspect = kill | suspicion(account, line, ask, side);
    struct sums sums = sums_of(line, ask, side, replaces);
    suspect |= suspicion_of_sums(account, line, &sums, side, replaces);
    if (__builtin_expect(suspect, 0))
        return risk_look_closer(risk, ask, kill, reject);
    struct risk_side *own = &line->side[side];
    account->gross += sums.reserved;
    account->earned_cycles =
        risk_earned_after(account->earned_cycles, ask->rx_cycles, account->message_cycles);
    account->open_orders++;
    line->earned_cycles = risk_earned_after(line->earned_cycles, ask->rx_cycles, line->message_cycles);
    line->open_orders++;
    own->last_cycles = ask->rx_cycles;
    own->last_px = ask->px;
    own->last_qty = ask->qty;
    own->open_notional = sums.reserved_notional;
    own->open_qty = (uint32_t)sums.reserved_qty;
    return RISK_PASS;
}

enum risk_verdict risk_check(struct risk *risk, const struct risk_ask *ask, struct risk_reject *reject) {
    if (ask->action == SIGNAL_REPLACE)
        return check(risk, ask, reject, true);
    return check(risk, ask, reject, false);
}

void risk_expect(const struct risk *risk, uint32_t instrument) {
    const struct risk_line *line = &risk->line[risk_smaller(instrument, risk->account.instruments)];
    __builtin_prefetch(line, 1);
    __builtin_prefetch(line->side, 1);
}
