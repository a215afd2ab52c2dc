#include "risk/lines.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct risk *risk_open(uint32_t instruments, const uint32_t *kill) {
    if (!instruments || instruments > RISK_MOST_INSTRUMENTS)
        return NULL;
    size_t bytes = sizeof(struct risk) + (instruments + (size_t)1) * sizeof(struct risk_line);
    struct risk *risk = aligned_alloc(_Alignof(struct risk), bytes);
    struct risk_symbol *symbol = calloc(instruments, sizeof *symbol);
    if (!risk || !symbol) {
        free(risk);
        free(symbol);
        return NULL;
    }
    memset(risk, 0, bytes);
    memset(symbol, 0, instruments * sizeof *symbol);
    risk->symbol = symbol;
    risk->account.kill = kill ? kill : &risk->no_kill;
    risk->account.instruments = instruments;
    risk_set_state(risk, GATE_KILLED);
    return risk;
}

void risk_close(struct risk *risk) {
    if (!risk)
        return;
    free(risk->symbol);
    free(risk);
}

/* Of two scopes' limits the stricter, each by itself. A bucket without a limit is one that costs nothing; one
 * that is always empty has to cost something. */
static void take_stricter(struct risk_limits *limits, const struct risk_limits *other) {
    bool is_free = other->burst && (other->burst == UINT32_MAX || !other->message_cycles);
    uint32_t message_cycles = is_free ? 0 : (uint32_t)risk_larger(other->message_cycles, 1);
    uint32_t burst = is_free ? UINT32_MAX : other->burst;
    limits->notional = risk_smaller(limits->notional, other->notional);
    limits->gross = risk_smaller(limits->gross, other->gross);
    limits->duplicate_cycles = risk_larger(limits->duplicate_cycles, other->duplicate_cycles);
    limits->message_cycles = (uint32_t)risk_larger(limits->message_cycles, message_cycles);
    limits->burst = (uint32_t)risk_smaller(limits->burst, burst);
    limits->qty = (uint32_t)risk_smaller(limits->qty, other->qty);
    limits->long_qty = (uint32_t)risk_smaller(limits->long_qty, other->long_qty);
    limits->short_qty = (uint32_t)risk_smaller(limits->short_qty, other->short_qty);
    limits->open_orders = (uint32_t)risk_smaller(limits->open_orders, other->open_orders);
    limits->collar_bps = (uint16_t)risk_smaller(limits->collar_bps, other->collar_bps);
}

/* No limit but what can be counted. */
static const struct risk_limits WIDEST = {
    .notional = UINT64_MAX,
    .gross = UINT64_MAX,
    .burst = UINT32_MAX,
    .qty = UINT32_MAX,
    .long_qty = INT32_MAX,
    .short_qty = INT32_MAX,
    .open_orders = UINT32_MAX,
    .collar_bps = RISK_NO_COLLAR,
};

static uint64_t slack_cycles(const struct risk_limits *limits) {
    return limits->message_cycles ? limits->message_cycles * (limits->burst - UINT64_C(1)) : UINT64_MAX;
}

static void merge_account(struct risk *risk) {
    struct risk_account *account = &risk->account;
    struct risk_limits strictest = WIDEST;
    take_stricter(&strictest, &risk->whole[RISK_ACCOUNT]);
    take_stricter(&strictest, &risk->whole[RISK_STRATEGY]);
    risk->strictest = strictest;
    account->gross_limit = strictest.gross;
    account->open_orders_limit = strictest.open_orders;
    account->message_cycles = strictest.message_cycles;
    account->slack_cycles = slack_cycles(&strictest);
    risk_suspect(risk);
}

static void merge_instrument(struct risk *risk, uint32_t instrument) {
    struct risk_line *line = &risk->line[instrument];
    struct risk_symbol *symbol = &risk->symbol[instrument];
    struct risk_limits own = WIDEST;
    take_stricter(&own, &symbol->limits);
    struct risk_limits strictest = own;
    take_stricter(&strictest, &risk->strictest);
    strictest.message_cycles = own.message_cycles;
    strictest.burst = own.burst;
    strictest.open_orders = (uint32_t)risk_smaller(own.open_orders, UINT16_MAX);
    symbol->strictest = strictest;
    bool is_suspect = symbol->permission != (RISK_PERMITTED | RISK_LIMITED) || !strictest.burst;
    line->notional_limit = strictest.notional;
    line->duplicate_cycles = strictest.duplicate_cycles;
    line->slack_cycles = slack_cycles(&strictest);
    line->message_cycles = strictest.message_cycles;
    line->qty_limit = is_suspect ? 0 : strictest.qty;
    line->side_limit[SIDE_BID] = strictest.long_qty;
    line->side_limit[SIDE_ASK] = strictest.short_qty;
    line->collar[SIDE_BID] = RISK_WHOLE_BPS + strictest.collar_bps;
    line->collar[SIDE_ASK] = RISK_WHOLE_BPS - (uint32_t)risk_smaller(strictest.collar_bps, RISK_WHOLE_BPS);
    line->open_orders_limit = (uint16_t)strictest.open_orders;
}

int risk_set_limits(struct risk *risk, enum risk_scope scope, uint32_t index,
                    const struct risk_limits *limits) {
    if (scope == RISK_SYMBOL) {
        if (index >= risk->account.instruments || limits->gross != UINT64_MAX)
            return -1;
        risk->symbol[index].limits = *limits;
        risk->symbol[index].permission |= RISK_LIMITED;
        merge_instrument(risk, index);
        return 0;
    }
    if (scope != RISK_ACCOUNT && scope != RISK_STRATEGY)
        return -1;
    risk->whole[scope] = *limits;
    merge_account(risk);
    for (uint32_t i = 0; i < risk->account.instruments; i++)
        merge_instrument(risk, i);
    return 0;
}

int risk_permit(struct risk *risk, uint32_t instrument, bool permitted) {
    if (instrument >= risk->account.instruments)
        return -1;
    if (permitted)
        risk->symbol[instrument].permission |= RISK_PERMITTED;
    else
        risk->symbol[instrument].permission &= ~(uint32_t)RISK_PERMITTED;
    merge_instrument(risk, instrument);
    return 0;
}

void risk_set_state(struct risk *risk, enum risk_gate gate) {
    risk->account.gate = gate;
    risk_suspect(risk);
}

void risk_suspect(struct risk *risk) {
    bool has_burst = risk->strictest.burst != 0;
    risk->account.closer = risk->account.gate != GATE_OPEN || risk->gross_high || !has_burst;
}

int risk_read_limits(const struct risk *risk, enum risk_scope scope, uint32_t index,
                     struct risk_limits *limits) {
    bool is_symbol = scope == RISK_SYMBOL && index < risk->account.instruments;
    if (!is_symbol && scope != RISK_ACCOUNT && scope != RISK_STRATEGY)
        return -1;
    *limits = is_symbol ? risk->symbol[index].limits : risk->whole[scope];
    return 0;
}
