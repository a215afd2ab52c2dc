#include "wire/igmp.h"

#include "wire/bytes.h"

#include <string.h>

enum {
    ETHERNET_BYTES = 14,
    IP_BYTES = 24, /* with router alert */
    V2_BYTES = 8,
    RECORD_BYTES = 8,
    ETHER_IPV4 = 0x0800,
    PROTOCOL_IGMP = 2,
    PROTOCOL_AT = ETHERNET_BYTES + 9,

    TYPE_QUERY = 0x11,
    TYPE_V2_REPORT = 0x16,
    TYPE_V2_LEAVE = 0x17,
    TYPE_V3_REPORT = 0x22,
    V3_QUERY_BYTES = 12, /* a longer query is of version 3 */

    /* Kinds of a group record; each for no sources: "all but none" is everything. */
    RECORD_IS_EXCLUDE = 2,
    RECORD_TO_INCLUDE = 3,
    RECORD_TO_EXCLUDE = 4
};

#define ALL_ROUTERS    0xe0000002
#define ALL_V3_ROUTERS 0xe0000016

static void put_be16(uint8_t *at, unsigned value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put_be32(uint8_t *at, uint32_t value) {
    put_be16(at, value >> 16);
    put_be16(at + 2, value & 0xffff);
}

/* The internet checksum of an even number of bytes: the sum of all, with it in place, is 0xffff. */
static unsigned sum_of(const uint8_t *at, uint32_t bytes) {
    uint32_t sum = 0;
    for (uint32_t i = 0; i < bytes; i += 2)
        sum += bytes_be16(at + i);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

static void put_checksum(uint8_t *at, uint32_t bytes, uint32_t place) {
    put_be16(at + place, ~sum_of(at, bytes) & 0xffff);
}

/* Ethernet and IPv4 before `bytes` of IGMP that are in place, and the checksums of both. */
static uint32_t put_headers(uint8_t *frame, const struct igmp_host *host, uint32_t to, uint32_t bytes) {
    uint8_t *ip = frame + ETHERNET_BYTES;
    frame[0] = 0x01;
    frame[1] = 0x00;
    frame[2] = 0x5e;
    put_be32(ip, to & 0x7fffff); /* the last 23 bits of the group end the Ethernet address */
    memcpy(frame + 3, ip + 1, 3);
    memcpy(frame + 6, host->mac, 6);
    put_be16(frame + 12, ETHER_IPV4);
    memset(ip, 0, IP_BYTES);
    ip[0] = 0x40 | IP_BYTES / 4;
    ip[1] = 0xc0; /* internetwork control */
    put_be16(ip + 2, IP_BYTES + bytes);
    ip[8] = 1; /* hops: never beyond this network */
    ip[9] = PROTOCOL_IGMP;
    put_be32(ip + 12, host->ip);
    put_be32(ip + 16, to);
    put_be32(ip + 20, 0x94040000); /* router alert: switches and routers look at it */
    put_checksum(ip, IP_BYTES, 10);
    put_checksum(ip + IP_BYTES, bytes, 2);
    return ETHERNET_BYTES + IP_BYTES + bytes;
}

uint32_t igmp_report_v3(uint8_t frame[IGMP_FRAME_MAX], const struct igmp_host *host, enum igmp_what what,
                        const uint32_t *groups, unsigned count) {
    uint8_t *report = frame + ETHERNET_BYTES + IP_BYTES;
    uint32_t bytes = V2_BYTES + RECORD_BYTES * count;
    memset(report, 0, bytes);
    report[0] = TYPE_V3_REPORT;
    put_be16(report + 6, count);
    for (unsigned i = 0; i < count; i++) {
        uint8_t *record = report + V2_BYTES + (size_t)RECORD_BYTES * i;
        record[0] = what == IGMP_JOIN      ? RECORD_TO_EXCLUDE
                    : what == IGMP_PRESENT ? RECORD_IS_EXCLUDE
                                           : RECORD_TO_INCLUDE;
        put_be32(record + 4, groups[i]);
    }
    return put_headers(frame, host, ALL_V3_ROUTERS, bytes);
}

uint32_t igmp_report_v2(uint8_t frame[IGMP_FRAME_MAX], const struct igmp_host *host, enum igmp_what what,
                        uint32_t group) {
    uint8_t *report = frame + ETHERNET_BYTES + IP_BYTES;
    memset(report, 0, V2_BYTES);
    report[0] = what == IGMP_LEAVE ? TYPE_V2_LEAVE : TYPE_V2_REPORT;
    put_be32(report + 4, group);
    return put_headers(frame, host, what == IGMP_LEAVE ? ALL_ROUTERS : group, V2_BYTES);
}

struct igmp_query igmp_query_in(const uint8_t *frame, uint32_t length) {
    const struct igmp_query none = {0};
    if (length < ETHERNET_BYTES + 20 || bytes_be16(frame + 12) != ETHER_IPV4 ||
        frame[PROTOCOL_AT] != PROTOCOL_IGMP)
        return none;
    const uint8_t *ip = frame + ETHERNET_BYTES;
    uint32_t header = 4 * (uint32_t)(ip[0] & 15);
    uint32_t total = bytes_be16(ip + 2);
    if (ip[0] >> 4 != 4 || header < 20 || total > length - ETHERNET_BYTES || total < header + V2_BYTES ||
        total % 2)
        return none;
    const uint8_t *query = ip + header;
    uint32_t bytes = total - header;
    if (query[0] != TYPE_QUERY || sum_of(ip, header) != 0xffff || sum_of(query, bytes) != 0xffff)
        return none;
    return (struct igmp_query){.version = bytes >= V3_QUERY_BYTES ? 3 : 2, .group = bytes_be32(query + 4)};
}
