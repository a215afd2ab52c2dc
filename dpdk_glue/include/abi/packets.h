/* Packets: frames of a port, what became of them, and the arbitration of lines.
 *
 * The structs with pointers stay within one process; they stand here for callers in another language.
 */
#ifndef APPLIANCE_ABI_PACKETS_H
#define APPLIANCE_ABI_PACKETS_H

#include "abi/base.h"

enum port_kind {
    PORT_ETHERNET = 0, /* one Ethernet frame */
    PORT_ITCH = 1,     /* a run of whole framed messages: u16 big-endian length, message */
    PORT_DATAGRAM = 2  /* the payload of one UDP datagram of the line that the frame names */
};

/* What a port received. At least 64 bytes behind `data + length` may be read. */
struct port_frame {
    const uint8_t *data;
    uint32_t length;
    uint16_t line;
    uint16_t kind;
    uint64_t time_ns; /* since 1970, as the capture, the kernel or the card says; 0 = nobody does */
};
ABI_SIZE(port_frame, 24);

/* What one port did. A counter that its kind does not have stays 0. */
struct port_counters {
    uint64_t frames;
    uint64_t bytes;
    uint64_t bursts;    /* that were not empty */
    uint64_t dropped;   /* by the kernel or the card, for lack of room, as it reports */
    uint64_t errors;    /* frames the card refused, failed calls to the kernel */
    uint64_t no_buffer; /* frames without a buffer to receive into */
    uint64_t truncated; /* longer than the longest buffer: dropped */
    uint64_t sent;
    uint64_t unsent;      /* frames that the card or the kernel did not take */
    uint64_t memberships; /* reports to the router, for the groups */
    uint64_t reserved[6];
};
ABI_SIZE(port_counters, 128);

/* What an Ethernet frame is. Only FRAME_UDP goes on. */
enum frame_verdict {
    FRAME_UDP = 0,
    FRAME_SHORT = 1,         /* ends inside the Ethernet header or a VLAN tag */
    FRAME_NOT_IPV4 = 2,      /* ARP, IPv6, anything else */
    FRAME_TOO_MANY_TAGS = 3, /* more than two VLAN tags */
    FRAME_IP_TRUNCATED = 4,  /* ends inside the IPv4 packet */
    FRAME_IP_VERSION = 5,
    FRAME_IP_OPTIONS = 6,
    FRAME_IP_LENGTH = 7, /* a header or total length that cannot be */
    FRAME_IP_CHECKSUM = 8,
    FRAME_FRAGMENT = 9,
    FRAME_NOT_UDP = 10,
    FRAME_UDP_TRUNCATED = 11, /* the datagram is longer than its IPv4 packet */
    FRAME_UDP_LENGTH = 12,    /* a length below 8 */
    FRAME_UDP_CHECKSUM = 13,
    FRAME_VERDICTS = 14
};

struct frame_udp {
    const uint8_t *payload;
    uint32_t length;
    uint32_t ip; /* destination, host order */
    uint16_t port;
    uint16_t reserved[3];
};
ABI_SIZE(frame_udp, 24);

/* Every frame has one verdict. Checksums of 0 were not computed by the sender: taken, and counted. */
struct frame_counters {
    uint64_t frames;
    uint64_t no_ip_checksum;
    uint64_t no_udp_checksum;
    uint64_t by_verdict[16];
};
ABI_SIZE(frame_counters, 152);

/* Which destination is which line of the feed: 0 = A, 1 = B. */
struct line_map {
    uint32_t ip[2];
    uint16_t port[2];
    uint32_t found;
    uint64_t other; /* datagrams to anyone else */
};
ABI_SIZE(line_map, 24);

/* What a MoldUDP64 packet is to the stream. The first five are well-formed data; wire/mold64.h says more. */
enum mold64_verdict {
    MOLD64_DELIVERED = 0, /* the next messages */
    MOLD64_PARTIAL = 1,   /* some were delivered before, the rest are the next */
    MOLD64_HELD = 2,      /* ahead of a gap: waits for it to be filled */
    MOLD64_LATE = 3,      /* all of it was delivered before */
    MOLD64_DUPLICATE = 4, /* all of it waits already */
    MOLD64_HEARTBEAT = 5,
    MOLD64_END_OF_SESSION = 6,
    MOLD64_OTHER_SESSION = 7,
    MOLD64_SHORT = 8,         /* ends inside the header */
    MOLD64_TRUNCATED = 9,     /* ends inside a block */
    MOLD64_FEWER_BLOCKS = 10, /* ends before the blocks that the count promises */
    MOLD64_TRAILING = 11,     /* goes on behind them */
    MOLD64_OVERSIZED = 12,    /* longer than UDP allows */
    MOLD64_BAD_SEQUENCE = 13, /* 0 in a numbered stream, or beyond 2^64 */
    MOLD64_FAR_AHEAD = 14,    /* further ahead than is believed of one packet alone */
    MOLD64_NO_ROOM = 15,      /* ahead of a gap, and the window is full: not kept */
    MOLD64_VERDICTS = 16
};

/* One line. Every packet has one verdict. A gap is a jump of this line's own sequence, whoever fills it. */
struct mold64_line {
    uint64_t packets;
    uint64_t messages;
    uint64_t gaps;
    uint64_t gap_messages;
    uint64_t by_verdict[16];
};
ABI_SIZE(mold64_line, 160);

/* The stream that comes out: what no line had is lost. */
struct mold64_counters {
    uint64_t messages;
    uint64_t gaps;
    uint64_t lost;
    uint64_t sessions;
    uint64_t held_peak;
    uint64_t dropped; /* packets that waited, until others needed their room more */
    struct mold64_line line[4];
};
ABI_SIZE(mold64_counters, 688);
ABI_AT(mold64_counters, line, 48);

/* Messages in sequence, framed as in a file. */
struct mold64_run {
    const uint8_t *blocks;
    uint32_t length;
    uint32_t messages;
    uint64_t first_sequence;
    uint64_t gap_before;  /* messages lost before the first of these */
    uint32_t new_session; /* 1: the first run of another session than before; sequences start again */
    uint32_t reserved;
};
ABI_SIZE(mold64_run, 40);

/* Messages that are missing, and of which it is known that they exist. */
struct mold64_gap {
    uint64_t first;
    uint64_t count;
};
ABI_SIZE(mold64_gap, 16);

#endif
