/* The one source of chance of the synthetic market: xoshiro256** seeded by splitmix64.
 *
 * Integers only, so that a seed gives the same bytes on every machine and with every compiler. Independent
 * streams come from one seed: the market, its directory and the faults of the lines never disturb each other.
 */
#ifndef APPLIANCE_SYNTH_PRNG_H
#define APPLIANCE_SYNTH_PRNG_H

#include <stdint.h>

enum synth_stream { SYNTH_STREAM_MARKET = 1, SYNTH_STREAM_DIRECTORY = 2, SYNTH_STREAM_LINES = 3 };

struct synth_prng {
    uint64_t state[4];
};

static inline uint64_t synth_rotate(uint64_t value, int bits) {
    return value << bits | value >> (64 - bits);
}

static inline uint64_t synth_splitmix(uint64_t *state) {
    uint64_t mixed = *state += 0x9e3779b97f4a7c15;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
    return mixed ^ mixed >> 31;
}

/* The stream is mixed once before it meets the seed: (seed, stream) pairs must not collide by addition. */
static inline void synth_prng_seed(struct synth_prng *prng, uint64_t seed, enum synth_stream stream) {
    uint64_t state = stream;
    state = synth_splitmix(&state) ^ seed;
    for (int i = 0; i < 4; i++)
        prng->state[i] = synth_splitmix(&state);
}

static inline uint64_t synth_random(struct synth_prng *prng) {
    uint64_t *s = prng->state;
    uint64_t result = synth_rotate(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = synth_rotate(s[3], 45);
    return result;
}

/* 0 .. bound-1 from 32 random bits; the bias of at most bound / 2^32 is of no account here. */
static inline uint32_t synth_scale(uint32_t bits, uint32_t bound) {
    return (uint32_t)((uint64_t)bits * bound >> 32);
}

static inline uint32_t synth_below(struct synth_prng *prng, uint32_t bound) {
    return synth_scale((uint32_t)(synth_random(prng) >> 32), bound);
}

#endif
