#include "risk/risk.h"

#include <stddef.h>

static const char *const NAMES[RISK_REASONS] = {
    [RISK_NONE] = "none",
    [RISK_KILLED] = "killed",
    [RISK_REDUCE_ONLY] = "reduce_only",
    [RISK_UNTRUSTED] = "untrusted",
    [RISK_STALE] = "stale",
    [RISK_NOT_PERMITTED] = "not_permitted",
    [RISK_NO_SIDE] = "no_side",
    [RISK_HALTED] = "halted",
    [RISK_SHORT_SALE] = "short_sale",
    [RISK_NO_QUANTITY] = "no_quantity",
    [RISK_QUANTITY] = "quantity",
    [RISK_NOTIONAL] = "notional",
    [RISK_NO_PRICE] = "no_price",
    [RISK_NO_REFERENCE] = "no_reference",
    [RISK_COLLAR] = "collar",
    [RISK_DUPLICATE] = "duplicate",
    [RISK_RATE] = "rate",
    [RISK_SYMBOL_RATE] = "symbol_rate",
    [RISK_OPEN_ORDERS] = "open_orders",
    [RISK_SYMBOL_OPEN_ORDERS] = "symbol_open_orders",
    [RISK_LONG] = "long",
    [RISK_SHORT] = "short",
    [RISK_GROSS] = "gross",
    [RISK_SELF_TRADE] = "self_trade",
};

const char *risk_reason_name(uint32_t reason) {
    return reason < RISK_REASONS ? NAMES[reason] : NULL;
}
