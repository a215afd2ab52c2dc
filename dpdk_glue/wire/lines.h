/* Which line of the feed a datagram belongs to, where nobody has said.
 *
 * The first two destinations (address and port) that receive a well-formed MoldUDP64 packet are the lines A
 * and B, in that order, for as long as the map lives; datagrams to anyone else are counted and belong to no
 * line.
 */
#ifndef APPLIANCE_WIRE_LINES_H
#define APPLIANCE_WIRE_LINES_H

#include "abi.h"

enum { LINES_OTHER = -1 };

/* 0 or 1, or LINES_OTHER. A map of zeros is an empty one. */
int lines_find(struct line_map *map, const struct frame_udp *udp);

#endif
