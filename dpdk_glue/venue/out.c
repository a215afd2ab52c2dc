#include "venue/out.h"

#include "synth/writer.h"

#include <immintrin.h>
#include <stdio.h>
#include <string.h>

enum {
    IP_LENGTH_OFFSET = 16,
    IP_IDENTIFICATION_OFFSET = 18,
    IP_CHECKSUM_OFFSET = 24,
    IP_ADDRESSES_OFFSET = 26,
    UDP_OFFSET = SYNTH_ETHERNET_BYTES + SYNTH_IP_BYTES,
    UDP_LENGTH_OFFSET = UDP_OFFSET + 4,
    UDP_CHECKSUM_OFFSET = UDP_OFFSET + 6,
    SESSION_OFFSET = SYNTH_HEADERS_BYTES,
    SEQUENCE_OFFSET = SESSION_OFFSET + VENUE_SESSION_BYTES,
    COUNT_OFFSET = SEQUENCE_OFFSET + 8,
    SOURCE_PORT = 33000,
    PROTOCOL_UDP = 17
};

#define SOURCE_ADDRESS ((uint32_t)10 << 24 | 1 << 16 | 10) /* 10.1.0.10, where the plan names no other */

static uint32_t sum_of_udp(const uint8_t *header) {
    return (uint32_t)venue_sum(header + IP_ADDRESSES_OFFSET, 8) + venue_sum(header + UDP_OFFSET, 4) +
           venue_sum(header + SESSION_OFFSET, VENUE_SESSION_BYTES) + ((uint32_t)PROTOCOL_UDP << 8);
}

/* An empty datagram, whose own length, identification and checksums are taken out again. */
static void prepare_line(struct venue_out_line *line, const struct plan *plan, unsigned index) {
    const struct plan_line *to = &plan->line[index];
    uint32_t source = plan->port[to->port].interface_ip;
    struct synth_path path = {.source = source ? source : SOURCE_ADDRESS + index,
                              .group = to->group,
                              .source_port = (uint16_t)(SOURCE_PORT + index),
                              .port = to->udp_port};
    line->port = to->port;
    line->identification = 0;
    synth_datagram_write(line->header, &path, line->header + SYNTH_HEADERS_BYTES, 0);
    memset(line->header + IP_LENGTH_OFFSET, 0, 4); /* and the identification */
    memset(line->header + IP_CHECKSUM_OFFSET, 0, 2);
    memset(line->header + UDP_LENGTH_OFFSET, 0, 4); /* and the checksum */
    line->ip_sum = venue_sum(line->header + SYNTH_ETHERNET_BYTES, SYNTH_IP_BYTES);
    line->udp_sum = sum_of_udp(line->header);
}

static int open_port(struct venue_out *out, const struct plan *plan, unsigned index, char *error) {
    const struct port_driver *driver = port_driver_for(&plan->port[index]);
    if (!driver || !driver->tx_burst) {
        snprintf(error, PORT_ERROR_BYTES, "port %u: %s", index,
                 driver ? "a port of this kind cannot send" : "there is no port of this kind");
        return -1;
    }
    out->burst[index].port = driver->open(plan, index, 0, error);
    return out->burst[index].port ? 0 : -1;
}

int venue_out_open(struct venue_out *out, const struct plan *plan, const uint8_t *day,
                   const uint32_t *told_to_stop, char *error) {
    memset(out, 0, sizeof *out);
    out->day = day;
    out->told_to_stop = told_to_stop;
    if (plan->ports < 1 || plan->ports > 2 || plan->lines != VENUE_LINES ||
        plan->line[0].port >= plan->ports || plan->line[1].port >= plan->ports) {
        snprintf(error, PORT_ERROR_BYTES, "the plan needs one or two ports, and two lines on them");
        return -1;
    }
    out->ports = plan->ports;
    for (unsigned index = 0; index < plan->ports; index++)
        if (open_port(out, plan, index, error) < 0) {
            venue_out_close(out);
            return -1;
        }
    for (unsigned line = 0; line < VENUE_LINES; line++)
        prepare_line(&out->line[line], plan, line);
    for (unsigned index = 0; index < out->ports; index++)
        for (unsigned i = 0; i < VENUE_BURST; i++)
            out->burst[index].frames[i] =
                (struct port_frame){.data = out->burst[index].bytes[i], .kind = PORT_ETHERNET};
    return 0;
}

