#include "synth/pcap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "synth/lines.h"
#include "synth/packer.h"
#include "synth/synth.h"
#include "synth/writer.h"

enum {
    FILE_HEADER_BYTES = 24,
    RECORD_HEADER_BYTES = 16,
    INPUT_BYTES = 1 << 16,
    MILLISECOND_NS = 1000000,
    ENDS_OF_SESSION = 3
};

#define MAGIC_NANOSECONDS ((uint32_t)0xa1b23c4d)
#define SECOND_NS         ((uint64_t)1000000000)

struct synth_pcap {
    struct synth *synth;
    uint64_t sent_ns; /* everything still to be sent is sent at this time or later */
    uint64_t written_ns;
    uint64_t bytes;
    uint64_t heartbeat_ns; /* 0: none */
    uint64_t heartbeats;
    uint32_t input_from;
    uint32_t input_to;
    uint32_t ends_left;
    bool started;
    struct synth_packer packer;
    struct synth_lines lines;
    uint8_t input[INPUT_BYTES];
};

struct synth_pcap *synth_pcap_open(const struct synth_config *config, const struct synth_lines_config *lines,
                                   char *error) {
    struct synth_pcap *pcap = calloc(1, sizeof *pcap);
    if (!pcap) {
        snprintf(error, API_ERROR_BYTES, "no memory for the two lines of a capture");
        return NULL;
    }
    if (!synth_lines_open(&pcap->lines, lines, config->seed, error) ||
        !(pcap->synth = synth_open(config, error))) {
        free(pcap);
        return NULL;
    }
    synth_packer_open(&pcap->packer, lines->session, 1);
    pcap->heartbeat_ns = (uint64_t)lines->heartbeat_ms * MILLISECOND_NS;
    pcap->ends_left = ENDS_OF_SESSION;
    return pcap;
}

void synth_pcap_close(struct synth_pcap *pcap) {
    if (!pcap)
        return;
    synth_close(pcap->synth);
    free(pcap);
}

static void put_little32(uint8_t *at, uint32_t value) {
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

static uint64_t write_file_header(uint8_t *at) {
    memset(at, 0, FILE_HEADER_BYTES);
    put_little32(at, MAGIC_NANOSECONDS);
    put_little32(at + 4, 2 | 4 << 16); /* version 2.4 */
    put_little32(at + 16, 65535);      /* longest frame */
    put_little32(at + 20, 1);          /* Ethernet */
    return FILE_HEADER_BYTES;
}

static uint64_t write_record(uint8_t *at, const struct synth_line_frame *frame, uint64_t ns) {
    put_little32(at, (uint32_t)(SYNTH_PCAP_MIDNIGHT_S + ns / SECOND_NS));
    put_little32(at + 4, (uint32_t)(ns % SECOND_NS));
    put_little32(at + 8, frame->bytes);
    put_little32(at + 12, frame->bytes);
    memcpy(at + RECORD_HEADER_BYTES, frame->data, frame->bytes);
    return RECORD_HEADER_BYTES + frame->bytes;
}

static void send_packet(struct synth_pcap *pcap) {
    pcap->sent_ns = pcap->packer.last_ns;
    uint32_t bytes = synth_packer_seal(&pcap->packer);
    synth_lines_send(&pcap->lines, pcap->packer.payload, bytes, pcap->sent_ns);
}

static void send_signal(struct synth_pcap *pcap, uint16_t count, uint64_t ns) {
    pcap->sent_ns = ns;
    uint32_t bytes = synth_packer_signal(&pcap->packer, count);
    synth_lines_signal(&pcap->lines, pcap->packer.payload, bytes, ns);
}

static uint64_t time_of(const uint8_t *framed) {
    uint64_t ns;
    memcpy(&ns, framed + SYNTH_FRAME_BYTES + 5, sizeof ns);
    return __builtin_bswap64(ns) >> 16;
}

/* The end of the day: the open packet, then the end of the session. False when all of it was sent. */
static bool send_end(struct synth_pcap *pcap) {
    if (pcap->packer.count) {
        send_packet(pcap);
        return true;
    }
    if (pcap->ends_left == 0)
        return false;
    pcap->ends_left--;
    send_signal(pcap, SYNTH_MOLD_END_OF_SESSION, pcap->sent_ns + SECOND_NS);
    return true;
}

/* Takes one message into the open packet, or sends a packet or one heartbeat. False at the end. */
static bool advance(struct synth_pcap *pcap) {
    if (pcap->input_from == pcap->input_to) {
        pcap->input_from = 0;
        pcap->input_to = (uint32_t)synth_fill(pcap->synth, pcap->input, INPUT_BYTES - 8);
        if (pcap->input_to == 0)
            return send_end(pcap);
    }
    const uint8_t *framed = pcap->input + pcap->input_from;
    uint32_t bytes = SYNTH_FRAME_BYTES + ((uint32_t)framed[0] << 8 | framed[1]);
    uint64_t ns = time_of(framed);
    if (!synth_packer_takes(&pcap->packer, bytes, ns)) {
        send_packet(pcap);
    } else if (pcap->packer.count == 0 && pcap->sent_ns && pcap->heartbeat_ns &&
               ns - pcap->sent_ns > pcap->heartbeat_ns) {
        pcap->heartbeats++;
        send_signal(pcap, SYNTH_MOLD_HEARTBEAT, pcap->sent_ns + pcap->heartbeat_ns);
    } else {
        synth_packer_add(&pcap->packer, framed, bytes, ns);
        pcap->input_from += bytes;
    }
    return true;
}

uint64_t synth_pcap_fill(struct synth_pcap *pcap, uint8_t *buffer, uint64_t capacity) {
    uint64_t filled = 0, longest = RECORD_HEADER_BYTES + SYNTH_FRAME_MAX;
    bool more = true;
    if (!pcap->started && capacity >= FILE_HEADER_BYTES + longest) {
        filled = write_file_header(buffer);
        pcap->started = true;
    }
    while (pcap->started && filled + longest <= capacity) {
        uint64_t ready_ns = !more || synth_lines_full(&pcap->lines) ? UINT64_MAX : pcap->sent_ns;
        const struct synth_line_frame *frame = synth_lines_take(&pcap->lines, ready_ns);
        if (frame) {
            if (frame->arrival_ns > pcap->written_ns)
                pcap->written_ns = frame->arrival_ns;
            filled += write_record(buffer + filled, frame, pcap->written_ns);
        } else if (more) {
            more = advance(pcap);
        } else {
            break;
        }
    }
    pcap->bytes += filled;
    return filled;
}

void synth_pcap_counters(const struct synth_pcap *pcap, struct synth_counters *counters) {
    struct synth_counters messages;
    synth_counters(pcap->synth, &messages);
    *counters = pcap->lines.counters;
    counters->messages = messages.messages;
    counters->bytes = pcap->bytes;
    counters->live_orders = messages.live_orders;
    counters->heartbeats = pcap->heartbeats;
    memcpy(counters->by_type, messages.by_type, sizeof counters->by_type);
}
