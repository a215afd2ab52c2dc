/* Membership in the feed's groups, as a kernel would keep it: joined at the start, said again a second later
 * and then every minute, answered when a router asks, left at the end.
 */
#ifndef APPLIANCE_PORT_DPDK_GROUPS_H
#define APPLIANCE_PORT_DPDK_GROUPS_H

#include "port/dpdk_device.h"
#include "wire/igmp.h"

struct dpdk_groups {
    const struct dpdk_device *device;
    struct port_counters *counters;
    struct igmp_host host;
    uint32_t group[sizeof((struct plan){0}.line) / sizeof(struct plan_line)];
    unsigned count; /* 0: nothing is ever sent */
    unsigned version;
    unsigned repeats; /* of the join, still to be sent */
    uint64_t cycles_per_s;
    uint64_t next_cycles;  /* when to say it again */
    uint64_t heard_cycles; /* when a query was answered last */
    uint64_t older_cycles; /* until when an older router is believed to be there; 0 = none is */
};

void dpdk_groups_join(struct dpdk_groups *groups, const struct dpdk_device *device, const struct plan *plan,
                      unsigned index, struct port_counters *counters);
void dpdk_groups_repeat(struct dpdk_groups *groups);
/* A frame that may be a router's query. */
void dpdk_groups_hear(struct dpdk_groups *groups, const uint8_t *frame, uint32_t length);
void dpdk_groups_leave(struct dpdk_groups *groups);

static inline bool dpdk_groups_are_due(const struct dpdk_groups *groups, uint64_t cycles) {
    return groups->count && cycles >= groups->next_cycles;
}

#endif
