/* pcap: a header of 24 bytes, then packets with 16 bytes before each, in the byte order of the machine that
 * wrote them and with times in micro- or nanoseconds, as the magic number says. */
#include "port/format.h"
#include "wire/bytes.h"

enum {
    HEADER_BYTES = 24,
    PACKET_HEADER_BYTES = 16,
    MICROSECONDS = 0xa1b2c3d4,
    NANOSECONDS = 0xa1b23c4d,
    LINK_TYPE_BITS = 0x03ffffff /* above them: whether frames end with their check sequence */
};

static int64_t start(struct format *format, const uint8_t *at, size_t have) {
    if (have < HEADER_BYTES)
        return format_more(format, HEADER_BYTES);
    uint32_t magic = bytes_be32(at);
    format->big_endian = magic == (uint32_t)MICROSECONDS || magic == (uint32_t)NANOSECONDS;
    bool micro = bytes_u32(at, format->big_endian) == (uint32_t)MICROSECONDS;
    format->interfaces[0].units_per_second = micro ? 1000000 : 1000000000;
    if (format_check_link(format, bytes_u32(at + 20, format->big_endian) & LINK_TYPE_BITS) != 0)
        return FORMAT_BAD;
    format->started = true;
    return HEADER_BYTES;
}

int64_t format_pcap_step(struct format *format, const uint8_t *at, size_t have, struct port_frame *frame) {
    if (!format->started)
        return start(format, at, have);
    if (have < PACKET_HEADER_BYTES)
        return format_more(format, PACKET_HEADER_BYTES);
    const struct capture_interface *interface = &format->interfaces[0];
    uint64_t seconds = bytes_u32(at, format->big_endian);
    uint64_t fraction = bytes_u32(at + 4, format->big_endian);
    uint32_t length = bytes_u32(at + 8, format->big_endian);
    if (length > FORMAT_PACKET_MAX)
        return format_bad(format, "a packet of %u bytes, which no capture has", length);
    size_t bytes = PACKET_HEADER_BYTES + (size_t)length;
    if (have < bytes)
        return format_more(format, bytes);
    *frame = (struct port_frame){
        .data = at + PACKET_HEADER_BYTES,
        .length = length,
        .kind = PORT_ETHERNET,
        .time_ns = format_time_ns(interface, seconds * interface->units_per_second + fraction),
    };
    format->has_frame = true;
    return (int64_t)bytes;
}
