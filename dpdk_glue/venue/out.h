/* Packets as Ethernet frames, handed to the ports in bursts.
 *
 * The bytes of a packet are added up once, for both of its lines: what differs between frames is a header of
 * 62 bytes, made from one prepared for the line, and its checksums follow from sums that are known. A frame
 * is not on the wire before its burst is flushed; a full burst flushes itself. When a port takes nothing, the
 * sender waits for it, until it is told to stop.
 */
#ifndef APPLIANCE_VENUE_OUT_H
#define APPLIANCE_VENUE_OUT_H

#include "abi.h"
#include "port/port.h"
#include "synth/datagram.h"
#include "venue/cut.h"
#include "venue/day.h"

enum {
    VENUE_LINES = 2,
    VENUE_BURST = 64,
    VENUE_HEADER_BYTES = SYNTH_HEADERS_BYTES + VENUE_MOLD_HEADER_BYTES,
    VENUE_FRAME_BYTES = SYNTH_HEADERS_BYTES + VENUE_PAYLOAD_BYTES + PORT_SLACK
};

struct venue_out_line {
    uint8_t header[VENUE_HEADER_BYTES];
    uint16_t port;
    uint16_t identification; /* of the next datagram */
    uint32_t ip_sum;         /* of what never changes in the IPv4 header */
    uint32_t udp_sum;        /* likewise of UDP's: addresses, protocol, ports, session */
};

struct venue_burst {
    struct port *port;
    unsigned count;
    struct port_frame frames[VENUE_BURST];
    uint8_t bytes[VENUE_BURST][VENUE_FRAME_BYTES];
};

struct venue_out {
    const uint8_t *day;
    const uint32_t *told_to_stop;
    struct venue_out_line line[VENUE_LINES];
    unsigned ports;
    struct venue_burst burst[2];
};

/* Opens the ports of the plan. 0, or -1 with one line in `error` (PORT_ERROR_BYTES). */
int venue_out_open(struct venue_out *out, const struct plan *plan, const uint8_t *day,
                   const uint32_t *told_to_stop, char *error);
void venue_out_close(struct venue_out *out);
/* Of all packets from now on. */
void venue_out_session(struct venue_out *out, const char *session);

/* Makes the frame of a packet on line `index`, and returns its bytes. */
uint32_t venue_out_put(struct venue_out *out, unsigned index, const struct venue_packet *packet);
void venue_out_flush(struct venue_out *out);

#endif
