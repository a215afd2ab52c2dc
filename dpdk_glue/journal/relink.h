/* Finishes the chain where a writer was killed that had not hashed all it had sealed. */
#ifndef APPLIANCE_JOURNAL_RELINK_H
#define APPLIANCE_JOURNAL_RELINK_H

#include "journal/link.h"

#include <stddef.h>

/* From the last segment that has a link, each is hashed, its hash put into the next, and its file cut to its
 * length, up to segment `last`. If that is sealed it is hashed, too, into `hashed`: else that is the one
 * before. 0, or -1 with one line in `error`; `path` is for that line. */
int journal_relink(struct journal_hashed *hashed, int directory, const char *path, uint64_t last,
                   bool is_sealed, char *error, size_t room);

#endif
