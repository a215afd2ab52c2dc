/* DPDK's environment, started once in a process, for all its ports.
 *
 * What is decided here: everything in memory (nothing is left behind, and other DPDK programs are none of our
 * business); huge pages when enough are free, else ordinary memory; no PCI device but those the plan names;
 * no thread of EAL on the core of the caller, whose affinity is as before. Words of the user (plan.eal) come
 * last, and where they speak of one of these, ours are left out.
 */
#ifndef APPLIANCE_PORT_EAL_H
#define APPLIANCE_PORT_EAL_H

#include "abi.h"

#include <stdbool.h>

/* Starts it for the plan, unless it runs. Returns 0, or -1 with one line in `error` (PORT_ERROR_BYTES). */
int eal_start(const struct plan *plan, char *error);
/* Whether the packet buffers lie in huge pages. */
bool eal_has_huge_pages(void);

/* "0000:01:00.0" or "01:00.0" */
bool eal_is_pci_address(const char *where);

/* Packet buffers that a port needs: what its rings hold, and what is in the hands of the feed. */
unsigned eal_buffers(const struct plan_port *port);

#endif
