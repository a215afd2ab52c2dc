/* The port of DPDK: a network card or a virtual device, polled from user space.
 *
 * `where` is a PCI address whose card is bound to vfio, or a virtual device in EAL's words
 * ("net_af_xdp0,iface=eth1"). EAL is started by the first port; ports of one process share it.
 *
 * Frames are PORT_ETHERNET. The card is asked to pass on only the groups of the port's lines, by flow rules,
 * else by its table of multicast addresses; what it cannot keep out comes in, and the caller tells by its
 * destination. The groups are joined with IGMP from here, as no kernel does it, and left at the end.
 *
 * Only the programs that link libdpdk have this driver; port_driver_for knows.
 */
#ifndef APPLIANCE_PORT_DPDK_H
#define APPLIANCE_PORT_DPDK_H

#include "port/port.h"

extern const struct port_driver port_dpdk __attribute__((weak));

#endif
