/* Which gaps there were, and what became of each: for the counters only.
 *
 * A gap is known by the messages that were missing when it was first seen, and over when none of them is. A
 * gap that grows at its end, as heartbeats prove more, is the same one.
 */
#ifndef APPLIANCE_WIRE_RECOVERY_TALLY_H
#define APPLIANCE_WIRE_RECOVERY_TALLY_H

#include "abi.h"

#include <stdbool.h>

struct recovery_open_gap {
    uint64_t first;
    uint64_t end;
    bool was_asked_for;
};

struct recovery_tally {
    struct recovery_open_gap open[64];
    uint32_t count;
    uint64_t noted_end; /* what is missing below it has been counted */
};

/* Counts the gaps that are over, and those that are new. */
void recovery_tally_look(struct recovery_tally *tally, const struct recovery_sight *sight,
                         struct recovery_counters *counters);
void recovery_tally_asked(struct recovery_tally *tally, uint64_t first, uint64_t count);
/* What is missing below `end` is given up, or in a snapshot: counted as `counter` says. */
void recovery_tally_close(struct recovery_tally *tally, uint64_t end, uint64_t *counter);

#endif
