/* CRC32C (Castagnoli), with the processor's instruction: eight bytes in three cycles.
 *
 * A checksum goes on from that of the bytes before; the first begins with 0.
 */
#ifndef APPLIANCE_JOURNAL_CRC32C_H
#define APPLIANCE_JOURNAL_CRC32C_H

#include <nmmintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t crc32c(uint32_t before, const void *data, size_t bytes) {
    const uint8_t *at = data;
    uint64_t crc = ~before;
    for (; bytes >= 8; at += 8, bytes -= 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        crc = _mm_crc32_u64(crc, word);
    }
    for (; bytes; at++, bytes--)
        crc = _mm_crc32_u8((uint32_t)crc, *at);
    return ~(uint32_t)crc;
}

/* Copies the bytes on the way, and puts zeros behind them up to a multiple of 8, which count. */
static inline uint32_t crc32c_copy(uint32_t before, uint8_t *to, const uint8_t *from, size_t bytes) {
    uint64_t crc = ~before;
    uint64_t word;
    for (; bytes >= 8; from += 8, to += 8, bytes -= 8) {
        memcpy(&word, from, sizeof word);
        memcpy(to, &word, sizeof word);
        crc = _mm_crc32_u64(crc, word);
    }
    if (bytes) {
        word = 0;
        memcpy(&word, from, bytes);
        memcpy(to, &word, sizeof word);
        crc = _mm_crc32_u64(crc, word);
    }
    return ~(uint32_t)crc;
}

#endif
