/* TotalView-ITCH 5.0: one table, one branch-free decoder for all 23 types.
 *
 * A message is decoded by four byte shuffles. For each type the table holds, per 16-byte lane of the result,
 * where in the message the lane's bytes come from and the shuffle that puts them into host order. There is no
 * branch on the type, so a random mix of types costs no mispredicted branch (those were most of the time of a
 * decoder with a switch).
 *
 * The decoder reads up to ITCH_SLACK bytes past the message: whoever owns the buffer provides them.
 */
#ifndef APPLIANCE_WIRE_ITCH_H
#define APPLIANCE_WIRE_ITCH_H

#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>

enum { ITCH_HEADER_BYTES = 11, ITCH_LONGEST = 50, ITCH_SLACK = 64 };

/* A decoded message. Which members are meaningful depends on the type; all others are zero. Types that carry
 * no order use the same bytes for their own fields: itch_messages.def says which. */
struct itch_message {
    uint64_t timestamp_ns;
    uint16_t locate;
    uint16_t tracking;
    uint8_t type;
    uint8_t malformed; /* 1: of a known type, but not of its length; nothing else is known but its locate */
    uint8_t zero[2];
    uint64_t reference;
    union {
        uint64_t new_reference; /* U */
        uint8_t side;           /* A F P: 'B' or 'S' */
        uint8_t state;          /* H trading state, Y action, h market code */
        uint8_t alpha[8];
    };
    uint32_t qty;
    uint32_t px;
    union {
        uint64_t match; /* E C Q */
        char stock[8];  /* A F P */
    };
    union {
        uint64_t trade_match; /* P */
        struct {
            uint32_t execution_px; /* C */
            uint8_t printable;     /* C: 'Y' or 'N' */
        };
        uint8_t tail[16];
    };
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct itch_message) == 64, "four lanes");

/* Per type, in the order the hot path wants it. A length of 0 means the type does not exist. */
struct itch_shape {
    uint8_t length;
    uint8_t lane_offset[4];
    uint8_t reserved[3];
};

struct itch_lanes {
    __m128i shuffle[4];
} __attribute__((aligned(64)));

extern struct itch_shape itch_shapes[256];
extern struct itch_lanes itch_lanes[256];

struct itch_field {
    uint8_t type;
    uint8_t offset;
    uint8_t length;
    uint8_t is_alpha;
    uint8_t place;
    const char *name;
};

/* All fields of all types, header included, for those who list or compare rather than decode. */
extern const struct itch_field itch_fields[];
extern const unsigned itch_field_count;

static inline bool itch_length_is_right(uint8_t type, unsigned length) {
    return itch_shapes[type].length == length;
}

static inline void itch_decode(const uint8_t *message, struct itch_message *decoded) {
    const struct itch_shape *shape = &itch_shapes[message[0]];
    const struct itch_lanes *lanes = &itch_lanes[message[0]];
    __m128i *out = (__m128i *)decoded;
    for (int lane = 0; lane < 4; lane++) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(message + shape->lane_offset[lane]));
        _mm_store_si128(out + lane, _mm_shuffle_epi8(bytes, lanes->shuffle[lane]));
    }
}

#endif
