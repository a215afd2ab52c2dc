#include "port/dpdk.h"
#include "port/file.h"
#include "port/paced.h"
#include "port/udp.h"

#include <stddef.h>
#include <stdio.h>

static struct port *refuse(const struct plan *plan, unsigned index, unsigned options, char *error) {
    (void)options;
    snprintf(error, PORT_ERROR_BYTES,
             "dpdk port %.64s: this program was built without DPDK: install libdpdk-dev and build again, or "
             "take the udp port",
             plan->port[index].where);
    return NULL;
}

static const struct port_driver without_dpdk = {.name = "dpdk", .open = refuse};

const struct port_driver *port_driver_for(const struct plan_port *plan) {
    switch ((enum plan_port_kind)plan->kind) {
    case PLAN_PORT_FILE:
        return plan->pace == PLAN_PACE_FLAT ? &port_file : &port_paced;
    case PLAN_PORT_UDP:
        return &port_udp;
    case PLAN_PORT_DPDK:
        /* libdpdk is linked into the programs, and not into the library that Python loads: there, and in a
         * build without DPDK, nobody defines port_dpdk. */
        return &port_dpdk ? &port_dpdk : &without_dpdk;
    }
    return NULL;
}
