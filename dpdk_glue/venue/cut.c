#include "venue/cut.h"

#include "synth/packer.h"
#include "venue/day.h"
#include "wire/bytes.h"

#include <string.h>

enum { HEADER_BYTES = 11, TIME_OFFSET = 5 };

uint16_t venue_sum(const uint8_t *data, uint32_t bytes) {
    uint64_t low = 0;
    uint64_t high = 0;
    for (; bytes >= 8; bytes -= 8, data += 8) {
        uint64_t words;
        memcpy(&words, data, sizeof words);
        low += words & 0xffffffff;
        high += words >> 32;
    }
    uint64_t rest = 0;
    memcpy(&rest, data, bytes);
    low += (rest & 0xffffffff) + (rest >> 32);
    return venue_fold(low + high);
}

void venue_cut_open(struct venue_cut *cut, const uint8_t *day, uint32_t most_messages) {
    *cut = (struct venue_cut){.day = day, .sequence = 1, .most = most_messages};
}

/* A message too short to have a time has that of the one before. */
static uint64_t time_of(const uint8_t *framed, uint32_t bytes, uint64_t before_ns) {
    if (bytes < 2 + HEADER_BYTES)
        return before_ns;
    return (uint64_t)bytes_be16(framed + 2 + TIME_OFFSET) << 32 | bytes_be32(framed + 4 + TIME_OFFSET);
}

bool venue_cut_next(struct venue_cut *cut, uint64_t bytes, struct venue_packet *packet) {
    uint64_t at = cut->at;
    uint64_t first_ns = 0;
    uint32_t taken = 0;
    uint32_t count = 0;
    while (at + 2 <= bytes && count < cut->most) {
        const uint8_t *framed = cut->day + at;
        uint32_t next = venue_framed_bytes(framed);
        uint64_t ns = time_of(framed, next, cut->ns);
        if (count == 0)
            first_ns = ns;
        if (at + next > bytes || VENUE_MOLD_HEADER_BYTES + taken + next > VENUE_PAYLOAD_BYTES ||
            ns - first_ns > SYNTH_PACKET_WINDOW_NS)
            break;
        cut->ns = ns;
        taken += next;
        at += next;
        count++;
    }
    if (!count)
        return false;
    *packet = (struct venue_packet){.sequence = cut->sequence,
                                    .offset = cut->at,
                                    .last_ns = cut->ns,
                                    .bytes = taken,
                                    .count = (uint16_t)count,
                                    .sum = venue_sum(cut->day + cut->at, taken)};
    cut->at = at;
    cut->sequence += count;
    return true;
}
