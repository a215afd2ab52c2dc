/* The rolling digest of a book source: abi.h defines it. */
#ifndef APPLIANCE_BOOK_DIGEST_H
#define APPLIANCE_BOOK_DIGEST_H

#include "abi.h"

static inline uint64_t digest_rotate(uint64_t word, unsigned left) {
    return word << left | word >> (64 - left);
}

static inline uint64_t digest_mix(uint64_t v0, uint64_t v1, uint64_t v2, uint64_t v3) {
    for (int round = 0; round < 2; round++) {
        v0 += v1;
        v2 += v3;
        v1 = digest_rotate(v1, 13) ^ v0;
        v3 = digest_rotate(v3, 16) ^ v2;
        v0 = digest_rotate(v0, 32);
        v2 += v1;
        v0 += v3;
        v1 = digest_rotate(v1, 17) ^ v2;
        v3 = digest_rotate(v3, 21) ^ v0;
        v2 = digest_rotate(v2, 32);
    }
    return v0 ^ v1 ^ v2 ^ v3;
}

static inline uint64_t digest_fold(uint64_t digest, const struct book_event *event) {
    return digest_rotate(digest, 5) ^
           digest_mix(event->sequence, event->bid_px | (uint64_t)event->ask_px << 32,
                      event->bid_qty | (uint64_t)event->ask_qty << 32,
                      (event->bid_orders | (uint64_t)event->ask_orders << 32) ^ (uint64_t)event->locate
                                                                                    << 48);
}

#endif
