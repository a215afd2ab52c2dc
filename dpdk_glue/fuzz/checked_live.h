/* A live arbitration and its recovery machine that check themselves while a fuzzer feeds them.
 *
 * What the machine wishes is done at once, as the feed's thread does it, and besides that the fuzzer may
 * decide anything at any time. Runs must be framed messages that follow each other, the gaps that are told
 * must add up to what is missing, nobody may be asked for what is not missing, and whoever misses something
 * is not whole.
 */
#ifndef APPLIANCE_FUZZ_CHECKED_LIVE_H
#define APPLIANCE_FUZZ_CHECKED_LIVE_H

#include "wire/mold64.h"
#include "wire/recovery.h"

struct checked_live {
    struct mold64 *mold;
    struct recovery *recovery;
    struct recovery_counters counters;
    uint64_t now;
    uint64_t following; /* sequence after the last run; 0 = anything may follow */
    uint64_t pushed;
    bool is_in_doubt;
};

void checked_live_open(struct checked_live *live);
void checked_live_payload(struct checked_live *live, const uint8_t *payload, uint32_t length, unsigned line);
/* The caller decides: `what` is any number, `argument` a sequence or a time. */
void checked_live_act(struct checked_live *live, unsigned what, uint32_t argument);
void checked_live_close(struct checked_live *live);

#endif
