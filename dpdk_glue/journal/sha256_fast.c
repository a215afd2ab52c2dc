#include "journal/sha256_fast.h"

#include <cpuid.h>
#include <immintrin.h>

bool sha256_fast_is_there(void) {
    const unsigned sha_bit = 1U << 29;
    unsigned a;
    unsigned b;
    unsigned c;
    unsigned d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && b & sha_bit;
}

/* Four rounds: two with the lower half of the sum of message and constants, two with the upper. */
#define ROUNDS(message, at)                                                                                  \
    do {                                                                                                     \
        __m128i sum = _mm_add_epi32(message, _mm_load_si128((const __m128i *)(sha256_round + (at))));        \
        cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);                                                       \
        abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0e));                              \
    } while (0)

/* The next four words of the schedule, from the sixteen before: w[0] is the oldest four. */
__attribute__((target("sha,sse4.1"))) static inline __m128i next_words(__m128i w0, __m128i w1, __m128i w2,
                                                                       __m128i w3) {
    __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), _mm_alignr_epi8(w3, w2, 4));
    return _mm_sha256msg2_epu32(sum, w3);
}

__attribute__((target("sha,sse4.1"))) void sha256_fast_compress(uint32_t state[8], const uint8_t *blocks,
                                                                size_t count) {
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    /* The instructions want the state as (a, b, e, f) and (c, d, g, h), the first in the highest place. */
    __m128i abcd = _mm_loadu_si128((const __m128i *)state);
    __m128i efgh = _mm_loadu_si128((const __m128i *)(state + 4));
    abcd = _mm_shuffle_epi32(abcd, 0xb1);
    efgh = _mm_shuffle_epi32(efgh, 0x1b);
    __m128i abef = _mm_alignr_epi8(abcd, efgh, 8);
    __m128i cdgh = _mm_blend_epi16(efgh, abcd, 0xf0);
    for (; count; count--, blocks += 64) {
        const __m128i abef_before = abef;
        const __m128i cdgh_before = cdgh;
        __m128i w[4];
        for (int i = 0; i < 4; i++) {
            w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)blocks + i), swap);
            ROUNDS(w[i], (size_t)4 * i);
        }
        for (int i = 16; i < 64; i += 16) {
            w[0] = next_words(w[0], w[1], w[2], w[3]);
            ROUNDS(w[0], i);
            w[1] = next_words(w[1], w[2], w[3], w[0]);
            ROUNDS(w[1], i + 4);
            w[2] = next_words(w[2], w[3], w[0], w[1]);
            ROUNDS(w[2], i + 8);
            w[3] = next_words(w[3], w[0], w[1], w[2]);
            ROUNDS(w[3], i + 12);
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }
    abef = _mm_shuffle_epi32(abef, 0x1b);
    cdgh = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(abef, cdgh, 0xf0));
    _mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(cdgh, abef, 8));
}
