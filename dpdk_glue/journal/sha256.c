#include "journal/sha256.h"

#include "journal/sha256_fast.h"

#include <string.h>

/* The first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
const uint32_t sha256_round[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate(uint32_t x, unsigned bits) {
    return x >> bits | x << (32 - bits);
}

static void schedule(uint32_t w[64], const uint8_t *block) {
    for (int i = 0; i < 16; i++) {
        memcpy(&w[i], block + (size_t)4 * i, sizeof w[i]);
        w[i] = __builtin_bswap32(w[i]);
    }
    for (int i = 16; i < 64; i++) {
        uint32_t s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
}

/* One round. Instead of moving the eight words on, the next round names them one place further: `a` is the
 * place of what FIPS calls a. */
static inline void round_of(uint32_t v[8], unsigned a, uint32_t message) {
    uint32_t e = v[(a + 4) & 7];
    uint32_t choice = v[(a + 6) & 7] ^ (e & (v[(a + 5) & 7] ^ v[(a + 6) & 7]));
    uint32_t s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    uint32_t first = v[(a + 7) & 7] + s1 + choice + message;
    uint32_t majority = (v[a] & v[(a + 1) & 7]) | (v[(a + 2) & 7] & (v[a] | v[(a + 1) & 7]));
    uint32_t s0 = rotate(v[a], 2) ^ rotate(v[a], 13) ^ rotate(v[a], 22);
    v[(a + 3) & 7] += first;
    v[(a + 7) & 7] = first + s0 + majority;
}

static void compress(uint32_t state[8], const uint8_t *blocks, size_t count) {
    for (; count; count--, blocks += SHA256_BLOCK_BYTES) {
        uint32_t w[64];
        uint32_t v[8];
        schedule(w, blocks);
        memcpy(v, state, sizeof v);
        for (unsigned i = 0; i < 64; i += 8) {
#pragma GCC unroll 8
            for (unsigned step = 0; step < 8; step++)
                round_of(v, (8 - step) & 7, sha256_round[i + step] + w[i + step]);
        }
        for (int i = 0; i < 8; i++)
            state[i] += v[i];
    }
}

void sha256_open_plain(struct sha256 *hash) {
    static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    memset(hash, 0, sizeof *hash);
    memcpy(hash->state, start, sizeof start);
    hash->compress = compress;
}

void sha256_open(struct sha256 *hash) {
    sha256_open_plain(hash);
    if (sha256_fast_is_there())
        hash->compress = sha256_fast_compress;
}

void sha256_add(struct sha256 *hash, const void *data, size_t bytes) {
    const uint8_t *at = data;
    size_t held = hash->bytes % SHA256_BLOCK_BYTES;
    hash->bytes += bytes;
    if (held) {
        size_t taken = SHA256_BLOCK_BYTES - held < bytes ? SHA256_BLOCK_BYTES - held : bytes;
        memcpy(hash->block + held, at, taken);
        if (held + taken < SHA256_BLOCK_BYTES)
            return;
        hash->compress(hash->state, hash->block, 1);
        at += taken;
        bytes -= taken;
    }
    hash->compress(hash->state, at, bytes / SHA256_BLOCK_BYTES);
    memcpy(hash->block, at + bytes / SHA256_BLOCK_BYTES * SHA256_BLOCK_BYTES, bytes % SHA256_BLOCK_BYTES);
}

void sha256_close(struct sha256 *hash, uint8_t digest[SHA256_BYTES]) {
    static const uint8_t padding[SHA256_BLOCK_BYTES] = {0x80};
    uint64_t bits = __builtin_bswap64(hash->bytes * 8);
    /* Up to eight bytes before the end of a block. */
    sha256_add(hash, padding, 1 + (119 - hash->bytes % SHA256_BLOCK_BYTES) % SHA256_BLOCK_BYTES);
    sha256_add(hash, &bits, sizeof bits);
    for (int i = 0; i < 8; i++) {
        uint32_t word = __builtin_bswap32(hash->state[i]);
        memcpy(digest + (size_t)4 * i, &word, sizeof word);
    }
}
