#include "risk/lines.h"

__extension__ typedef unsigned __int128 wide;

/* One order, and what it would make of its side. */
struct look {
    const struct risk *risk;
    const struct risk_ask *ask;
    const struct risk_line *line;
    const struct risk_limits *limits;
    uint32_t gate;
    unsigned side;
    bool replaces;
    uint64_t notional;
    uint64_t open_qty; /* with this order, and what it replaces counted once */
    uint64_t open_notional;
    int64_t before; /* shares that the side holds when all that is open on it has filled */
    int64_t after;  /* the same with this order */
};

struct finding {
    enum risk_reason reason;
    uint64_t value;
    uint64_t limit;
};

static const struct finding NOTHING = {RISK_NONE, 0, 0};
static const struct risk_limits NO_LIMITS;

static struct look look_at(const struct risk *risk, const struct risk_ask *ask, uint32_t kill) {
    bool exists = ask->instrument < risk->account.instruments;
    unsigned side = ask->side & 1;
    const struct risk_line *line = &risk->line[exists ? ask->instrument : risk->account.instruments];
    const struct risk_side *own = &line->side[side];
    bool replaces = ask->action == SIGNAL_REPLACE;
    uint64_t replaced_qty = replaces ? ask->replaces_qty : 0;
    uint64_t replaced_notional = replaced_qty * ask->replaces_px;
    int64_t held = risk_turned(line->position, side);
    struct look look = {
        .risk = risk,
        .ask = ask,
        .line = line,
        .limits = exists ? &risk->symbol[ask->instrument].strictest : &NO_LIMITS,
        .gate = (uint32_t)risk_larger(risk->account.gate, kill),
        .side = side,
        .replaces = replaces,
        .notional = (uint64_t)ask->px * ask->qty,
    };
    look.open_qty =
        own->open_qty - risk_smaller(own->open_qty, replaced_qty) + risk_larger(replaced_qty, ask->qty);
    /* Wraps only where more would be reserved than can be kept, and that is refused before it is used. */
    look.open_notional = own->open_notional - risk_smaller(own->open_notional, replaced_notional) +
                         (replaces ? risk_either_notional(ask) : look.notional);
    look.before = held + own->open_qty;
    look.after = held + (int64_t)look.open_qty;
    return look;
}

static struct finding check_gate(const struct look *look) {
    int64_t held = risk_turned(look->line->position, look->side);
    uint64_t closes = held < 0 ? (uint64_t)-held : 0;
    if (look->gate >= GATE_KILLED)
        return (struct finding){RISK_KILLED, look->gate, GATE_OPEN};
    if (look->gate == GATE_REDUCE_ONLY && look->open_qty > closes)
        return (struct finding){RISK_REDUCE_ONLY, look->open_qty, closes};
    return NOTHING;
}

static struct finding check_book(const struct look *look) {
    const struct risk_ask *ask = look->ask;
    uint32_t instruments = look->risk->account.instruments;
    if (ask->flags & BOOK_UNTRUSTED)
        return (struct finding){RISK_UNTRUSTED, BOOK_UNTRUSTED, 0};
    if (ask->flags & BOOK_STALE)
        return (struct finding){RISK_STALE, BOOK_STALE, 0};
    if (ask->instrument >= instruments ||
        look->risk->symbol[ask->instrument].permission != (RISK_PERMITTED | RISK_LIMITED))
        return (struct finding){RISK_NOT_PERMITTED, ask->instrument, instruments};
    if (ask->side > SIDE_ASK)
        return (struct finding){RISK_NO_SIDE, ask->side, SIDE_ASK};
    if (ask->flags & BOOK_HALTED)
        return (struct finding){RISK_HALTED, BOOK_HALTED, 0};
    if (ask->flags & BOOK_SHORT_SALE_RESTRICTED && ask->side == SIDE_ASK && look->after > 0 &&
        ask->px <= ask->best_px[SIDE_BID])
        return (struct finding){RISK_SHORT_SALE, ask->px, ask->best_px[SIDE_BID]};
    return NOTHING;
}

static struct finding check_size(const struct look *look) {
    const struct risk_limits *limits = look->limits;
    if (!look->ask->qty)
        return (struct finding){RISK_NO_QUANTITY, 0, 1};
    if (look->ask->qty > limits->qty)
        return (struct finding){RISK_QUANTITY, look->ask->qty, limits->qty};
    if (look->notional > limits->notional)
        return (struct finding){RISK_NOTIONAL, look->notional, limits->notional};
    return NOTHING;
}

static struct finding check_price(const struct look *look) {
    uint64_t px = look->ask->px;
    uint64_t reference = risk_reference_px(look->ask, look->side);
    if (!px)
        return (struct finding){RISK_NO_PRICE, 0, 1};
    if (look->limits->collar_bps == RISK_NO_COLLAR)
        return NOTHING;
    if (!reference)
        return (struct finding){RISK_NO_REFERENCE, px, 0};
    uint64_t collar = reference * look->line->collar[look->side];
    uint64_t last_px = (collar + (look->side == SIDE_ASK ? RISK_WHOLE_BPS - 1 : 0)) / RISK_WHOLE_BPS;
    if (look->side == SIDE_BID ? px > last_px : px < last_px)
        return (struct finding){RISK_COLLAR, px, last_px};
    return NOTHING;
}

