#include "port/paced.h"

#include "port/file.h"
#include "stats/clock.h"
#include "wire/bytes.h"
#include "wire/frame.h"
#include "wire/mold64.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BATCH = 32,
    SCALE_BITS = 60, /* of a fraction */
    SESSION_BYTES = 10,
    SEQUENCE_AT = 10,
    COUNT_AT = 18,
    TIME_AT = 5, /* in an ITCH message */
    TIME_BYTES = 6,
    /* A packet further ahead than this is damaged, not ahead. */
    BELIEVED_AHEAD = 1 << 24
};

/* Time is counted in units: nanoseconds of the record, or messages. */
struct paced {
    struct port port; /* first: the port is the paced one */
    struct port *file;
    enum plan_pace pace;
    uint64_t units_per_cycle; /* as a fraction of 2^SCALE_BITS */
    uint64_t start_cycles;    /* 0 until the first burst */
    uint64_t due;             /* of the frame or message that came last */
    uint64_t origin_ns;       /* recorded: the first time */
    bool has_origin;
    uint64_t next_sequence; /* rate: of the packets so far */
    uint8_t session[SESSION_BYTES];
    struct frame_counters ignored;
    struct port_frame waiting[BATCH];
    unsigned next;
    unsigned count;
};

static uint64_t now(struct paced *paced) {
    uint64_t cycles = clock_cycles();
    if (!paced->start_cycles)
        paced->start_cycles = cycles;
    uint64_t passed = cycles - paced->start_cycles;
    return (uint64_t)((unsigned __int128)passed * paced->units_per_cycle >> SCALE_BITS);
}

/* When something recorded at `time_ns` is due. */
static uint64_t due_recorded(struct paced *paced, uint64_t time_ns) {
    if (!time_ns)
        return paced->due;
    if (!paced->has_origin) {
        paced->has_origin = true;
        paced->origin_ns = time_ns;
    }
    uint64_t due = time_ns < paced->origin_ns ? 0 : time_ns - paced->origin_ns;
    return due > paced->due ? due : paced->due;
}

/* How many messages a packet brings that no packet before it has brought. */
static uint64_t new_messages(struct paced *paced, const struct port_frame *frame) {
    struct frame_udp udp;
    if (frame_parse(frame->data, frame->length, &udp, &paced->ignored) != FRAME_UDP ||
        !mold64_is_well_formed(udp.payload, udp.length))
        return 0;
    uint64_t messages = bytes_be16(udp.payload + COUNT_AT);
    if (messages == UINT16_MAX) /* the end of the session */
        return 0;
    uint64_t sequence = bytes_be64(udp.payload + SEQUENCE_AT);
    if (memcmp(paced->session, udp.payload, SESSION_BYTES) != 0) {
        memcpy(paced->session, udp.payload, SESSION_BYTES);
        paced->next_sequence = sequence;
    }
    uint64_t end = sequence + messages;
    if (end <= paced->next_sequence)
        return 0;
    uint64_t ahead = end - paced->next_sequence;
    if (ahead > BELIEVED_AHEAD)
        return messages;
    paced->next_sequence = end;
    return ahead < messages ? ahead : messages;
}

/* A packet goes out whole or not at all. */
static bool release_packet(struct paced *paced, const struct port_frame *frame, uint64_t units) {
    if (paced->pace == PLAN_PACE_RECORDED) {
        uint64_t due = due_recorded(paced, frame->time_ns);
        if (due > units)
            return false;
        paced->due = due;
        return true;
    }
    if (paced->due > units)
        return false;
    paced->due += new_messages(paced, frame);
    return true;
}

static uint64_t due_message(struct paced *paced, const uint8_t *message, unsigned length) {
    if (paced->pace == PLAN_PACE_RATE)
        return paced->due;
    if (length < TIME_AT + TIME_BYTES)
        return paced->due;
    uint64_t time_ns = (uint64_t)bytes_be16(message + TIME_AT) << 32 | bytes_be32(message + TIME_AT + 2);
    return due_recorded(paced, time_ns);
}

