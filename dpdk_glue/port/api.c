#include "api.h"
#include "port/file.h"
#include "wire/frame.h"
#include "wire/lines.h"
#include "wire/mold64.h"

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

int api_line_find(struct line_map *map, const struct frame_udp *udp) {
    return lines_find(map, udp);
}

struct mold64 *api_mold64_open(uint32_t window, uint32_t settle) {
    return mold64_open(window, settle);
}

void api_mold64_close(struct mold64 *mold) {
    mold64_close(mold);
}

int api_mold64_push(struct mold64 *mold, const uint8_t *payload, uint32_t length, uint32_t line) {
    return line < MOLD64_LINES ? (int)mold64_push(mold, payload, length, line) : -1;
}

int api_mold64_next(struct mold64 *mold, struct mold64_run *run) {
    return mold64_next(mold, run);
}

void api_mold64_finish(struct mold64 *mold) {
    mold64_finish(mold);
}

void api_mold64_counters(const struct mold64 *mold, struct mold64_counters *counters) {
    *counters = *mold64_read_counters(mold);
}

const char *api_mold64_verdict_name(uint32_t verdict) {
    return mold64_verdict_name(verdict);
}
