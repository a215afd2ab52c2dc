/* What a card is asked to let in: the feed's groups, and the router's questions.
 *
 * From the best to the least, as the driver can: rules for each group and port that lead to a queue, and one
 * that drops all else; the rules alone; the groups in the card's table of multicast addresses; all multicast;
 * everything.
 */
#ifndef APPLIANCE_PORT_DPDK_FILTER_H
#define APPLIANCE_PORT_DPDK_FILTER_H

#include "port/dpdk_device.h"

/* Asks a device that has been started, and says in a few words what came of it. */
const char *dpdk_filter_ask(const struct dpdk_device *device, const struct plan *plan, unsigned index);

#endif