/* The cycles that a bucket has used with one more message, and those that it may. */
static struct finding check_bucket(enum risk_reason reason, const struct risk_limits *limits,
                                   uint64_t earned_cycles, uint64_t now_cycles) {
    uint64_t ahead = risk_larger(earned_cycles, now_cycles) - now_cycles;
    uint64_t used = ahead + limits->message_cycles;
    uint64_t burst = limits->message_cycles ? (uint64_t)limits->message_cycles * limits->burst : UINT64_MAX;
    used |= -(uint64_t)(used < ahead);
    return used > burst ? (struct finding){reason, used, burst} : NOTHING;
}

static struct finding check_pace(const struct look *look) {
    const struct risk_account *account = &look->risk->account;
    const struct risk_side *own = &look->line->side[look->side];
    const struct risk_limits *whole = &look->risk->strictest;
    uint64_t now = look->ask->rx_cycles;
    uint64_t age = risk_larger(now, own->last_cycles) - own->last_cycles;
    if (own->last_px == look->ask->px && own->last_qty == look->ask->qty &&
        age < look->limits->duplicate_cycles)
        return (struct finding){RISK_DUPLICATE, age, look->limits->duplicate_cycles};
    struct finding found = check_bucket(RISK_RATE, whole, account->earned_cycles, now);
    if (!found.reason)
        found = check_bucket(RISK_SYMBOL_RATE, look->limits, look->line->earned_cycles, now);
    if (found.reason || look->replaces)
        return found;
    if (account->open_orders >= whole->open_orders)
        return (struct finding){RISK_OPEN_ORDERS, account->open_orders + UINT64_C(1), whole->open_orders};
    if (look->line->open_orders >= look->limits->open_orders)
        return (struct finding){RISK_SYMBOL_OPEN_ORDERS, look->line->open_orders + UINT64_C(1),
                                look->limits->open_orders};
    return NOTHING;
}

static wide gross_of(const struct risk *risk) {
    return (wide)risk->gross_high << 64 | risk->account.gross;
}

static struct finding check_exposure(const struct look *look) {
    const struct risk_side *own = &look->line->side[look->side];
    uint32_t most = look->line->side_limit[look->side];
    uint64_t reserved_qty = (uint64_t)own->open_qty + look->ask->qty;
    enum risk_reason reason = look->side == SIDE_BID ? RISK_LONG : RISK_SHORT;
    if (look->after > look->before && look->after > (int64_t)most)
        return (struct finding){reason, (uint64_t)look->after, most};
    if (reserved_qty > UINT32_MAX)
        return (struct finding){reason, reserved_qty, UINT32_MAX};
    uint64_t limit = look->risk->account.gross_limit;
    wide before = gross_of(look->risk);
    wide gross = before - risk_counted(look->before, own->open_notional) +
                 risk_counted(look->after, look->open_notional);
    uint64_t shown = gross > UINT64_MAX ? UINT64_MAX : (uint64_t)gross;
    if (gross > before && shown > limit)
        return (struct finding){RISK_GROSS, shown, limit};
    return NOTHING;
}

static struct finding check_own(const struct look *look) {
    uint32_t px = look->ask->px;
    uint32_t own_px = look->line->side[look->side ^ 1].own_px;
    if (own_px && (look->side == SIDE_BID ? px >= own_px : px <= own_px))
        return (struct finding){RISK_SELF_TRADE, px, own_px};
    return NOTHING;
}

/* In this order. */
static struct finding (*const CHECKS[])(const struct look *look) = {
    check_gate, check_book, check_size, check_price, check_pace, check_exposure, check_own,
};

static void reserve(struct risk *risk, const struct look *look) {
    const struct risk_ask *ask = look->ask;
    struct risk_account *account = &risk->account;
    struct risk_line *line = &risk->line[ask->instrument];
    struct risk_side *own = &line->side[look->side];
    uint64_t counted = risk_counted(look->before, own->open_notional);
    own->open_qty += ask->qty;
    own->open_notional += look->notional;
    wide gross = gross_of(risk) - counted + risk_counted(look->before + ask->qty, own->open_notional);
    account->gross = (uint64_t)gross;
    risk->gross_high = (uint64_t)(gross >> 64);
    account->earned_cycles =
        risk_earned_after(account->earned_cycles, ask->rx_cycles, account->message_cycles);
    line->earned_cycles = risk_earned_after(line->earned_cycles, ask->rx_cycles, line->message_cycles);
    own->last_cycles = ask->rx_cycles;
    own->last_px = ask->px;
    own->last_qty = ask->qty;
    account->open_orders = (uint32_t)risk_smaller(account->open_orders + UINT64_C(1), UINT32_MAX);
    line->open_orders = (uint16_t)risk_smaller(line->open_orders + UINT64_C(1), UINT16_MAX);
    risk_suspect(risk);
}

__attribute__((cold)) enum risk_verdict risk_look_closer(struct risk *risk, const struct risk_ask *ask,
                                                         uint32_t kill, struct risk_reject *reject) {
    struct look look = look_at(risk, ask, kill);
    struct finding found = NOTHING;
    for (size_t i = 0; i < sizeof CHECKS / sizeof CHECKS[0] && !found.reason; i++)
        found = CHECKS[i](&look);
    if (!found.reason) {
        reserve(risk, &look);
        return RISK_PASS;
    }
    risk->rejected[found.reason]++;
    *reject = (struct risk_reject){
        .number = ask->number,
        .rx_cycles = ask->rx_cycles,
        .value = found.value,
        .limit = found.limit,
        .px = ask->px,
        .qty = ask->qty,
        .instrument = ask->instrument,
        .reason = found.reason,
        .side = ask->side,
        .action = ask->action,
    };
    return RISK_REJECT;
}
