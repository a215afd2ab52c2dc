#include "api.h"
#include "port/file.h"
#include "wire/frame.h"
#include "wire/igmp.h"
#include "wire/lines.h"

#include <stdio.h>
#include <string.h>

_Static_assert((int)PORT_ERROR_BYTES == API_ERROR_BYTES, "an error of a port fits in Python's buffer");

struct port *api_port_open(const char *path, uint32_t load, char *error) {
    return port_file_open(path, load ? PORT_LOAD : 0, error);
}

int api_port_rx(struct port *port, struct port_frame *frames, uint32_t room, char *error) {
    int result = port->driver->rx_burst(port, frames, room);
    if (result == PORT_FAILED)
        memcpy(error, port->error, API_ERROR_BYTES);
    return result;
}

struct port *api_port_open_planned(const struct plan *plan, uint32_t index, char *error) {
    const struct port_driver *driver = port_driver_for(&plan->port[index]);
    if (driver)
        return driver->open(plan, index, 0, error);
    snprintf(error, API_ERROR_BYTES, "there is no port of kind %u", plan->port[index].kind);
    return NULL;
}

int api_port_tx(struct port *port, const struct port_frame *frames, uint32_t count) {
    return port->driver->tx_burst ? port->driver->tx_burst(port, frames, count) : -1;
}

const char *api_port_note(const struct port *port) {
    return port->note;
}

void api_port_counters(const struct port *port, struct port_counters *counters) {
    *counters = port->counters;
}

void api_port_progress(const struct port *port, uint64_t *done, uint64_t *total) {
    port_file_progress(port, done, total);
}

void api_port_close(struct port *port) {
    port->driver->close(port);
}

uint32_t api_frame_parse(const uint8_t *data, uint32_t length, struct frame_udp *udp,
                         struct frame_counters *counters) {
    return frame_parse(data, length, udp, counters);
}

const char *api_frame_verdict_name(uint32_t verdict) {
    return frame_verdict_name(verdict);
}

uint32_t api_igmp_report(uint32_t version, const uint8_t *mac, uint32_t ip, uint32_t what,
                         const uint32_t *groups, uint32_t count, uint8_t *frame) {
    struct igmp_host host = {.ip = ip};
    memcpy(host.mac, mac, sizeof host.mac);
    return version == 3 ? igmp_report_v3(frame, &host, (enum igmp_what)what, groups, count)
                        : igmp_report_v2(frame, &host, (enum igmp_what)what, groups[0]);
}

uint32_t api_igmp_query(const uint8_t *frame, uint32_t length, uint32_t *group) {
    struct igmp_query query = igmp_query_in(frame, length);
    *group = query.group;
    return query.version;
}

int api_line_find(struct line_map *map, const struct frame_udp *udp) {
    return lines_find(map, udp);
}
