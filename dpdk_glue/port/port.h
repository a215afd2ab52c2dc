/* Where frames come from and go to: one small interface for every kind of port.
 *
 * A driver is chosen once, at start. The receiving loop calls it once a burst, never once a packet:
 *
 *     struct port *port = driver->open(&plan, options, error);
 *     while ((count = driver->rx_burst(port, frames, room)) >= 0)
 *         ...
 *
 * Frames stay valid until the next rx_burst, and PORT_SLACK bytes behind each may be read, because the ITCH
 * decoder reads past the end of a message.
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
    struct port_counters counters;
};

struct port_driver {
    const char *name;
    /* NULL with one line in `error`, which has room for PORT_ERROR_BYTES. */
    struct port *(*open)(const struct plan_port *plan, unsigned options, char *error);
    int (*rx_burst)(struct port *port, struct port_frame *frames, unsigned room);
    /* How many of the frames were taken, all of them PORT_ETHERNET with whole headers; NULL in a driver that
     * can only receive. */
    int (*tx_burst)(struct port *port, const struct port_frame *frames, unsigned count);
    void (*close)(struct port *port);
};

#endif
