/* Where frames come from and go to: one small interface for every kind of port.
 *
 * A driver is chosen once, at start. The receiving loop calls it once a burst, never once a packet:
 *
 *     const struct port_driver *driver = port_driver_for(&plan->port[index]);
 *     struct port *port = driver->open(plan, index, options, error);
 *     while ((count = driver->rx_burst(port, frames, room)) >= 0)
 *         ...
 *
 * Frames stay valid until the next rx_burst, and PORT_SLACK bytes behind each may be read, because the ITCH
 * decoder reads past the end of a message.
 *
 * Who fills which of the port_counters (the others stay 0):
 *
 *     frames, bytes, bursts   every driver; a run of a bare feed file is one frame
 *     dropped                 udp: what the socket's buffer had no room for (SO_RXQ_OVFL), known when the
 * next
 *                             datagram comes; dpdk: what the card had no descriptor for (imissed)
 *     errors                  udp: calls that the kernel refused; dpdk: what the card counts as bad on either
 *                             side (ierrors, oerrors)
 *     no_buffer               dpdk: times that the pool of packet buffers was empty
 *     truncated               udp, dpdk: longer than the longest buffer, and therefore left out
 *     sent, unsent            udp, dpdk, in tx_burst
 *     memberships             dpdk: IGMP reports that were sent; for udp the kernel sends them, and counts
 *
 * What a driver must ask the kernel or the card for (dropped, errors and no_buffer of dpdk) is renewed a few
 * times a second at most.
 */
#ifndef APPLIANCE_PORT_PORT_H
#define APPLIANCE_PORT_PORT_H

#include "abi.h"
#include "wire/itch.h"

enum {
    PORT_SLACK = ITCH_SLACK,
    PORT_ERROR_BYTES = 512,

    /* What rx_burst says besides a number of frames; 0 is "nothing at the moment". */
    PORT_END = -1,    /* nothing more will come */
    PORT_FAILED = -2, /* port->error says what happened, where, and what to do */

    /* Options of open. */
    PORT_LOAD = 1 /* all input in memory before open returns; frames stay valid until close */
};

struct port_driver;

/* The part that all ports share, at the start of the driver's own. */
struct port {
    const struct port_driver *driver;
    char error[PORT_ERROR_BYTES];
    char note[PORT_ERROR_BYTES]; /* after open: what the operator should know of it, in one line; or empty */
    struct port_counters counters;
};

struct port_driver {
    const char *name;
    /* Opens plan->port[index] for the lines of the plan that name it. The plan must outlive the port. NULL
     * with one line in `error`, which has room for PORT_ERROR_BYTES. */
    struct port *(*open)(const struct plan *plan, unsigned index, unsigned options, char *error);
    int (*rx_burst)(struct port *port, struct port_frame *frames, unsigned room);
    /* How many of the frames were taken, the first ones. All of them are PORT_ETHERNET with whole headers (14
     * bytes of Ethernet, 20 of IPv4, 8 of UDP), and their `line` says for which of the plan's groups they
     * are. NULL in a driver that can only receive. */
    int (*tx_burst)(struct port *port, const struct port_frame *frames, unsigned count);
    void (*close)(struct port *port);
};

/* The driver for a port of the plan, or NULL if there is no such kind. Where DPDK is not linked, its driver
 * only says so. */
const struct port_driver *port_driver_for(const struct plan_port *plan);

#endif
