#include "build_config.h"

#ifdef HAVE_DPDK

#include "port/dpdk_groups.h"
#include "stats/clock.h"

#include <netinet/in.h>
#include <string.h>

enum {
    JOIN_REPEATS = 1,
    REPEAT_S = 60,
    ANSWERS_A_SECOND = 10,
    OLDER_ROUTER_S =
        400, /* RFC 3376: a router of an older version that has been silent for so long is gone */
    SHORTEST_FRAME = 60,
    V3 = 3
};

static void send_frame(struct dpdk_groups *groups, const uint8_t *frame, uint32_t length) {
    struct rte_mbuf *packet = rte_pktmbuf_alloc(groups->device->pool);
    if (!packet)
        return;
    uint32_t padded = length < SHORTEST_FRAME ? SHORTEST_FRAME : length;
    char *data = rte_pktmbuf_append(packet, (uint16_t)padded);
    memset(data, 0, padded);
    memcpy(data, frame, length);
    if (rte_eth_tx_burst(groups->device->id, 0, &packet, 1) == 1)
        groups->counters->memberships++;
    else
        rte_pktmbuf_free(packet);
}

/* `group` alone, or all of them for 0. */
static void say(struct dpdk_groups *groups, enum igmp_what what, uint32_t group) {
    uint8_t frame[IGMP_FRAME_MAX];
    uint32_t wanted[sizeof groups->group / sizeof *groups->group];
    unsigned count = 0;
    for (unsigned i = 0; i < groups->count; i++)
        if (!group || group == groups->group[i])
            wanted[count++] = groups->group[i];
    if (count && groups->version == V3)
        send_frame(groups, frame, igmp_report_v3(frame, &groups->host, what, wanted, count));
    for (unsigned i = 0; i < count && groups->version != V3; i++)
        send_frame(groups, frame, igmp_report_v2(frame, &groups->host, what, wanted[i]));
}

void dpdk_groups_join(struct dpdk_groups *groups, const struct dpdk_device *device, const struct plan *plan,
                      unsigned index, struct port_counters *counters) {
    const struct plan_port *port = &plan->port[index];
    *groups = (struct dpdk_groups){.device = device,
                                   .counters = counters,
                                   .version = V3,
                                   .repeats = JOIN_REPEATS,
                                   .cycles_per_s = (uint64_t)(clock_cycles_per_ns() * 1e9)};
    memcpy(groups->host.mac, device->mac.addr_bytes, sizeof groups->host.mac);
    groups->host.ip = port->interface_ip;
    for (uint32_t i = 0; i < plan->lines && !port->sends; i++)
        if (plan->line[i].port == index && IN_MULTICAST(plan->line[i].group))
            groups->group[groups->count++] = plan->line[i].group;
    say(groups, IGMP_JOIN, 0);
    groups->next_cycles = clock_cycles() + groups->cycles_per_s;
}

void dpdk_groups_repeat(struct dpdk_groups *groups) {
    if (clock_cycles() >= groups->older_cycles)
        groups->version = V3;
    say(groups, groups->repeats ? IGMP_JOIN : IGMP_PRESENT, 0);
    groups->repeats -= groups->repeats != 0;
    groups->next_cycles = clock_cycles() + REPEAT_S * groups->cycles_per_s;
}

void dpdk_groups_hear(struct dpdk_groups *groups, const uint8_t *frame, uint32_t length) {
    struct igmp_query query = igmp_query_in(frame, length);
    uint64_t now = clock_cycles();
    if (!query.version || now - groups->heard_cycles < groups->cycles_per_s / ANSWERS_A_SECOND)
        return;
    groups->heard_cycles = now;
    if (query.version < V3)
        groups->older_cycles = now + OLDER_ROUTER_S * groups->cycles_per_s;
    if (query.version < groups->version)
        groups->version = query.version;
    say(groups, IGMP_PRESENT, query.group);
}

void dpdk_groups_leave(struct dpdk_groups *groups) {
    say(groups, IGMP_LEAVE, 0);
    groups->count = 0;
}

#endif
