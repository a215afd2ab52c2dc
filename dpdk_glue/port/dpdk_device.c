#include "build_config.h"

#ifdef HAVE_DPDK

#include "memory/start.h"
#include "port/claim.h"
#include "port/dpdk_device.h"
#include "port/dpdk_filter.h"
#include "port/eal.h"
#include "port/port.h"
#include "port/quiet.h"

#include <errno.h>
#include <net/if.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_mbuf_dyn.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    RX_DESCRIPTORS = 2048,
    TX_DESCRIPTORS = 2048,
    POOL_CACHE = 256,
    ARGUMENTS_BYTES = sizeof((struct plan_port){0}.where) + 256
};

struct opening {
    struct dpdk_device *device;
    const struct plan *plan;
    const struct plan_port *port;
    unsigned index;
    char arguments[ARGUMENTS_BYTES];
    const char *step;
};

static bool begins(const char *text, const char *beginning) {
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

/* The value of a key in "name,key=value,...", as "value,..."; NULL if the key is not there. */
static const char *value_of(const char *arguments, const char *key) {
    size_t length = strlen(key);
    while ((arguments = strchr(arguments, ','))) {
        arguments++;
        if (strncmp(arguments, key, length) == 0 && arguments[length] == '=')
            return arguments + length + 1;
    }
    return NULL;
}

static void add_unless_said(struct opening *opening, const char *key, unsigned value) {
    size_t used = strlen(opening->arguments);
    if (!value_of(opening->arguments, key))
        snprintf(opening->arguments + used, sizeof opening->arguments - used, ",%s=%u", key, value);
}

static bool interface_of(const char *arguments, char name[IF_NAMESIZE]) {
    const char *value = value_of(arguments, "iface");
    if (value)
        snprintf(name, IF_NAMESIZE, "%.*s", (int)strcspn(value, ","), value);
    return value != NULL;
}

static bool is_virtual(const char *interface) {
    char path[64];
    snprintf(path, sizeof path, "/sys/class/net/%s/device", interface);
    return access(path, F_OK) != 0;
}

/* The drivers leave an interface promiscuous; one that was so before stays so. */
static bool is_promiscuous(const char *interface) {
    struct ifreq request = {0};
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", interface);
    bool is =
        descriptor >= 0 && ioctl(descriptor, SIOCGIFFLAGS, &request) == 0 && request.ifr_flags & IFF_PROMISC;
    if (descriptor >= 0)
        close(descriptor);
    return is;
}

/* What the user has not said, and what serves a feed better than the drivers' defaults do. */
static void complete(struct opening *opening) {
    char interface[IF_NAMESIZE] = "";
    unsigned queues = opening->port->rx_queues;
    if (interface_of(opening->port->where, interface))
        opening->device->stays_promiscuous = is_promiscuous(interface);
    snprintf(opening->arguments, sizeof opening->arguments, "%s", opening->port->where);
    if (begins(opening->arguments, "net_af_xdp")) {
        /* Between virtual interfaces there is no zero-copy to hope for and no interrupt to save; veth pair,
         * 60-byte frames: 620 kpps by default, 775 kpps so. */
        if (is_virtual(interface)) {
            add_unless_said(opening, "force_copy", 1);
            add_unless_said(opening, "busy_budget", 0);
        }
        if (queues > 1)
            add_unless_said(opening, "queue_count", queues);
    } else if (begins(opening->arguments, "net_af_packet")) {
        add_unless_said(opening, "framecnt", 4096); /* 512 are gone in a millisecond */
        if (queues > 1)
            add_unless_said(opening, "qpairs", queues);
    }
}

static int find(struct dpdk_device *device) {
    uint16_t id;
    RTE_ETH_FOREACH_DEV(id) {
        struct rte_eth_dev_info info;
        if (rte_eth_dev_info_get(id, &info) != 0 || !info.device ||
            strcmp(rte_dev_name(info.device), device->name) != 0)
            continue;
        device->id = id;
        device->driver = info.driver_name;
        device->attached = true;
        return 0;
    }
    return -ENODEV;
}

/* A card that EAL has found is attached already. */
static int attach(struct opening *opening) {
    struct dpdk_device *device = opening->device;
    opening->step = "cannot be attached";
    if (eal_is_pci_address(device->name) && find(device) == 0)
        return 0;
    int result = rte_dev_probe(opening->arguments);
    return result < 0 ? result : find(device);
}

static uint16_t at_most(unsigned wanted, unsigned limit) {
    return (uint16_t)(wanted < limit ? wanted : limit);
}

static int configure(struct opening *opening) {
    struct dpdk_device *device = opening->device;
    struct rte_eth_dev_info info;
    struct rte_eth_conf conf = {0};
    uint16_t rx_descriptors = RX_DESCRIPTORS;
    uint16_t tx_descriptors = TX_DESCRIPTORS;
    opening->step = "cannot be configured";
    int result = rte_eth_dev_info_get(device->id, &info);
    if (result < 0)
        return result;
    device->rx_queues = at_most(opening->port->rx_queues ? opening->port->rx_queues : 1, info.max_rx_queues);
    conf.rxmode.offloads = info.rx_offload_capa & (RTE_ETH_RX_OFFLOAD_SCATTER | RTE_ETH_RX_OFFLOAD_TIMESTAMP);
    uint64_t spread = info.flow_type_rss_offloads & (RTE_ETH_RSS_NONFRAG_IPV4_UDP | RTE_ETH_RSS_IPV4);
    if (device->rx_queues > 1 && spread) {
        conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
        conf.rx_adv_conf.rss_conf.rss_hf = spread;
    }
    if (conf.rxmode.offloads & RTE_ETH_RX_OFFLOAD_TIMESTAMP)
        rte_mbuf_dyn_rx_timestamp_register(NULL, NULL);
    uint16_t tx_queues = at_most(1, info.max_tx_queues);
    result = rte_eth_dev_configure(device->id, device->rx_queues, tx_queues, &conf);
    if (result == 0)
        result = rte_eth_dev_adjust_nb_rx_tx_desc(device->id, &rx_descriptors, &tx_descriptors);
    int socket = rte_eth_dev_socket_id(device->id);
    opening->step = "has no queue to receive";
    for (uint16_t queue = 0; result == 0 && queue < device->rx_queues; queue++)
        result =
            rte_eth_rx_queue_setup(device->id, queue, rx_descriptors, (unsigned)socket, NULL, device->pool);
    if (result == 0 && tx_queues) {
        opening->step = "has no queue to send";
        result = rte_eth_tx_queue_setup(device->id, 0, tx_descriptors, (unsigned)socket, NULL);
    }
    return result;
}

static int make_pool(struct opening *opening) {
    char name[RTE_MEMPOOL_NAMESIZE];
    opening->step = "has no memory for packets";
    snprintf(name, sizeof name, "port%u", opening->index);
    opening->device->pool = rte_pktmbuf_pool_create(name, eal_buffers(opening->port), POOL_CACHE, 0,
                                                    RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
    return opening->device->pool ? 0 : -ENOMEM;
}

static int start(struct opening *opening) {
    struct dpdk_device *device = opening->device;
    opening->step = "does not start";
    int result = rte_eth_dev_start(device->id);
    if (result < 0)
        return result;
    device->started = true;
    rte_eth_macaddr_get(device->id, &device->mac);
    int flag = rte_mbuf_dynflag_lookup(RTE_MBUF_DYNFLAG_RX_TIMESTAMP_NAME, NULL);
    device->time_offset = rte_mbuf_dynfield_lookup(RTE_MBUF_DYNFIELD_TIMESTAMP_NAME, NULL);
    device->time_flag = flag >= 0 && device->time_offset >= 0 ? (uint64_t)1 << flag : 0;
    device->time_unit_ns = begins(device->driver, "net_pcap") ? 1000 : 1;
    return 0;
}

static const char *advice(const struct opening *opening, int result) {
    if (result == -EEXIST)
        return "; devices have different names: net_af_xdp0, net_af_xdp1";
    if (result == -ENOMEM)
        return "; free memory, or reserve more huge pages (vm.nr_hugepages)";
    if (eal_is_pci_address(opening->device->name))
        return "; the card must be bound to vfio-pci, and no other program use it";
    if (!begins(opening->device->name, "net_af_"))
        return "";
    return geteuid() == 0 ? "; another program may have the interface, or frames be too long for the driver"
                          : "; it needs root, or the capabilities net_admin, net_raw and bpf";
}

static int explain(const struct opening *opening, int result, const char *reason, char *error) {
    snprintf(error, PORT_ERROR_BYTES, "dpdk port %s %s: %s%s", opening->device->name, opening->step,
             reason[0] ? reason : rte_strerror(-result), advice(opening, result));
    return -1;
}

/* The drivers say of this no more than that they fail. */
static int check_interface(const struct opening *opening, char *error) {
    char interface[IF_NAMESIZE] = "";
    if (!begins(opening->port->where, "net_af_"))
        return 0;
    if (!interface_of(opening->port->where, interface)) {
        snprintf(error, PORT_ERROR_BYTES, "dpdk port %s: it names no interface: %s,iface=NAME",
                 opening->device->name, opening->device->name);
        return -1;
    }
    /* One interface has one name here, also if it was named by another that it has. */
    if (if_indextoname(if_nametoindex(interface), opening->device->interface))
        return 0;
    snprintf(error, PORT_ERROR_BYTES,
             "dpdk port %s: no interface is called %s; `ip -br link` lists those there are",
             opening->device->name, interface);
    return -1;
}

/* The driver of AF_XDP harms whoever has the interface already; sockets of AF_PACKET share it. */
static int claim(const struct opening *opening, char *error) {
    struct dpdk_device *device = opening->device;
    char reason[PORT_ERROR_BYTES / 2];
    if (!begins(opening->port->where, "net_af_xdp"))
        return 0;
    device->claimed = claim_take(device->interface, reason, sizeof reason) == 0;
    if (device->claimed)
        return 0;
    snprintf(error, PORT_ERROR_BYTES, "dpdk port %s: %s", device->name, reason);
    return -1;
}

int dpdk_device_open(struct dpdk_device *device, const struct plan *plan, unsigned index, char *error,
                     char *note) {
    static struct opening opening;
    char reason[PORT_ERROR_BYTES / 2];
    struct quiet quiet;
    opening = (struct opening){.device = device, .plan = plan, .port = &plan->port[index], .index = index};
    snprintf(device->name, sizeof device->name, "%.*s", (int)strcspn(opening.port->where, ","),
             opening.port->where);
    if (check_interface(&opening, error) < 0 || claim(&opening, error) < 0)
        return -1;
    complete(&opening);
    static int (*const steps[])(struct opening *) = {make_pool, attach, configure, start};
    int result = 0;
    quiet_begin(&quiet);
    for (size_t step = 0; step < sizeof steps / sizeof *steps && result == 0; step++)
        result = start_is_unwanted() ? -EINTR : steps[step](&opening);
    const char *filter = "it only sends";
    if (result == 0 && !opening.port->sends)
        filter = dpdk_filter_ask(device, plan, index);
    quiet_end(&quiet, reason, sizeof reason);
    if (result != 0)
        return explain(&opening, result, reason, error);
    snprintf(note, PORT_ERROR_BYTES, "%s (%s): %u receive queue%s in %s, %s, %s", device->name,
             device->driver, device->rx_queues, device->rx_queues == 1 ? "" : "s",
             eal_has_huge_pages() ? "huge pages" : "4K pages", filter,
             device->time_flag ? "times of the driver" : "no times");
    return 0;
}

void dpdk_device_close(struct dpdk_device *device) {
    struct rte_eth_dev_info info;
    struct quiet quiet;
    char reason[PORT_ERROR_BYTES / 2];
    quiet_begin(&quiet);
    if (device->started && !device->stays_promiscuous && rte_eth_promiscuous_get(device->id) == 1)
        rte_eth_promiscuous_disable(device->id);
    if (device->started)
        rte_eth_dev_stop(device->id);
    if (device->attached && rte_eth_dev_info_get(device->id, &info) == 0) {
        rte_eth_dev_close(device->id);
        if (info.device)
            rte_dev_remove(info.device);
    }
    rte_mempool_free(device->pool);
    if (device->claimed)
        claim_release(device->interface);
    quiet_end(&quiet, reason, sizeof reason);
    *device = (struct dpdk_device){0};
}

#endif
