/* pcapng: blocks of (type, length, body, length again). A section header gives the byte order and forgets all
 * interfaces, an interface description gives link type and time unit, and packets come as enhanced or as
 * simple packet blocks. All other blocks are passed over. */
#include "port/format.h"
#include "wire/bytes.h"

enum {
    SECTION_HEADER = 0x0a0d0d0a,
    INTERFACE_DESCRIPTION = 1,
    SIMPLE_PACKET = 3,
    ENHANCED_PACKET = 6,

    BYTE_ORDER_MAGIC = 0x1a2b3c4d,
    BLOCK_HEADER_BYTES = 8,
    SECTION_BYTES_MIN = 28,
    INTERFACE_BYTES_MIN = 20,
    SIMPLE_BYTES_MIN = 16,
    ENHANCED_BYTES_MIN = 32,

    OPTION_END = 0,
    OPTION_TIME_RESOLUTION = 9,
    OPTION_TIME_OFFSET = 14
};

/* A negative power of ten, or of two if the top bit is set. 0 if it does not fit. */
static uint64_t units_per_second(uint8_t resolution) {
    if (resolution & 0x80)
        return (resolution & 0x7f) < 64 ? (uint64_t)1 << (resolution & 0x7f) : 0;
    if (resolution > 19)
        return 0;
    uint64_t units = 1;
    while (resolution--)
        units *= 10;
    return units;
}

static int64_t read_interface(struct format *format, const uint8_t *block, uint32_t bytes) {
    bool big_endian = format->big_endian;
    if (format_check_link(format, bytes_u16(block + 8, big_endian)) != 0)
        return FORMAT_BAD;
    if (format->interface_count == FORMAT_INTERFACES_MAX)
        return format_bad(format, "more than %d interfaces in one section", FORMAT_INTERFACES_MAX);
    struct capture_interface interface = {
        .snap_length = bytes_u32(block + 12, big_endian),
        .units_per_second = 1000000,
    };
    const uint8_t *end = block + bytes - 4;
    const uint8_t *at = block + 16;
    while (end - at >= 4) {
        uint16_t option = bytes_u16(at, big_endian);
        uint16_t length = bytes_u16(at + 2, big_endian);
        at += 4;
        if (option == OPTION_END || end - at < length)
            break;
        if (option == OPTION_TIME_RESOLUTION && length >= 1)
            interface.units_per_second = units_per_second(*at);
        if (option == OPTION_TIME_OFFSET && length >= 8)
            interface.offset_seconds = bytes_u64(at, big_endian);
        ptrdiff_t padded = (length + 3) & ~3;
        at += padded < end - at ? padded : end - at;
    }
    if (interface.units_per_second == 0)
        return format_bad(format, "interface %u counts time in units too small to count",
                          format->interface_count);
    format->interfaces[format->interface_count++] = interface;
    return bytes;
}

static int64_t read_enhanced(struct format *format, const uint8_t *block, uint32_t bytes,
                             struct port_frame *frame) {
    uint32_t interface = bytes_u32(block + 8, format->big_endian);
    if (interface >= format->interface_count)
        return format_bad(format, "a packet of interface %u, which the section does not describe", interface);
    uint32_t length = bytes_u32(block + 20, format->big_endian);
    if (length > bytes - ENHANCED_BYTES_MIN)
        return format_bad(format, "a packet of %u bytes in a block of %u", length, bytes);
    uint64_t high = bytes_u32(block + 12, format->big_endian);
    uint64_t low = bytes_u32(block + 16, format->big_endian);
    *frame = (struct port_frame){
        .data = block + 28,
        .length = length,
        .kind = PORT_ETHERNET,
        .time_ns = format_time_ns(&format->interfaces[interface], high << 32 | low),
    };
    format->has_frame = true;
    return bytes;
}

/* Belongs to the first interface and has no time; its length is the shortest of what could limit it. */
static int64_t read_simple(struct format *format, const uint8_t *block, uint32_t bytes,
                           struct port_frame *frame) {
    if (format->interface_count == 0)
        return format_bad(format, "a packet before any interface is described");
    uint32_t length = bytes_u32(block + 8, format->big_endian);
    uint32_t snap_length = format->interfaces[0].snap_length;
    if (snap_length && length > snap_length)
        length = snap_length;
    if (length > bytes - SIMPLE_BYTES_MIN)
        length = bytes - SIMPLE_BYTES_MIN;
    *frame = (struct port_frame){.data = block + 12, .length = length, .kind = PORT_ETHERNET};
    format->has_frame = true;
    return bytes;
}

/* The shortest that a block of this type can be; 0 for a type that is passed over. */
static uint32_t shortest(uint32_t type) {
    switch (type) {
    case SECTION_HEADER:
        return SECTION_BYTES_MIN;
    case INTERFACE_DESCRIPTION:
        return INTERFACE_BYTES_MIN;
    case SIMPLE_PACKET:
        return SIMPLE_BYTES_MIN;
    case ENHANCED_PACKET:
        return ENHANCED_BYTES_MIN;
    default:
        return 0;
    }
}

int64_t format_pcapng_step(struct format *format, const uint8_t *at, size_t have, struct port_frame *frame) {
    if (have < BLOCK_HEADER_BYTES + 4)
        return format_more(format, BLOCK_HEADER_BYTES + 4);
    uint32_t type = bytes_u32(at, format->big_endian);
    if (type == SECTION_HEADER) { /* reads the same in either order; what follows its length tells which */
        format->big_endian = bytes_be32(at + 8) == BYTE_ORDER_MAGIC;
        if (bytes_u32(at + 8, format->big_endian) != BYTE_ORDER_MAGIC)
            return format_bad(format, "a section header of unknown byte order");
    }
    uint32_t bytes = bytes_u32(at + 4, format->big_endian);
    uint32_t least = shortest(type);
    if (bytes % 4 || bytes < BLOCK_HEADER_BYTES + 4 || bytes < least)
        return format_bad(format, "a block of type %u with an impossible length of %u", type, bytes);
    if (least == 0)
        return bytes;
    if (bytes > FORMAT_BLOCK_MAX)
        return format_bad(format, "a block of type %u with a length of %u: too long", type, bytes);
    if (have < bytes)
        return format_more(format, bytes);
    if (bytes_u32(at + bytes - 4, format->big_endian) != bytes)
        return format_bad(format, "a block of type %u whose two lengths differ", type);
    switch (type) {
    case SECTION_HEADER:
        format->interface_count = 0;
        return bytes;
    case INTERFACE_DESCRIPTION:
        return read_interface(format, at, bytes);
    case SIMPLE_PACKET:
        return read_simple(format, at, bytes, frame);
    default:
        return read_enhanced(format, at, bytes, frame);
    }
}
