#include "build_config.h"

#ifdef HAVE_DPDK

#include "port/dpdk.h"
#include "port/dpdk_device.h"
#include "port/dpdk_groups.h"
#include "port/eal.h"
#include "stats/clock.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BATCH = 64,
    /* Frames that lie in several buffers, or too close to the end of one, are copied to one place. */
    SIDE_BYTES = 256 << 10,
    LOOK_UP_ROUNDS = 256,    /* bursts between two looks at the clock */
    STATISTICS_A_SECOND = 4, /* some drivers make system calls for them */
    PROTOCOL_AT = 14 + 9
};

/* A driver's time is taken for the time of day if it lies between 2001 and 2096: cards that count from their
 * own start give none that means anything here. */
#define EARLIEST_NS 1000000000000000000u
#define LATEST_NS   4000000000000000000u

struct dpdk {
    struct port port; /* first: the port is the device */
    struct dpdk_device device;
    struct dpdk_groups groups;
    uint8_t *side;
    struct rte_mbuf *held[BATCH]; /* what the frames of the last burst point into */
    unsigned held_count;
    unsigned rounds;
    uint16_t turn; /* the queue that the next burst looks at first */
    bool known;    /* EAL knows the thread that receives */
    uint64_t statistics_cycles;
};

static void read_statistics(struct dpdk *dpdk) {
    struct port_counters *counters = &dpdk->port.counters;
    struct rte_eth_stats stats;
    if (rte_eth_stats_get(dpdk->device.id, &stats) != 0)
        return;
    counters->dropped = stats.imissed;
    counters->errors = stats.ierrors + stats.oerrors;
    counters->no_buffer = stats.rx_nombuf;
}

/* With a number of its own in EAL a thread gets packet buffers from a cache, without it from a shared ring.
 * */
static void be_known(struct dpdk *dpdk) {
    if (rte_lcore_id() == LCORE_ID_ANY)
        rte_thread_register();
    dpdk->known = true;
}

static void look_up(struct dpdk *dpdk) {
    uint64_t cycles = clock_cycles();
    if (!dpdk->known)
        be_known(dpdk);
    if (cycles >= dpdk->statistics_cycles) {
        dpdk->statistics_cycles = cycles + dpdk->groups.cycles_per_s / STATISTICS_A_SECOND;
        read_statistics(dpdk);
    }
    if (dpdk_groups_are_due(&dpdk->groups, cycles))
        dpdk_groups_repeat(&dpdk->groups);
}

/* A router's query is found when its buffer goes back: the caller has had a look at the frame, so that its
 * head is in the cache. */
static void give_back(struct dpdk *dpdk) {
    for (unsigned i = 0; i < dpdk->held_count; i++) {
        struct rte_mbuf *packet = dpdk->held[i];
        const uint8_t *data = rte_pktmbuf_mtod(packet, const uint8_t *);
        if (data[PROTOCOL_AT] == IPPROTO_IGMP && dpdk->groups.count)
            dpdk_groups_hear(&dpdk->groups, data, rte_pktmbuf_data_len(packet));
    }
    rte_pktmbuf_free_bulk(dpdk->held, dpdk->held_count);
    dpdk->held_count = 0;
}

static uint64_t time_of(const struct dpdk_device *device, const struct rte_mbuf *packet) {
    if (!(packet->ol_flags & device->time_flag))
        return 0;
    uint64_t time_ns =
        *RTE_MBUF_DYNFIELD(packet, device->time_offset, const rte_mbuf_timestamp_t *) * device->time_unit_ns;
    return time_ns >= EARLIEST_NS && time_ns < LATEST_NS ? time_ns : 0;
}

static bool is_in_one_piece(const struct rte_mbuf *packet) {
    return packet->nb_segs == 1 && rte_pktmbuf_tailroom(packet) >= PORT_SLACK;
}

/* The frame's bytes at one place with slack behind them; NULL if they are too many. */
static const uint8_t *copy_aside(struct dpdk *dpdk, const struct rte_mbuf *packet, uint32_t *used) {
    uint32_t length = packet->pkt_len;
    if (length + PORT_SLACK > SIDE_BYTES - *used)
        return NULL;
    uint8_t *to = dpdk->side + *used;
    uint8_t *next = to;
    for (const struct rte_mbuf *part = packet; part; part = part->next) {
        memcpy(next, rte_pktmbuf_mtod(part, const void *), part->data_len);
        next += part->data_len;
    }
    *used += RTE_ALIGN_CEIL(length + (uint32_t)PORT_SLACK, (uint32_t)RTE_CACHE_LINE_SIZE);
    return to;
}

