/* A synthetic NASDAQ day as ITCH 5.0: the same seed gives the same bytes, exactly as many messages as asked.
 *
 * The stream is a consistent market. Each order has a life: it is entered, perhaps cancelled in part,
 * replaced or executed at the front of its queue at the best price, and deleted; nothing names an order that
 * is not there or takes more than it has, and no book is ever locked or crossed. Order references rise
 * strictly, match numbers are unique, times never fall. Live orders stay below a bound, and with them the
 * memory. What is at rest after the close is deleted, as far as the number of messages allows.
 */
#ifndef APPLIANCE_SYNTH_SYNTH_H
#define APPLIANCE_SYNTH_SYNTH_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"

struct synth;

/* NULL when the configuration cannot be met; `error` (API_ERROR_BYTES) then says why in one line. */
struct synth *synth_open(const struct synth_config *config, char *error);
void synth_close(struct synth *synth);

/* Writes whole framed messages, as many as fit and as there are, and returns their bytes: 0 at the end of the
 * day, or when not even the longest message (52 bytes) fits. */
uint64_t synth_fill(struct synth *synth, uint8_t *buffer, uint64_t capacity);

void synth_counters(const struct synth *synth, struct synth_counters *counters);

#endif
