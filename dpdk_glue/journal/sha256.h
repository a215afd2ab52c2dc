/* SHA-256 (FIPS 180-4), a piece at a time; with the processor's instructions where it has them.
 *
 *     struct sha256 hash;
 *     sha256_open(&hash);
 *     sha256_add(&hash, data, bytes);     as often as there is more
 *     sha256_close(&hash, digest);
 *
 * It may be copied at any time, to close the copy and go on with the original.
 */
#ifndef APPLIANCE_JOURNAL_SHA256_H
#define APPLIANCE_JOURNAL_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SHA256_BYTES = 32, SHA256_BLOCK_BYTES = 64 };

struct sha256 {
    uint32_t state[8];
    uint64_t bytes;
    uint8_t block[SHA256_BLOCK_BYTES]; /* what does not fill one yet */
    void (*compress)(uint32_t state[8], const uint8_t *blocks, size_t count);
};

void sha256_open(struct sha256 *hash);
/* Without the processor's instructions, wherever it runs. */
void sha256_open_plain(struct sha256 *hash);
void sha256_add(struct sha256 *hash, const void *data, size_t bytes);
void sha256_close(struct sha256 *hash, uint8_t digest[SHA256_BYTES]);

#endif
