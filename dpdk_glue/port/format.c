#include "port/format.h"

#include "wire/bytes.h"
#include "wire/itch.h"

#include <stdarg.h>
#include <stdio.h>

enum { LINK_ETHERNET = 1, MESSAGES_TO_LOOK_AT = 1000 };

int64_t format_more(struct format *format, size_t wanted) {
    format->wanted = wanted;
    return FORMAT_MORE;
}

int64_t format_bad(struct format *format, const char *complaint, ...) {
    va_list arguments;
    va_start(arguments, complaint);
    vsnprintf(format->complaint, sizeof format->complaint, complaint, arguments);
    va_end(arguments);
    return FORMAT_BAD;
}

int64_t format_check_link(struct format *format, uint32_t link_type) {
    if (link_type != LINK_ETHERNET)
        return format_bad(format, "the capture is of link type %u, not Ethernet (1)", link_type);
    return 0;
}

uint64_t format_time_ns(const struct capture_interface *interface, uint64_t units) {
    const uint64_t second = 1000000000;
    uint64_t per_second = interface->units_per_second;
    uint64_t fraction = (uint64_t)((unsigned __int128)(units % per_second) * second / per_second);
    return (units / per_second + interface->offset_seconds) * second + fraction;
}

/* Framed ITCH has no magic number: one message of a known type and its right length is the proof, and as the
 * first may be of a type that we do not know, some more get a chance. */
static bool looks_like_itch(const uint8_t *at, size_t have) {
    size_t next = 0;
    for (unsigned message = 0; message < MESSAGES_TO_LOOK_AT && have - next >= 3; message++) {
        unsigned length = bytes_be16(at + next);
        if (length == 0)
            return false;
        if (itch_length_is_right(at[next + 2], length))
            return true;
        if (have - next < 2 + (size_t)length)
            return false;
        next += 2 + (size_t)length;
    }
    return false;
}

enum format_kind format_detect(const uint8_t *at, size_t have) {
    if (have >= 4) {
        switch (bytes_be32(at)) {
        case 0xa1b2c3d4:
        case 0xd4c3b2a1:
        case 0xa1b23c4d:
        case 0x4d3cb2a1:
            return FORMAT_PCAP;
        case 0x0a0d0d0a:
            return FORMAT_PCAPNG;
        }
    }
    return looks_like_itch(at, have) ? FORMAT_ITCH : FORMAT_UNKNOWN;
}

int64_t format_itch_step(struct format *format, const uint8_t *at, size_t have, struct port_frame *frame) {
    if (have < 2)
        return format_more(format, 2);
    size_t run = 0;
    while (have - run >= 2) {
        size_t next = run + 2 + bytes_be16(at + run);
        if (next == run + 2 || next > have || (next > FORMAT_RUN_BYTES && run))
            break;
        run = next;
    }
    if (run) {
        *frame = (struct port_frame){.data = at, .length = (uint32_t)run, .kind = PORT_ITCH};
        format->has_frame = true;
        return (int64_t)run;
    }
    if (bytes_be16(at))
        return format_more(format, 2 + (size_t)bytes_be16(at));
    /* The venue ends its files with a length of 0. */
    if (have > 2)
        return format_bad(format, "a message of length 0");
    return format->ended ? 2 : format_more(format, 3);
}
