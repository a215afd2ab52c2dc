#include "risk/lines.h"
#include "risk/risk.h"

#include <limits.h>
#include <string.h>

static uint64_t smaller(uint64_t left, uint64_t right) {
    return left < right ? left : right;
}

static risk_wide exposure(const struct risk_line *line) {
    risk_wide sum = line->held_notional;
    for (unsigned side = SIDE_BID; side <= SIDE_ASK; side++)
        sum += risk_counted(risk_ahead(line, side) + line->open_qty[side], line->open_notional[side]);
    return sum;
}

/* The line of an instrument that exists, or NULL, and a surprise. */
static struct risk_line *line_of(struct risk *risk, uint32_t instrument) {
    if (instrument < risk->account.instruments)
        return &risk->line[instrument];
    risk->surprises++;
    return NULL;
}

/* What cannot be kept is kept as the most that can, and nothing more is to go out on top of that. */
static void overflow(struct risk *risk) {
    risk->overflows++;
    risk->account.gate = GATE_KILLED;
}

/* Takes from what is open, as much as there is. */
static void take_open(struct risk *risk, struct risk_line *line, unsigned side, uint32_t px, uint32_t qty) {
    uint64_t notional = (uint64_t)px * qty;
    if (qty > line->open_qty[side] || notional > line->open_notional[side])
        risk->surprises++;
    line->open_qty[side] -= (uint32_t)smaller(qty, line->open_qty[side]);
    line->open_notional[side] -= smaller(notional, line->open_notional[side]);
    if (!line->open_qty[side])
        line->open_notional[side] = 0;
}

/* Moves the position by `qty` shares of a side: first it closes what is held of the other, in proportion to
 * what that cost, then it opens at `px`. */
static void move(struct risk *risk, struct risk_line *line, unsigned side, uint32_t px, uint32_t qty) {
    int64_t held = risk_ahead(line, side);
    uint64_t closes = held < 0 ? smaller(qty, (uint64_t)-held) : 0;
    uint64_t opens = qty - closes;
    if (closes) {
        uint64_t was = (uint64_t)-held;
        uint64_t rest = was - closes;
        line->held_notional = (uint64_t)(((risk_wide)line->held_notional * rest + was - 1) / was);
    }
    held += qty;
    if (held > INT32_MAX) {
        opens -= (uint64_t)(held - INT32_MAX);
        held = INT32_MAX;
        overflow(risk);
    }
    line->held_notional += opens * px;
    line->position = (int32_t)(side == SIDE_BID ? held : -held);
}

void risk_fill(struct risk *risk, uint32_t instrument, enum abi_side side, uint32_t order_px,
               uint32_t fill_px, uint32_t qty) {
    struct risk_line *line = line_of(risk, instrument);
    if (!line)
        return;
    risk_wide before = exposure(line);
    take_open(risk, line, side & 1, order_px, qty);
    move(risk, line, side & 1, order_px > fill_px ? order_px : fill_px, qty);
    risk->account.gross += exposure(line) - before;
}

void risk_release(struct risk *risk, uint32_t instrument, enum abi_side side, uint32_t order_px,
                  uint32_t qty) {
    struct risk_line *line = line_of(risk, instrument);
    if (!line)
        return;
    risk_wide before = exposure(line);
    take_open(risk, line, side & 1, order_px, qty);
    risk->account.gross += exposure(line) - before;
}

void risk_close_order(struct risk *risk, uint32_t instrument, enum abi_side side) {
    struct risk_line *line = line_of(risk, instrument);
    (void)side;
    if (!line)
        return;
    if (!line->open_orders || !risk->account.open_orders) {
        risk->surprises++;
        return;
    }
    line->open_orders--;
    risk->account.open_orders--;
}

void risk_own_best(struct risk *risk, uint32_t instrument, enum abi_side side, uint32_t px) {
    struct risk_line *line = line_of(risk, instrument);
    if (line)
        line->own_px[side & 1] = px;
}

void risk_cancelled_message(struct risk *risk, uint32_t instrument) {
    if (line_of(risk, instrument))
        risk->cancels++;
}

void risk_restore_order(struct risk *risk, uint32_t instrument, enum abi_side side, uint32_t px,
                        uint32_t qty) {
    struct risk_line *line = line_of(risk, instrument);
    if (!line)
        return;
    risk_wide before = exposure(line);
    uint32_t room = UINT32_MAX - line->open_qty[side & 1];
    if (qty > room || line->open_orders == UINT16_MAX) {
        overflow(risk);
        qty = (uint32_t)smaller(qty, room);
    }
    line->open_qty[side & 1] += qty;
    line->open_notional[side & 1] += (uint64_t)px * qty;
    risk->account.gross += exposure(line) - before;
    line->open_orders = (uint16_t)smaller(line->open_orders + 1U, UINT16_MAX);
    risk->account.open_orders = (uint32_t)smaller(risk->account.open_orders + 1ULL, UINT32_MAX);
}

void risk_restore_shares(struct risk *risk, uint32_t instrument, enum abi_side side, uint32_t px,
                         uint32_t qty) {
    struct risk_line *line = line_of(risk, instrument);
    if (!line)
        return;
    risk_wide before = exposure(line);
    move(risk, line, side & 1, px, qty);
    risk->account.gross += exposure(line) - before;
}

void risk_read(const struct risk *risk, uint32_t instrument, struct risk_state *state) {
    memset(state, 0, sizeof *state);
    if (instrument >= risk->account.instruments)
        return;
    const struct risk_line *line = &risk->line[instrument];
    state->position = line->position;
    state->held_notional = line->held_notional;
    state->exposure = risk_narrow(exposure(line));
    for (unsigned side = SIDE_BID; side <= SIDE_ASK; side++) {
        state->open_qty[side] = line->open_qty[side];
        state->open_notional[side] = line->open_notional[side];
        state->last_cycles[side] = line->last[side].cycles;
        state->last_px[side] = line->last[side].px;
        state->last_qty[side] = line->last[side].qty;
        state->own_px[side] = line->own_px[side];
    }
    state->earned_cycles = line->earned_cycles;
    state->open_orders = line->open_orders;
    state->permitted = line->permitted;
}

void risk_read_totals(const struct risk *risk, struct risk_totals *totals) {
    const struct risk_account *account = &risk->account;
    uint32_t kill = __atomic_load_n(account->kill, __ATOMIC_RELAXED);
    memset(totals, 0, sizeof *totals);
    totals->gross = risk_narrow(account->gross);
    totals->earned_cycles = account->earned_cycles;
    totals->own_gate = account->gate;
    totals->gate = account->gate > kill ? account->gate : kill;
    totals->open_orders = account->open_orders;
    totals->instruments = account->instruments;
    totals->cancels = risk->cancels;
    totals->surprises = risk->surprises;
    totals->overflows = risk->overflows;
    memcpy(totals->rejected, risk->rejected, sizeof totals->rejected);
}
