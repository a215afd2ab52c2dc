#include "wire/frame.h"

#include "wire/bytes.h"

#include <stddef.h>

enum {
    ETHERTYPE_IPV4 = 0x0800,
    ETHERTYPE_VLAN = 0x8100,
    ETHERTYPE_SERVICE_VLAN = 0x88a8,
    ETHERTYPE_AT = 12,
    VLAN_TAG_BYTES = 4,
    VLAN_TAGS_MAX = 2,
    IP_BYTES = 20,
    IP_FRAGMENT_BITS = 0x3fff, /* more fragments, and the offset */
    IP_PROTOCOL_UDP = 17,
    UDP_BYTES = 8
};

_Static_assert(FRAME_VERDICTS <= sizeof((struct frame_counters){0}).by_verdict / sizeof(uint64_t),
               "a counter for every verdict");

/* The ones' complement sum of big-endian 16-bit words, not folded. The sum does not care in which byte order
 * it is taken, as long as the result is turned round once: so it adds words as they lie, and in 32-bit
 * pieces. */
static uint64_t sum_words(const uint8_t *at, uint32_t length) {
    uint64_t sum = 0;
    for (; length >= 4; at += 4, length -= 4)
        sum += bytes_u32(at, false);
    if (length >= 2) {
        sum += bytes_u16(at, false);
        at += 2;
        length -= 2;
    }
    return length ? sum + *at : sum;
}

/* A right checksum makes the sum of everything all ones. */
static bool sum_is_right(uint64_t sum) {
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum == 0xffff;
}

static bool udp_checksum_is_right(const uint8_t *ip, const uint8_t *udp, uint32_t udp_length) {
    uint64_t pseudo_header = sum_words(ip + 12, 8);
    pseudo_header += __builtin_bswap16(IP_PROTOCOL_UDP);
    pseudo_header += __builtin_bswap16((uint16_t)udp_length);
    return sum_is_right(pseudo_header + sum_words(udp, udp_length));
}

/* Finds where the IPv4 packet starts, behind the VLAN tags. */
static enum frame_verdict skip_ethernet(const uint8_t *data, uint32_t length, uint32_t *start) {
    uint32_t at = ETHERTYPE_AT;
    for (unsigned tags = 0;; tags++, at += VLAN_TAG_BYTES) {
        if (length < at + 2)
            return FRAME_SHORT;
        uint16_t ethertype = bytes_be16(data + at);
        if (ethertype == ETHERTYPE_IPV4)
            break;
        if (ethertype != ETHERTYPE_VLAN && ethertype != ETHERTYPE_SERVICE_VLAN)
            return FRAME_NOT_IPV4;
        if (tags == VLAN_TAGS_MAX)
            return FRAME_TOO_MANY_TAGS;
    }
    *start = at + 2;
    return FRAME_UDP;
}

static enum frame_verdict check_ip(const uint8_t *ip, uint32_t length, struct frame_counters *counters) {
    if (length < IP_BYTES)
        return FRAME_IP_TRUNCATED;
    if (ip[0] >> 4 != 4)
        return FRAME_IP_VERSION;
    uint32_t header_bytes = (uint32_t)(ip[0] & 15) * 4;
    if (header_bytes > IP_BYTES)
        return FRAME_IP_OPTIONS;
    uint32_t total = bytes_be16(ip + 2);
    if (header_bytes < IP_BYTES || total < IP_BYTES)
        return FRAME_IP_LENGTH;
    if (total > length)
        return FRAME_IP_TRUNCATED;
    if (bytes_be16(ip + 10) == 0)
        counters->no_ip_checksum++;
    else if (!sum_is_right(sum_words(ip, IP_BYTES)))
        return FRAME_IP_CHECKSUM;
    if (bytes_be16(ip + 6) & IP_FRAGMENT_BITS)
        return FRAME_FRAGMENT;
    return ip[9] == IP_PROTOCOL_UDP ? FRAME_UDP : FRAME_NOT_UDP;
}

static enum frame_verdict parse(const uint8_t *data, uint32_t length, struct frame_udp *found,
                                struct frame_counters *counters) {
    uint32_t start = 0;
    enum frame_verdict verdict = skip_ethernet(data, length, &start);
    if (verdict != FRAME_UDP)
        return verdict;
    const uint8_t *ip = data + start;
    verdict = check_ip(ip, length - start, counters);
    if (verdict != FRAME_UDP)
        return verdict;

    const uint8_t *udp = ip + IP_BYTES;
    uint32_t room = bytes_be16(ip + 2) - (uint32_t)IP_BYTES;
    if (room < UDP_BYTES)
        return FRAME_UDP_TRUNCATED;
    uint32_t udp_length = bytes_be16(udp + 4);
    if (udp_length < UDP_BYTES)
        return FRAME_UDP_LENGTH;
    if (udp_length > room)
        return FRAME_UDP_TRUNCATED;
    if (bytes_be16(udp + 6) == 0)
        counters->no_udp_checksum++;
    else if (!udp_checksum_is_right(ip, udp, udp_length))
        return FRAME_UDP_CHECKSUM;

    *found = (struct frame_udp){
        .payload = udp + UDP_BYTES,
        .length = udp_length - UDP_BYTES,
        .ip = bytes_be32(ip + 16),
        .port = bytes_be16(udp + 2),
    };
    return FRAME_UDP;
}

enum frame_verdict frame_parse(const uint8_t *data, uint32_t length, struct frame_udp *udp,
                               struct frame_counters *counters) {
    enum frame_verdict verdict = parse(data, length, udp, counters);
    counters->frames++;
    counters->by_verdict[verdict]++;
    return verdict;
}

const char *frame_verdict_name(unsigned verdict) {
    static const char *const names[FRAME_VERDICTS] = {
        [FRAME_UDP] = "udp",
        [FRAME_SHORT] = "short",
        [FRAME_NOT_IPV4] = "not_ipv4",
        [FRAME_TOO_MANY_TAGS] = "too_many_tags",
        [FRAME_IP_TRUNCATED] = "ip_truncated",
        [FRAME_IP_VERSION] = "ip_version",
        [FRAME_IP_OPTIONS] = "ip_options",
        [FRAME_IP_LENGTH] = "ip_length",
        [FRAME_IP_CHECKSUM] = "ip_checksum",
        [FRAME_FRAGMENT] = "fragment",
        [FRAME_NOT_UDP] = "not_udp",
        [FRAME_UDP_TRUNCATED] = "udp_truncated",
        [FRAME_UDP_LENGTH] = "udp_length",
        [FRAME_UDP_CHECKSUM] = "udp_checksum",
    };
    return verdict < FRAME_VERDICTS ? names[verdict] : NULL;
}
