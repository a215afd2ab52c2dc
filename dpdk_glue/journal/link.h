/* The chain of segments: each carries the SHA-256 of the one before, in its link. */
#ifndef APPLIANCE_JOURNAL_LINK_H
#define APPLIANCE_JOURNAL_LINK_H

#include "abi.h"
#include "journal/sha256.h"

#include <stdbool.h>

/* What links to a segment: its number and hash; 0 and zeros: there is none before. */
struct journal_hashed {
    uint64_t number;
    uint8_t sha256[SHA256_BYTES];
};

/* Of a segment's first bytes. */
bool journal_link_is_there(const uint8_t *data);
/* Empty, or whole and to the segment before. */
bool journal_link_is_fine(const uint8_t *data);
void journal_link_put(uint8_t *data, const struct journal_hashed *before);
/* Hashes segment `number`, sealed and linked, up to the end of its seal. */
void journal_link_hash(struct journal_hashed *hashed, uint64_t number, const uint8_t *data, uint64_t bytes);

#endif
