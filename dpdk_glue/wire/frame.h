/* From an Ethernet frame to the UDP datagram in it, or to the reason why there is none.
 *
 * Ethernet II with up to two VLAN tags (802.1Q, 802.1ad), IPv4 without options and not fragmented, UDP.
 * Nothing outside the frame is read. Bytes behind the IP packet are Ethernet's padding, and bytes behind the
 * UDP datagram are ignored. The header checksum must be right, and so must the UDP checksum; a checksum of 0
 * says that nobody computed it (a sender that leaves it to its card, an anonymised capture): that frame is
 * taken and counted.
 */
#ifndef APPLIANCE_WIRE_FRAME_H
#define APPLIANCE_WIRE_FRAME_H

#include "abi.h"

#include <stdint.h>

/* Counts the frame and says what it is; `udp` is written only when the answer is FRAME_UDP. */
enum frame_verdict frame_parse(const uint8_t *data, uint32_t length, struct frame_udp *udp,
                               struct frame_counters *counters);

/* "ip_checksum" for FRAME_IP_CHECKSUM, and so on; NULL for a number that is no verdict. */
const char *frame_verdict_name(unsigned verdict);

#endif
