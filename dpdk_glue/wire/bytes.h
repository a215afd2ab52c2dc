/* Integers of either byte order out of unaligned bytes. The caller has checked that the bytes are there. */
#ifndef APPLIANCE_WIRE_BYTES_H
#define APPLIANCE_WIRE_BYTES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the data plane runs on little-endian machines");

static inline uint16_t bytes_be16(const uint8_t *at) {
    uint16_t value;
    memcpy(&value, at, sizeof value);
    return __builtin_bswap16(value);
}

static inline uint32_t bytes_be32(const uint8_t *at) {
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return __builtin_bswap32(value);
}

static inline uint64_t bytes_be64(const uint8_t *at) {
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return __builtin_bswap64(value);
}

/* For formats that say in their first bytes which order they were written in. */
static inline uint16_t bytes_u16(const uint8_t *at, bool big_endian) {
    uint16_t value;
    memcpy(&value, at, sizeof value);
    return big_endian ? __builtin_bswap16(value) : value;
}

static inline uint32_t bytes_u32(const uint8_t *at, bool big_endian) {
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return big_endian ? __builtin_bswap32(value) : value;
}

static inline uint64_t bytes_u64(const uint8_t *at, bool big_endian) {
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return big_endian ? __builtin_bswap64(value) : value;
}

#endif
