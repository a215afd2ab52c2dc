#include "build_config.h"

#ifdef HAVE_DPDK

#include "port/dpdk_filter.h"

#include <netinet/in.h>
#include <rte_flow.h>
#include <string.h>

enum { GROUPS_MAX = 2, PROTOCOL_IGMP = 2 };

/* One rule: frames of this destination and protocol go to the queue; without a destination, this protocol;
 * without both, everything, and it is dropped. */
struct wanted {
    uint32_t group;
    uint16_t udp_port;
    uint8_t protocol;
    uint16_t queue;
};

static bool install(const struct dpdk_device *device, const struct wanted *wanted) {
    struct rte_flow_item_ipv4 ip = {.hdr.dst_addr = rte_cpu_to_be_32(wanted->group),
                                    .hdr.next_proto_id = wanted->protocol};
    struct rte_flow_item_ipv4 ip_mask = {.hdr.dst_addr = wanted->group ? RTE_BE32(0xffffffff) : 0,
                                         .hdr.next_proto_id = 0xff};
    struct rte_flow_item_udp udp = {.hdr.dst_port = rte_cpu_to_be_16(wanted->udp_port)};
    struct rte_flow_item_udp udp_mask = {.hdr.dst_port = RTE_BE16(0xffff)};
    struct rte_flow_action_queue queue = {.index = wanted->queue};
    struct rte_flow_item items[4] = {{.type = RTE_FLOW_ITEM_TYPE_ETH}};
    unsigned next = 1;
    if (wanted->protocol)
        items[next++] =
            (struct rte_flow_item){.type = RTE_FLOW_ITEM_TYPE_IPV4, .spec = &ip, .mask = &ip_mask};
    if (wanted->udp_port)
        items[next++] =
            (struct rte_flow_item){.type = RTE_FLOW_ITEM_TYPE_UDP, .spec = &udp, .mask = &udp_mask};
    items[next] = (struct rte_flow_item){.type = RTE_FLOW_ITEM_TYPE_END};
    const struct rte_flow_action lead[2] = {{.type = RTE_FLOW_ACTION_TYPE_QUEUE, .conf = &queue},
                                            {.type = RTE_FLOW_ACTION_TYPE_END}};
    const struct rte_flow_action drop[2] = {{.type = RTE_FLOW_ACTION_TYPE_DROP},
                                            {.type = RTE_FLOW_ACTION_TYPE_END}};
    const struct rte_flow_action *actions = wanted->protocol ? lead : drop;
    struct rte_flow_attr attributes = {.ingress = 1, .priority = wanted->protocol ? 0 : 1};
    struct rte_flow_error error;
    return rte_flow_validate(device->id, &attributes, items, actions, &error) == 0 &&
           rte_flow_create(device->id, &attributes, items, actions, &error) != NULL;
}

static unsigned lines_of(const struct plan *plan, unsigned index, struct wanted wanted[GROUPS_MAX]) {
    unsigned count = 0;
    for (uint32_t i = 0; i < plan->lines && count < GROUPS_MAX; i++)
        if (plan->line[i].port == index)
            wanted[count++] = (struct wanted){
                .group = plan->line[i].group, .udp_port = plan->line[i].udp_port, .protocol = IPPROTO_UDP};
    return count;
}

static bool list_addresses(const struct dpdk_device *device, const struct wanted *wanted, unsigned count) {
    struct rte_ether_addr addresses[GROUPS_MAX + 1];
    for (unsigned i = 0; i <= count; i++) {
        uint32_t group = i < count ? wanted[i].group : INADDR_ALLHOSTS_GROUP; /* where a router asks */
        addresses[i] =
            (struct rte_ether_addr){{0x01, 0x00, 0x5e, group >> 16 & 0x7f, group >> 8 & 0xff, group & 0xff}};
    }
    return rte_eth_dev_set_mc_addr_list(device->id, addresses, count + 1) == 0;
}

const char *dpdk_filter_ask(const struct dpdk_device *device, const struct plan *plan, unsigned index) {
    struct wanted wanted[GROUPS_MAX];
    unsigned count = lines_of(plan, index, wanted);
    struct rte_flow_error error;
    bool steered = count != 0;
    for (unsigned i = 0; steered && i < count; i++) {
        wanted[i].queue = (uint16_t)(i % device->rx_queues);
        steered = install(device, &wanted[i]);
    }
    if (!steered)
        rte_flow_flush(device->id, &error);
    bool listed = count && list_addresses(device, wanted, count);
    if (!listed && rte_eth_allmulticast_enable(device->id) != 0)
        rte_eth_promiscuous_enable(device->id);
    if (steered) {
        bool only = install(device, &(struct wanted){.protocol = PROTOCOL_IGMP}) &&
                    install(device, &(struct wanted){0});
        return only ? "the card passes on the feed's groups only"
                    : "the card leads each group to its queue; what else comes is left out here";
    }
    return listed ? "the card passes on the addresses of the feed's groups; the rest is left out here"
                  : "the card passes on everything; what is not the feed is left out here";
}

#endif