static int take(struct dpdk *dpdk, struct port_frame *frames, unsigned count) {
    struct port_counters *counters = &dpdk->port.counters;
    uint32_t side_used = 0;
    unsigned kept = 0;
    for (unsigned i = 0; i < count; i++) {
        struct rte_mbuf *packet = dpdk->held[i];
        struct port_frame *frame = &frames[kept];
        const uint8_t *data = rte_pktmbuf_mtod(packet, const uint8_t *);
        if (!is_in_one_piece(packet)) {
            data = copy_aside(dpdk, packet, &side_used);
            if (!data) {
                counters->truncated++;
                continue;
            }
        }
        rte_prefetch0(data); /* the headers, and the first message behind them */
        rte_prefetch0(data + RTE_CACHE_LINE_SIZE);
        *frame = (struct port_frame){.data = data,
                                     .length = packet->pkt_len,
                                     .kind = PORT_ETHERNET,
                                     .time_ns = time_of(&dpdk->device, packet)};
        counters->bytes += frame->length;
        kept++;
    }
    counters->frames += kept;
    counters->bursts += kept != 0;
    return (int)kept;
}

static int rx_burst(struct port *port, struct port_frame *frames, unsigned room) {
    struct dpdk *dpdk = (struct dpdk *)port;
    const struct dpdk_device *device = &dpdk->device;
    uint16_t limit = room < BATCH ? (uint16_t)room : BATCH;
    give_back(dpdk);
    if (dpdk->rounds++ % LOOK_UP_ROUNDS == 0)
        look_up(dpdk);
    for (uint16_t looked = 0; looked < device->rx_queues; looked++) {
        uint16_t queue = dpdk->turn;
        dpdk->turn = (uint16_t)(queue + 1) == device->rx_queues ? 0 : (uint16_t)(queue + 1);
        dpdk->held_count = rte_eth_rx_burst(device->id, queue, dpdk->held, limit);
        if (dpdk->held_count)
            return take(dpdk, frames, dpdk->held_count);
    }
    return 0;
}

static int tx_burst(struct port *port, const struct port_frame *frames, unsigned count) {
    struct dpdk *dpdk = (struct dpdk *)port;
    struct rte_mbuf *packets[BATCH];
    unsigned batch = count < BATCH ? count : BATCH;
    if (!dpdk->known)
        be_known(dpdk);
    if (rte_pktmbuf_alloc_bulk(dpdk->device.pool, packets, batch) != 0)
        batch = 0;
    unsigned whole = 0;
    for (; whole < batch; whole++) {
        char *data = frames[whole].length > UINT16_MAX
                         ? NULL
                         : rte_pktmbuf_append(packets[whole], (uint16_t)frames[whole].length);
        if (!data)
            break;
        memcpy(data, frames[whole].data, frames[whole].length);
    }
    uint16_t sent = rte_eth_tx_burst(dpdk->device.id, 0, packets, (uint16_t)whole);
    if (batch > sent)
        rte_pktmbuf_free_bulk(packets + sent, batch - sent);
    port->counters.sent += sent;
    port->counters.unsent += count - sent;
    return sent == 0 && whole == 0 && batch ? 1
                                            : sent; /* the first one will never fit: the others shall go */
}

static void close_device(struct port *port) {
    struct dpdk *dpdk = (struct dpdk *)port;
    if (dpdk->device.started) {
        give_back(dpdk);
        dpdk_groups_leave(&dpdk->groups);
    }
    dpdk_device_close(&dpdk->device);
    free(dpdk->side);
    free(dpdk);
}

static struct port *open_device(const struct plan *plan, unsigned index, unsigned options, char *error) {
    (void)options;
    if (eal_start(plan, error) < 0)
        return NULL;
    struct dpdk *dpdk = aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_ALIGN_CEIL(sizeof *dpdk, RTE_CACHE_LINE_SIZE));
    uint8_t *side = malloc(SIDE_BYTES);
    if (!dpdk || !side) {
        snprintf(error, PORT_ERROR_BYTES, "dpdk port: no memory");
        free(dpdk);
        free(side);
        return NULL;
    }
    memset(dpdk, 0, sizeof *dpdk);
    dpdk->port.driver = &port_dpdk;
    dpdk->side = side;
    if (dpdk_device_open(&dpdk->device, plan, index, error, dpdk->port.note) < 0) {
        close_device(&dpdk->port);
        return NULL;
    }
    dpdk_groups_join(&dpdk->groups, &dpdk->device, plan, index, &dpdk->port.counters);
    return &dpdk->port;
}

const struct port_driver port_dpdk = {
    .name = "dpdk",
    .open = open_device,
    .rx_burst = rx_burst,
    .tx_burst = tx_burst,
    .close = close_device,
};

#endif
