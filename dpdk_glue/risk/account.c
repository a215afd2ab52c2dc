#include "risk/lines.h"

#include <limits.h>
#include <string.h>

__extension__ typedef unsigned __int128 wide;

static uint64_t narrow(wide value) {
    return value > UINT64_MAX ? UINT64_MAX : (uint64_t)value;
}

static wide exposure(const struct risk *risk, const struct risk_line *line) {
    wide sum = risk->symbol[line - risk->line].held_notional;
    for (unsigned side = SIDE_BID; side <= SIDE_ASK; side++)
        sum += risk_counted(risk_turned(line->position, side) + line->side[side].open_qty,
                            line->side[side].open_notional);
    return sum;
}

static void count(struct risk *risk, wide before, wide after) {
    wide gross = (wide)risk->gross_high << 64 | risk->account.gross;
    gross += after - before;
    risk->account.gross = (uint64_t)gross;
    risk->gross_high = (uint64_t)(gross >> 64);
    risk_suspect(risk);
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
    risk_set_state(risk, GATE_KILLED);
}

/* Takes from what is open, as much as there is. */
static void take_open(struct risk *risk, struct risk_side *side, uint32_t px, uint32_t qty) {
    uint64_t notional = (uint64_t)px * qty;
    if (qty > side->open_qty || notional > side->open_notional)
        risk->surprises++;
    side->open_qty -= (uint32_t)risk_smaller(qty, side->open_qty);
    side->open_notional -= risk_smaller(notional, side->open_notional);
    if (!side->open_qty)
        side->open_notional = 0;
}

/* Moves the position by `qty` shares of a side: first it closes what is held of the other, in proportion to
 * what that cost, then it opens at `px`. */
static void move(struct risk *risk, struct risk_line *line, unsigned side, uint32_t px, uint32_t qty) {
    uint64_t *held_notional = &risk->symbol[line - risk->line].held_notional;
    int64_t held = risk_turned(line->position, side);
    uint64_t closes = held < 0 ? risk_smaller(qty, (uint64_t)-held) : 0;
    uint64_t opens = qty - closes;
    if (closes) {
        uint64_t was = (uint64_t)-held;
        uint64_t rest = was - closes;
        *held_notional = (uint64_t)(((wide)*held_notional * rest + was - 1) / was);
    }
    held += qty;
    if (held > INT32_MAX) {
        opens -= (uint64_t)(held - INT32_MAX);
        held = INT32_MAX;
        overflow(risk);
    }
    *held_notional += opens * px;
    line->position = (int32_t)risk_turned(held, side);
}

void risk_fill(struct risk *risk, uint32_t instrument, enum abi_side side, uint32_t order_px,
               uint32_t fill_px, uint32_t qty) {
    struct risk_line *line = line_of(risk, instrument);
    if (!line)
        return;
    wide before = exposure(risk, line);
    take_open(risk, &line->side[side & 1], order_px, qty);
    move(risk, line, side & 1, order_px > fill_px ? order_px : fill_px, qty);
    count(risk, before, exposure(risk, line));
}

void risk_release(struct risk *risk, uint32_t instrument, enum abi_side side, uint32_t order_px,
                  uint32_t qty) {
    struct risk_line *line = line_of(risk, instrument);
    if (!line)
        return;
    wide before = exposure(risk, line);
    take_open(risk, &line->side[side & 1], order_px, qty);
    count(risk, before, exposure(risk, line));
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
        line->side[side & 1].own_px = px;
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
    wide before = exposure(risk, line);
    struct risk_side *opened = &line->side[side & 1];
    uint32_t room = UINT32_MAX - opened->open_qty;
    if (qty > room || line->open_orders == UINT16_MAX) {
        overflow(risk);
        qty = (uint32_t)risk_smaller(qty, room);
    }
    opened->open_qty += qty;
    opened->open_notional += (uint64_t)px * qty;
    count(risk, before, exposure(risk, line));
    line->open_orders = (uint16_t)risk_smaller(line->open_orders + 1U, UINT16_MAX);
    risk->account.open_orders = (uint32_t)risk_smaller(risk->account.open_orders + 1ULL, UINT32_MAX);
}

void risk_restore_shares(struct risk *risk, uint32_t instrument, enum abi_side side, uint32_t px,
                         uint32_t qty) {
    struct risk_line *line = line_of(risk, instrument);
    if (!line)
        return;
    wide before = exposure(risk, line);
    move(risk, line, side & 1, px, qty);
    count(risk, before, exposure(risk, line));
}

void risk_read(const struct risk *risk, uint32_t instrument, struct risk_state *state) {
    memset(state, 0, sizeof *state);
    if (instrument >= risk->account.instruments)
        return;
    const struct risk_line *line = &risk->line[instrument];
    state->position = line->position;
    state->held_notional = risk->symbol[instrument].held_notional;
    state->exposure = narrow(exposure(risk, line));
    for (unsigned i = SIDE_BID; i <= SIDE_ASK; i++) {
        const struct risk_side *side = &line->side[i];
        state->open_qty[i] = side->open_qty;
        state->open_notional[i] = side->open_notional;
        state->last_cycles[i] = side->last_cycles;
        state->last_px[i] = side->last_px;
        state->last_qty[i] = side->last_qty;
        state->own_px[i] = side->own_px;
    }
    state->earned_cycles = line->earned_cycles;
    state->open_orders = line->open_orders;
    state->permitted = risk->symbol[instrument].permission == (RISK_PERMITTED | RISK_LIMITED);
}

void risk_read_totals(const struct risk *risk, struct risk_totals *totals) {
    const struct risk_account *account = &risk->account;
    uint32_t kill = __atomic_load_n(account->kill, __ATOMIC_RELAXED);
    memset(totals, 0, sizeof *totals);
    totals->gross = risk->gross_high ? UINT64_MAX : account->gross;
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
