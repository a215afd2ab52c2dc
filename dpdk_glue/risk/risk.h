/* The risk gate: no order without it. A state machine without clock, lock, allocation or system call; time
 * is the `rx_cycles` of what it is asked, so the same calls give the same verdicts.
 *
 * A check reads three cache lines (risk/lines.h), one of the account and the strategy, which are one here
 * since a data plane has one of each, and two of the instrument; and the kill word. It compares everything at
 * once, with one branch at the end. An order that is not beyond suspicion is looked at again, check by check
 * in the order below: the first that fails is the reason, and if none does it passes. An order that passes is
 * reserved: from then on it counts as if it would fill.
 *
 *     check         refuses
 *     gate          everything when killed; in reduce-only, what does not shrink: the open quantity of the
 *                   side with this order has to be no more than the position that it closes
 *     source        a book that is untrusted, then one that is stale
 *     permitted     an instrument that is not permitted, has no limits of its own, or does not exist; and
 *                   then a side that is none
 *     trading       a halted book; a short sale under restriction: a sell that leaves the position short,
 *                   with all open sells as filled, at or below the best bid. Without a bid any price is
 *                   above it
 *     quantity      0, and above the limit
 *     notional      price times quantity above the limit
 *     collar        a price of 0; a book without any reference; a buy above, a sell below the reference by
 *                   more than so many basis points of it. For a buy the lower of best ask and last trade is
 *                   the reference, or whichever there is, and the best bid if there is neither; for a sell
 *                   the higher of best bid and last trade, and then the best ask. A price on the passive
 *                   side of its reference is always fine. Without a collar nothing but a price of 0 is
 *                   refused
 *     duplicate     side, price and quantity of the last order that passed on its side of the instrument,
 *                   within the window; time that goes back counts as none
 *     rate          a message that is not earned: a bucket of `burst` messages, one more each
 *                   `message_cycles`; one bucket for all, and one for each symbol. Only an order that
 *                   passes uses it up. Cancels use nothing: a gate that is out of messages must still let a
 *                   risk go down
 *     open orders   one too many, of all and of the symbol. A replace takes a place that is counted already
 *     position      long: position and open buys above the limit; short: open sells less the position above
 *                   it. Never more than 2^31 - 1 shares, nor 2^32 - 1 open on a side
 *     gross         exposure of all instruments above the limit
 *     self-trade    a price that our own best order on the other side meets
 *
 * The gross exposure is, over all instruments, what the position cost, and all open orders at their own
 * price; but the open orders of a side are not counted while they can only close the position. The cost of a
 * fill is taken at the order's price or at the fill's, whichever is higher, so it is never less than what was
 * paid; what a partly closed position cost is kept in proportion, rounded up. It is kept in 128 bits, never
 * wraps, and is shown as the largest number where it is larger.
 *
 * So fills and releases never bring a position above its limit, nor the gross exposure, but for what the
 * venue gives beyond what was asked: a short sale that is filled above its price adds the difference.
 * Where more stands than a limit allows, because it was lowered, or by a surprise, an order passes that
 * check if it does not add to it: it can only close, or it replaces one that was as large.
 *
 * A replace is checked like an order that is entered. Until the venue answers, either of the two can fill, or
 * the old one in part and then the new one for the rest of its quantity: never more shares than the larger of
 * both has, at the old price as far as both have them, if that is the higher. So much the check counts for
 * the two. What is kept meanwhile is both, since the answer releases one of them: the old one's leaves when
 * it is Replaced, the new one when it is refused; and from the new one what was filled of the old. Orders
 * between the two see both.
 */
#ifndef APPLIANCE_RISK_RISK_H
#define APPLIANCE_RISK_RISK_H

#include "abi.h"

#include <stdbool.h>

struct risk;

/* For instruments 0 .. `instruments` - 1, at most 65,535. The gate is killed, no instrument permitted, no
 * limit set. `kill` is read by every check (enum risk_gate) and may be stored to by any process; it outlives
 * the gate. NULL = there is none. NULL without memory, or with no instrument. */
struct risk *risk_open(uint32_t instruments, const uint32_t *kill);
void risk_close(struct risk *risk);

/* By the thread that checks, between two checks; each takes effect at once. `index` is of RISK_SYMBOL. -1,
 * and nothing has changed: no such scope or instrument, or a symbol with a gross limit. */
int risk_set_limits(struct risk *risk, enum risk_scope scope, uint32_t index,
                    const struct risk_limits *limits);
int risk_permit(struct risk *risk, uint32_t instrument, bool permitted);
void risk_set_state(struct risk *risk, enum risk_gate gate);

/* The ask that an intent makes; what it replaces is 0 unless its signal is a replace. */
static inline struct risk_ask risk_ask_of(const struct intent *intent, uint32_t replaces_px,
                                          uint32_t replaces_qty) {
    return (struct risk_ask){
        .number = intent->number,
        .rx_cycles = intent->event.rx_cycles,
        .px = intent->signal.px,
        .qty = intent->signal.qty,
        .replaces_px = replaces_px,
        .replaces_qty = replaces_qty,
        .best_px = {intent->event.bid_px, intent->event.ask_px},
        .last_px = intent->last_px,
        .instrument = intent->instrument,
        .flags = intent->event.flags,
        .side = intent->signal.side,
        .action = (uint8_t)intent->signal.action,
    };
}

/* Asks for the lines of an instrument, and of the account, ahead of its check. */
void risk_expect(const struct risk *risk, uint32_t instrument);
/* RISK_PASS, and the order is reserved; or RISK_REJECT, nothing has changed, and `reject` says why. */
enum risk_verdict risk_check(struct risk *risk, const struct risk_ask *ask, struct risk_reject *reject);

/* What became of what passed. An instrument that does not exist is a surprise, and no more. */
void risk_fill(struct risk *risk, uint32_t instrument, enum abi_side side, uint32_t order_px,
               uint32_t fill_px, uint32_t qty);
/* Shares that will not fill any more: cancelled, refused, replaced. */
void risk_release(struct risk *risk, uint32_t instrument, enum abi_side side, uint32_t order_px,
                  uint32_t qty);
/* An order is over; its last shares are filled or released beside this. */
void risk_close_order(struct risk *risk, uint32_t instrument, enum abi_side side);
/* The best own order at rest, or on its way there, whenever that changes, and before the next check. */
void risk_own_best(struct risk *risk, uint32_t instrument, enum abi_side side, uint32_t px);
/* A cancel leaves: counted. */
void risk_cancelled_message(struct risk *risk, uint32_t instrument);

/* What no check has let through: an order that is open after a restart; shares of a position that was there
 * before, or that a broken trade takes away again (then of the other side). */
void risk_restore_order(struct risk *risk, uint32_t instrument, enum abi_side side, uint32_t px,
                        uint32_t qty);
void risk_restore_shares(struct risk *risk, uint32_t instrument, enum abi_side side, uint32_t px,
                         uint32_t qty);

/* All zero for an instrument that does not exist. */
void risk_read(const struct risk *risk, uint32_t instrument, struct risk_state *state);
void risk_read_totals(const struct risk *risk, struct risk_totals *totals);
/* As they were set, zeroed if they never were. -1 if there is no such scope or instrument. */
int risk_read_limits(const struct risk *risk, enum risk_scope scope, uint32_t index,
                     struct risk_limits *limits);
/* NULL behind the last. */
const char *risk_reason_name(uint32_t reason);

#endif
