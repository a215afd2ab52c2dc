/* The formats of a feed file: framed ITCH, pcap, pcapng. Each is a step function over bytes in memory.
 *
 * A step looks at the unread bytes and says how many it has dealt with; if they hold a frame, `frame` points
 * at it. Or it says that it cannot decide yet (FORMAT_MORE, `wanted`: how many bytes it must see at once), or
 * that the bytes are wrong (FORMAT_BAD, `complaint`). It keeps what it must know between frames and never
 * reads beyond `have`.
 */
#ifndef APPLIANCE_PORT_FORMAT_H
#define APPLIANCE_PORT_FORMAT_H

#include "abi.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    FORMAT_MORE = 0,
    FORMAT_BAD = -1,

    /* Messages of an ITCH file that make one frame: large batches for the book. */
    FORMAT_RUN_BYTES = 64 << 10,
    /* The longest packet that libpcap writes, and the longest block we look into. */
    FORMAT_PACKET_MAX = 256 << 10,
    FORMAT_BLOCK_MAX = 320 << 10,
    FORMAT_INTERFACES_MAX = 64
};

struct capture_interface {
    uint32_t snap_length;
    uint64_t units_per_second;
    uint64_t offset_seconds;
};

struct format {
    enum format_kind { FORMAT_UNKNOWN, FORMAT_ITCH, FORMAT_PCAP, FORMAT_PCAPNG } kind;
    bool started;    /* pcap: the file header has been read */
    bool big_endian; /* of the file, or of this section of a pcapng */
    bool ended;      /* nothing follows the bytes at hand: the caller says so */
    bool has_frame;  /* answers of a step */
    size_t wanted;
    char complaint[128];
    uint32_t interface_count;
    struct capture_interface interfaces[FORMAT_INTERFACES_MAX];
};

/* FORMAT_UNKNOWN if it is none of them. */
enum format_kind format_detect(const uint8_t *at, size_t have);

int64_t format_itch_step(struct format *format, const uint8_t *at, size_t have, struct port_frame *frame);
int64_t format_pcap_step(struct format *format, const uint8_t *at, size_t have, struct port_frame *frame);
int64_t format_pcapng_step(struct format *format, const uint8_t *at, size_t have, struct port_frame *frame);

/* For the steps: remember the answer and return it. */
int64_t format_more(struct format *format, size_t wanted);
__attribute__((format(printf, 2, 3))) int64_t format_bad(struct format *format, const char *complaint, ...);
int64_t format_check_link(struct format *format, uint32_t link_type);
uint64_t format_time_ns(const struct capture_interface *interface, uint64_t units);

#endif