void venue_out_close(struct venue_out *out) {
    for (unsigned index = 0; index < out->ports; index++)
        if (out->burst[index].port)
            out->burst[index].port->driver->close(out->burst[index].port);
    out->ports = 0;
}

void venue_out_session(struct venue_out *out, const char *session) {
    for (unsigned line = 0; line < VENUE_LINES; line++) {
        memcpy(out->line[line].header + SESSION_OFFSET, session, VENUE_SESSION_BYTES);
        out->line[line].udp_sum = sum_of_udp(out->line[line].header);
    }
}

static void flush_burst(struct venue_out *out, struct venue_burst *burst) {
    unsigned done = 0;
    while (done < burst->count) {
        int taken = burst->port->driver->tx_burst(burst->port, burst->frames + done, burst->count - done);
        if (taken > 0)
            done += (unsigned)taken;
        else if (__atomic_load_n(out->told_to_stop, __ATOMIC_RELAXED))
            break;
        else
            _mm_pause();
    }
    burst->count = 0;
}

void venue_out_flush(struct venue_out *out) {
    for (unsigned index = 0; index < out->ports; index++)
        if (out->burst[index].count)
            flush_burst(out, &out->burst[index]);
}

/* A computed checksum of 0 is sent as 0xffff: 0 would mean "not computed". */
static void write_checksums(uint8_t *frame, struct venue_out_line *line, const struct venue_packet *packet) {
    uint16_t payload = (uint16_t)(VENUE_MOLD_HEADER_BYTES + packet->bytes);
    uint16_t udp_length = __builtin_bswap16((uint16_t)(SYNTH_UDP_BYTES + payload));
    uint16_t ip_length = __builtin_bswap16((uint16_t)(SYNTH_IP_BYTES + SYNTH_UDP_BYTES + payload));
    uint16_t identification = __builtin_bswap16(line->identification++);
    uint64_t sequence = __builtin_bswap64(packet->sequence);
    uint16_t count = __builtin_bswap16(packet->count);
    uint16_t ip = (uint16_t)~venue_fold((uint64_t)line->ip_sum + ip_length + identification);
    uint16_t udp = (uint16_t)~venue_fold((uint64_t)line->udp_sum + 2 * (uint64_t)udp_length +
                                         (sequence & 0xffffffff) + (sequence >> 32) + count + packet->sum);
    udp = udp ? udp : 0xffff;
    memcpy(frame + IP_LENGTH_OFFSET, &ip_length, 2);
    memcpy(frame + IP_IDENTIFICATION_OFFSET, &identification, 2);
    memcpy(frame + IP_CHECKSUM_OFFSET, &ip, 2);
    memcpy(frame + UDP_LENGTH_OFFSET, &udp_length, 2);
    memcpy(frame + UDP_CHECKSUM_OFFSET, &udp, 2);
    memcpy(frame + SEQUENCE_OFFSET, &sequence, 8);
    memcpy(frame + COUNT_OFFSET, &count, 2);
}

uint32_t venue_out_put(struct venue_out *out, unsigned index, const struct venue_packet *packet) {
    struct venue_out_line *line = &out->line[index];
    struct venue_burst *burst = &out->burst[line->port];
    if (burst->count == VENUE_BURST)
        flush_burst(out, burst);
    struct port_frame *to = &burst->frames[burst->count];
    uint8_t *frame = burst->bytes[burst->count++];
    memcpy(frame, line->header, VENUE_HEADER_BYTES);
    write_checksums(frame, line, packet);
    memcpy(frame + VENUE_HEADER_BYTES, out->day + packet->offset, packet->bytes);
    to->length = VENUE_HEADER_BYTES + packet->bytes;
    to->line = (uint16_t)index;
    return to->length;
}
