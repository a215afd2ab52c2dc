#include "wire/mold64_packet.h"

#include "wire/bytes.h"
#include "wire/mold64.h"

enum { SEQUENCE_AT = 10, COUNT_AT = 18, COUNT_END_OF_SESSION = 0xffff };

enum mold64_verdict mold64_parse(const uint8_t *payload, uint32_t length, struct backlog_packet *packet) {
    if (length < MOLD64_HEADER_BYTES)
        return MOLD64_SHORT;
    if (length > MOLD64_LONGEST)
        return MOLD64_OVERSIZED;
    uint32_t count = bytes_be16(payload + COUNT_AT);
    bool end_of_session = count == COUNT_END_OF_SESSION;
    *packet = (struct backlog_packet){
        .blocks = payload + MOLD64_HEADER_BYTES,
        .sequence = bytes_be64(payload + SEQUENCE_AT),
        .length = length - MOLD64_HEADER_BYTES,
        .count = end_of_session ? 0 : count,
    };
    uint32_t at = 0;
    for (uint32_t block = 0; block < packet->count; block++) {
        if (at == packet->length)
            return MOLD64_FEWER_BLOCKS;
        if (packet->length - at < 2)
            return MOLD64_TRUNCATED;
        at += 2 + (uint32_t)bytes_be16(packet->blocks + at);
        if (at > packet->length)
            return MOLD64_TRUNCATED;
    }
    if (at < packet->length)
        return MOLD64_TRAILING;
    if (packet->sequence > UINT64_MAX - packet->count)
        return MOLD64_BAD_SEQUENCE;
    if (packet->count)
        return MOLD64_DELIVERED;
    return end_of_session ? MOLD64_END_OF_SESSION : MOLD64_HEARTBEAT;
}

bool mold64_is_well_formed(const uint8_t *payload, uint32_t length) {
    struct backlog_packet packet;
    switch (mold64_parse(payload, length, &packet)) {
    case MOLD64_DELIVERED:
    case MOLD64_HEARTBEAT:
    case MOLD64_END_OF_SESSION:
        return true;
    default:
        return false;
    }
}

const char *mold64_verdict_name(unsigned verdict) {
    static const char *const names[MOLD64_VERDICTS] = {
        [MOLD64_DELIVERED] = "delivered",
        [MOLD64_PARTIAL] = "partial",
        [MOLD64_HELD] = "held",
        [MOLD64_LATE] = "late",
        [MOLD64_DUPLICATE] = "duplicate",
        [MOLD64_HEARTBEAT] = "heartbeat",
        [MOLD64_END_OF_SESSION] = "end_of_session",
        [MOLD64_OTHER_SESSION] = "other_session",
        [MOLD64_SHORT] = "short",
        [MOLD64_TRUNCATED] = "truncated",
        [MOLD64_FEWER_BLOCKS] = "fewer_blocks",
        [MOLD64_TRAILING] = "trailing",
        [MOLD64_OVERSIZED] = "oversized",
        [MOLD64_BAD_SEQUENCE] = "bad_sequence",
        [MOLD64_FAR_AHEAD] = "far_ahead",
        [MOLD64_NO_ROOM] = "no_room",
    };
    return verdict < MOLD64_VERDICTS ? names[verdict] : NULL;
}
