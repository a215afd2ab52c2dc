#include "risk/lines.h"
#include "risk/risk.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { PERMITTED = 1, LIMITED = 2 }; /* both make a symbol permitted */

static uint64_t smaller(uint64_t left, uint64_t right) {
    return left < right ? left : right;
}

static uint64_t larger(uint64_t left, uint64_t right) {
    return left > right ? left : right;
}

struct risk *risk_open(uint32_t instruments, const uint32_t *kill) {
    if (!instruments || instruments > RISK_MOST_INSTRUMENTS)
        return NULL;
    size_t bytes = sizeof(struct risk) + (instruments + (size_t)1) * sizeof(struct risk_line);
    struct risk *risk = aligned_alloc(_Alignof(struct risk), bytes);
    struct risk_limits *symbol = calloc(instruments, sizeof *symbol);
    uint8_t *permission = calloc(instruments, sizeof *permission);
    if (!risk || !symbol || !permission) {
        free(risk);
        free(symbol);
        free(permission);
        return NULL;
    }
    memset(risk, 0, bytes);
    risk->symbol = symbol;
    risk->permission = permission;
    risk->account.kill = kill ? kill : &risk->no_kill;
    risk->account.instruments = instruments;
    risk->account.gate = GATE_KILLED;
    return risk;
}

void risk_close(struct risk *risk) {
    if (!risk)
        return;
    free(risk->symbol);
    free(risk->permission);
    free(risk);
}

struct bucket {
    uint32_t message_cycles;
    uint32_t burst;
};

/* Without a limit messages cost nothing; a bucket that is always empty has them cost something. */
static struct bucket bucket_of(const struct risk_limits *limits) {
    if (!limits->burst)
        return (struct bucket){(uint32_t)larger(limits->message_cycles, 1), 0};
    if (!limits->message_cycles || limits->burst == UINT32_MAX)
        return (struct bucket){0, UINT32_MAX};
    return (struct bucket){limits->message_cycles, limits->burst};
}

static void merge_account(struct risk *risk) {
    struct risk_account *account = &risk->account;
    const struct risk_limits *one = &risk->whole[RISK_ACCOUNT];
    const struct risk_limits *other = &risk->whole[RISK_STRATEGY];
    struct bucket bucket = bucket_of(one);
    struct bucket other_bucket = bucket_of(other);
    account->gross_limit = smaller(one->gross, other->gross);
    account->open_orders_limit = (uint32_t)smaller(one->open_orders, other->open_orders);
    account->message_cycles = (uint32_t)larger(bucket.message_cycles, other_bucket.message_cycles);
    account->burst = (uint32_t)smaller(bucket.burst, other_bucket.burst);
    account->earned_cycles = account->message_cycles ? account->earned_cycles : 0;
}

/* What bounds one order, or one position, whichever scope says so. */
static void take_stricter(struct risk_line *line, const struct risk_limits *limits) {
    line->notional_limit = smaller(line->notional_limit, limits->notional);
    line->duplicate_cycles = larger(line->duplicate_cycles, limits->duplicate_cycles);
    line->qty_limit = (uint32_t)smaller(line->qty_limit, limits->qty);
    line->side_limit[SIDE_BID] = (uint32_t)smaller(line->side_limit[SIDE_BID], limits->long_qty);
    line->side_limit[SIDE_ASK] = (uint32_t)smaller(line->side_limit[SIDE_ASK], limits->short_qty);
    line->collar_bps = (uint16_t)smaller(line->collar_bps, limits->collar_bps);
}

static void merge_instrument(struct risk *risk, uint32_t instrument) {
    struct risk_line *line = &risk->line[instrument];
    const struct risk_limits *symbol = &risk->symbol[instrument];
    struct bucket bucket = bucket_of(symbol);
    line->notional_limit = UINT64_MAX;
    line->duplicate_cycles = 0;
    line->qty_limit = UINT32_MAX;
    line->side_limit[SIDE_BID] = INT32_MAX; /* so many can be kept */
    line->side_limit[SIDE_ASK] = INT32_MAX;
    line->collar_bps = RISK_NO_COLLAR;
    take_stricter(line, &risk->whole[RISK_ACCOUNT]);
    take_stricter(line, &risk->whole[RISK_STRATEGY]);
    take_stricter(line, symbol);
    line->message_cycles = bucket.message_cycles;
    line->burst = bucket.burst;
    line->earned_cycles = bucket.message_cycles ? line->earned_cycles : 0;
    line->open_orders_limit = (uint16_t)smaller(symbol->open_orders, UINT16_MAX);
    line->permitted = risk->permission[instrument] == (PERMITTED | LIMITED);
}

int risk_set_limits(struct risk *risk, enum risk_scope scope, uint32_t index,
                    const struct risk_limits *limits) {
    if (scope == RISK_SYMBOL) {
        if (index >= risk->account.instruments || limits->gross != UINT64_MAX)
            return -1;
        risk->symbol[index] = *limits;
        risk->permission[index] |= LIMITED;
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
        risk->permission[instrument] |= PERMITTED;
    else
        risk->permission[instrument] &= (uint8_t)~PERMITTED;
    merge_instrument(risk, instrument);
    return 0;
}

void risk_set_state(struct risk *risk, enum risk_gate gate) {
    risk->account.gate = gate;
}

int risk_read_limits(const struct risk *risk, enum risk_scope scope, uint32_t index,
                     struct risk_limits *limits) {
    bool is_symbol = scope == RISK_SYMBOL && index < risk->account.instruments;
    if (!is_symbol && scope != RISK_ACCOUNT && scope != RISK_STRATEGY)
        return -1;
    *limits = is_symbol ? risk->symbol[index] : risk->whole[scope];
    return 0;
}
