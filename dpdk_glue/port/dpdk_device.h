/* A device of DPDK, from its name to running queues.
 *
 * Opening attaches the device, gives each receive queue the same pool of packet buffers, asks for the feed's
 * groups only (dpdk_filter.h), and starts it. Closing takes all of that back. An interface that another
 * process has past the kernel is refused untouched (claim.h).
 */
#ifndef APPLIANCE_PORT_DPDK_DEVICE_H
#define APPLIANCE_PORT_DPDK_DEVICE_H

#include "abi.h"

#include <net/if.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

struct dpdk_device {
    bool attached;
    bool started;
    bool stays_promiscuous; /* it was before */
    bool claimed;           /* port/claim.h: its interface is ours alone */
    char interface[IF_NAMESIZE];
    uint16_t id;
    uint16_t rx_queues;
    struct rte_mempool *pool;
    char name[64];
    const char *driver;
    /* Receive times, where the driver gives them. */
    int time_offset;    /* in a packet buffer */
    uint64_t time_flag; /* 0 = there are none */
    uint64_t time_unit_ns;
    struct rte_ether_addr mac;
};

/* Returns 0, or -1 with one line in `error`; `note` says what was agreed with the card, in one line. Both
 * have PORT_ERROR_BYTES. A device of zeros is a closed one. */
int dpdk_device_open(struct dpdk_device *device, const struct plan *plan, unsigned index, char *error,
                     char *note);
void dpdk_device_close(struct dpdk_device *device);

#endif