/* The bytes of a run that are due: whole messages. */
static uint32_t release_messages(struct paced *paced, const struct port_frame *frame, uint64_t units) {
    uint32_t bytes = 0;
    while (bytes < frame->length) {
        unsigned length = bytes_be16(frame->data + bytes);
        uint64_t due = due_message(paced, frame->data + bytes + 2, length);
        if (due > units)
            break;
        paced->due = due + (paced->pace == PLAN_PACE_RATE);
        bytes += 2 + length;
    }
    return bytes;
}

/* Hands out what is due of the next frame: false if that is nothing. */
static bool release(struct paced *paced, struct port_frame *out, uint64_t units) {
    struct port_frame *frame = &paced->waiting[paced->next];
    *out = *frame;
    if (frame->kind != PORT_ITCH) {
        bool due = release_packet(paced, frame, units);
        paced->next += due;
        return due;
    }
    out->length = release_messages(paced, frame, units);
    frame->data += out->length;
    frame->length -= out->length;
    paced->next += frame->length == 0;
    return out->length != 0;
}

static int fill(struct paced *paced) {
    int count = paced->file->driver->rx_burst(paced->file, paced->waiting, BATCH);
    if (count == PORT_FAILED)
        memcpy(paced->port.error, paced->file->error, PORT_ERROR_BYTES);
    paced->next = 0;
    paced->count = count > 0 ? (unsigned)count : 0;
    return count;
}

static int rx_burst(struct port *port, struct port_frame *frames, unsigned room) {
    struct paced *paced = (struct paced *)port;
    struct port_counters *counters = &port->counters;
    uint64_t units = now(paced);
    unsigned count = 0;
    if (paced->next == paced->count) {
        int filled = fill(paced);
        if (filled <= 0)
            return filled;
    }
    /* More is read only by the next call: it would move what these frames point at. */
    while (count < room && paced->next < paced->count && release(paced, &frames[count], units))
        counters->bytes += frames[count++].length;
    counters->frames += count;
    counters->bursts += count != 0;
    return (int)count;
}

static void close_paced(struct port *port) {
    struct paced *paced = (struct paced *)port;
    paced->file->driver->close(paced->file);
    free(paced);
}

static struct port *open_paced(const struct plan *plan, unsigned index, unsigned options, char *error) {
    const struct plan_port *wanted = &plan->port[index];
    if (wanted->pace != PLAN_PACE_RECORDED && wanted->pace != PLAN_PACE_RATE) {
        snprintf(error, PORT_ERROR_BYTES, "%.256s: there is no pace of number %u", wanted->where,
                 wanted->pace);
        return NULL;
    }
    double per_ns = wanted->pace == PLAN_PACE_RATE ? (double)wanted->pace_rate / 1e9 : 1;
    double per_cycle = per_ns / clock_cycles_per_ns();
    double most = (double)(1 << (64 - SCALE_BITS - 1));
    if (per_ns == 0) {
        snprintf(error, PORT_ERROR_BYTES, "%.256s: a rate of 0 messages a second never ends: give at least 1",
                 wanted->where);
        return NULL;
    }
    struct paced *paced = calloc(1, sizeof *paced);
    if (!paced) {
        snprintf(error, PORT_ERROR_BYTES, "%.256s: no memory to pace it", wanted->where);
        return NULL;
    }
    paced->port.driver = &port_paced;
    paced->pace = (enum plan_pace)wanted->pace;
    paced->units_per_cycle =
        (uint64_t)((per_cycle < most ? per_cycle : most) * (double)((uint64_t)1 << SCALE_BITS));
    paced->file = port_file.open(plan, index, options, error);
    if (paced->file)
        return &paced->port;
    free(paced);
    return NULL;
}

const struct port_driver port_paced = {
    .name = "file",
    .open = open_paced,
    .rx_burst = rx_burst,
    .close = close_paced,
};
