/* What is wrong with a segment, in words. */
#ifndef APPLIANCE_JOURNAL_FLAWS_H
#define APPLIANCE_JOURNAL_FLAWS_H

#include <stdint.h>

/* `flaw` is enum journal_flaw; NULL behind the last one. */
const char *journal_flaw_name(uint32_t flaw);

#endif
