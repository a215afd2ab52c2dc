/* Everything that crosses a process or a language, and nothing else.
 *
 * Python reads these very files (cffi), in the order they are included here, and derives numpy dtypes from
 * them; the card writes `book_event` byte for byte. Rules: fixed-width members, no padding that is not named,
 * little-endian, and every struct carries its size and the offsets that others rely on, asserted here by the
 * C compiler and again by Python at import.
 *
 * Units: `_px` is an integer price in 1/10,000 dollar, `_qty` shares, `_ns` nanoseconds since midnight at the
 * venue, `_cycles` our time-stamp counter.
 */
#ifndef APPLIANCE_ABI_H
#define APPLIANCE_ABI_H

/* Each part stands on those before it. */
#include "abi/base.h"
#include "abi/bench.h"
#include "abi/book.h"
#include "abi/gateway.h"
#include "abi/journal.h"
#include "abi/market.h"
#include "abi/packets.h"
#include "abi/plan.h"
#include "abi/recovery.h"
#include "abi/risk.h"
#include "abi/segment.h"
#include "abi/strategy.h"
#include "abi/synth.h"
#include "abi/trade.h"
#include "abi/trading.h"
#include "abi/venue.h"

#endif
