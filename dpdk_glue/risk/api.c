#include "api.h"
#include "risk/lines.h"

#include <string.h>

struct risk *api_risk_open(uint32_t instruments, const uint32_t *kill) {
    return risk_open(instruments, kill);
}

void api_risk_close(struct risk *risk) {
    risk_close(risk);
}

int api_risk_set_limits(struct risk *risk, uint32_t scope, uint32_t index, const struct risk_limits *limits) {
    return risk_set_limits(risk, (enum risk_scope)scope, index, limits);
}

int api_risk_read_limits(const struct risk *risk, uint32_t scope, uint32_t index,
                         struct risk_limits *limits) {
    return risk_read_limits(risk, (enum risk_scope)scope, index, limits);
}

int api_risk_permit(struct risk *risk, uint32_t instrument, uint32_t permitted) {
    return risk_permit(risk, instrument, permitted != 0);
}

void api_risk_set_state(struct risk *risk, uint32_t gate) {
    risk_set_state(risk, (enum risk_gate)gate);
}

uint32_t api_risk_check(struct risk *risk, const struct risk_ask *ask, struct risk_reject *reject) {
    return risk_check(risk, ask, reject);
}

uint64_t api_risk_run(struct risk *risk, const struct risk_ask *asks, struct risk_reject *verdicts,
                      uint64_t count) {
    uint64_t passed = 0;
    for (uint64_t i = 0; i < count; i++) {
        if (risk_check(risk, &asks[i], &verdicts[i]) != RISK_PASS)
            continue;
        memset(&verdicts[i], 0, sizeof verdicts[i]);
        passed++;
    }
    return passed;
}

void api_risk_fill(struct risk *risk, uint32_t instrument, uint32_t side, uint32_t order_px, uint32_t fill_px,
                   uint32_t qty) {
    risk_fill(risk, instrument, (enum abi_side)side, order_px, fill_px, qty);
}

void api_risk_release(struct risk *risk, uint32_t instrument, uint32_t side, uint32_t order_px,
                      uint32_t qty) {
    risk_release(risk, instrument, (enum abi_side)side, order_px, qty);
}

void api_risk_close_order(struct risk *risk, uint32_t instrument, uint32_t side) {
    risk_close_order(risk, instrument, (enum abi_side)side);
}

void api_risk_own_best(struct risk *risk, uint32_t instrument, uint32_t side, uint32_t px) {
    risk_own_best(risk, instrument, (enum abi_side)side, px);
}

void api_risk_cancelled_message(struct risk *risk, uint32_t instrument) {
    risk_cancelled_message(risk, instrument);
}

void api_risk_restore_order(struct risk *risk, uint32_t instrument, uint32_t side, uint32_t px,
                            uint32_t qty) {
    risk_restore_order(risk, instrument, (enum abi_side)side, px, qty);
}

void api_risk_restore_shares(struct risk *risk, uint32_t instrument, uint32_t side, uint32_t px,
                             uint32_t qty) {
    risk_restore_shares(risk, instrument, (enum abi_side)side, px, qty);
}

void api_risk_read(const struct risk *risk, uint32_t instrument, struct risk_state *state) {
    risk_read(risk, instrument, state);
}

void api_risk_read_totals(const struct risk *risk, struct risk_totals *totals) {
    risk_read_totals(risk, totals);
}

const char *api_risk_reason_name(uint32_t reason) {
    return risk_reason_name(reason);
}

uint32_t api_risk_check_bytes(const struct risk *risk, uint32_t instrument, uint64_t addresses[2]) {
    addresses[0] = (uintptr_t)&risk->account;
    addresses[1] = (uintptr_t)&risk->line[instrument];
    return sizeof risk->account + sizeof risk->line[0];
}
