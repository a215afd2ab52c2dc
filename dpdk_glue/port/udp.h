/* The port of kernel sockets: one for every line of the plan, and no privilege.
 *
 * A receiving port gives the datagrams of its lines as PORT_DATAGRAM, each with its line and the time that
 * the kernel took it in. Lines take turns: a burst comes from one socket, and the next burst looks at the
 * next line first. A datagram of any length that UDP allows is received whole.
 *
 * A sending port (plan_port.sends) receives nothing. It sends the UDP payload of each frame to the group of
 * the frame's line, and is heard on this host too. A datagram that the kernel refuses for another reason than
 * lack of room is dropped, as a wire would, and counted in `errors`.
 */
#ifndef APPLIANCE_PORT_UDP_H
#define APPLIANCE_PORT_UDP_H

#include "port/port.h"

extern const struct port_driver port_udp;

#endif
