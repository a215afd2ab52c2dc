/* The file port with a clock: frames become due as the recorded times say, or at a rate of messages a second.
 *
 * Nothing sleeps: rx_burst returns 0 while nothing is due. The clock starts with the first rx_burst, and a
 * caller that was away gets what became due meanwhile at once.
 *
 *     recorded   captures: the time of each packet; bare feed files: the time stamp of each message. What has
 *                no time, or an earlier one than what stands before it, is due together with that.
 *     rate       message n is due n / rate seconds after the start. A packet is due when its first message
 * is;
 *                a message that another line has already brought takes no time of its own.
 *
 * Runs of a bare feed file are cut where the next message is not due yet.
 */
#ifndef APPLIANCE_PORT_PACED_H
#define APPLIANCE_PORT_PACED_H

#include "port/port.h"

extern const struct port_driver port_paced;

#endif
