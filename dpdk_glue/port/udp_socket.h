/* Sockets for the lines of a feed, set up so that nothing else comes in.
 *
 * A receiving socket is bound to the group itself and to its port, and takes only what the group sends on its
 * own interface: other groups, and joins of other programs, do not reach it. A line whose address is no group
 * is a plain address of this host. Nothing here needs a privilege; what only root may ask for is asked for,
 * and the port's note says what came of it.
 */
#ifndef APPLIANCE_PORT_UDP_SOCKET_H
#define APPLIANCE_PORT_UDP_SOCKET_H

#include "port/port.h"

#include <netinet/in.h>

/* The descriptor of a socket that does not block, or -1 with one line in port->error. What the operator
 * should know is added to port->note. */
int udp_socket_receiving(struct port *port, const struct plan_port *plan, const struct plan_line *line);
int udp_socket_sending(struct port *port, const struct plan_port *plan);

struct sockaddr_in udp_socket_address(const struct plan_line *line);

#endif
