#include "synth/datagram.h"

#include <string.h>

#include "synth/writer.h"

enum { ETHERTYPE_IPV4 = 0x0800, PROTOCOL_UDP = 17, TIME_TO_LIVE = 16, DO_NOT_FRAGMENT = 0x4000 };

/* The ones' complement sum of big-endian 16-bit words; an odd last byte counts as a high one. */
static uint64_t add_words(uint64_t sum, const uint8_t *data, uint32_t bytes) {
    for (; bytes >= 2; bytes -= 2, data += 2)
        sum += (uint32_t)data[0] << 8 | data[1];
    return bytes ? sum + ((uint32_t)data[0] << 8) : sum;
}

static uint16_t finish(uint64_t sum) {
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static void write_ethernet(uint8_t *at, const struct synth_path *path) {
    synth_put16(at, 0x0100);
    synth_put32(at + 2, 0x5e000000 | (path->group & 0x7fffff));
    synth_put16(at + 6, 0x0200);
    synth_put32(at + 8, path->source);
    synth_put16(at + 12, ETHERTYPE_IPV4);
}

static void write_ip(uint8_t *at, struct synth_path *path, uint32_t bytes) {
    at[0] = 0x45;
    at[1] = 0;
    synth_put16(at + 2, (uint16_t)bytes);
    synth_put16(at + 4, path->identification++);
    synth_put16(at + 6, DO_NOT_FRAGMENT);
    at[8] = TIME_TO_LIVE;
    at[9] = PROTOCOL_UDP;
    synth_put16(at + 10, 0);
    synth_put32(at + 12, path->source);
    synth_put32(at + 16, path->group);
    synth_put16(at + 10, finish(add_words(0, at, SYNTH_IP_BYTES)));
}

/* A computed checksum of 0 is sent as 0xffff: 0 would mean "not computed". */
static void write_udp(uint8_t *at, const struct synth_path *path, const uint8_t *ip, uint32_t bytes) {
    synth_put16(at, path->source_port);
    synth_put16(at + 2, path->port);
    synth_put16(at + 4, (uint16_t)bytes);
    synth_put16(at + 6, 0);
    uint64_t pseudo_header = add_words(PROTOCOL_UDP + bytes, ip + 12, 8);
    uint16_t checksum = finish(add_words(pseudo_header, at, bytes));
    synth_put16(at + 6, checksum ? checksum : 0xffff);
}

uint32_t synth_datagram_write(uint8_t *frame, struct synth_path *path, const uint8_t *payload,
                              uint32_t bytes) {
    uint8_t *ip = frame + SYNTH_ETHERNET_BYTES, *udp = ip + SYNTH_IP_BYTES;
    memcpy(frame + SYNTH_HEADERS_BYTES, payload, bytes);
    write_ethernet(frame, path);
    write_ip(ip, path, SYNTH_IP_BYTES + SYNTH_UDP_BYTES + bytes);
    write_udp(udp, path, ip, SYNTH_UDP_BYTES + bytes);
    return SYNTH_HEADERS_BYTES + bytes;
}
