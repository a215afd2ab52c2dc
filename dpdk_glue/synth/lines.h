/* One stream of packets on two lines, A and B, each with its own delay and its own faults.
 *
 * Both lines are sent every packet. A packet may be lost on one line; by default never on both: a packet that
 * drew loss twice is kept by the line that loses less (either, when they lose alike). Only `same_gap_ppb`
 * loses it on both. A packet that is kept may come twice, or late: after up to `reorder_depth` later packets
 * of its line. Losses come in runs of `loss_burst` packets on average. Heartbeats and ends of session suffer
 * nothing, and release whatever is held back. Delays wander from 1 to 50 us, so either line may be ahead.
 */
#ifndef APPLIANCE_SYNTH_LINES_H
#define APPLIANCE_SYNTH_LINES_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"
#include "synth/datagram.h"
#include "synth/packer.h"
#include "synth/prng.h"

enum {
    SYNTH_LINES = 2,
    SYNTH_REORDER_DEPTH_MAX = 64,
    SYNTH_LOSS_BURST_MAX = 1000,
    SYNTH_LINE_QUEUE = 256, /* frames under way; one packet sent adds at most SYNTH_REORDER_DEPTH_MAX + 2 */
    SYNTH_FRAME_MAX = SYNTH_HEADERS_BYTES + SYNTH_PAYLOAD_BYTES
};

#define SYNTH_CERTAIN_PPB ((uint32_t)1000000000)

struct synth_line_frame {
    uint64_t arrival_ns; /* since midnight */
    uint32_t bytes;
    uint8_t data[SYNTH_FRAME_MAX];
};

struct synth_held_packet {
    uint32_t bytes;
    uint32_t packets_to_go; /* 0: the place is free */
    uint8_t payload[SYNTH_PAYLOAD_BYTES];
};

struct synth_line {
    struct synth_path path;
    uint64_t lag_ns;
    uint64_t last_arrival_ns;
    uint32_t loss_start_ppb;
    uint32_t loss_left;
    uint32_t head;
    uint32_t queued;
    uint32_t held_count;
    struct synth_held_packet held[SYNTH_REORDER_DEPTH_MAX];
    struct synth_line_frame queue[SYNTH_LINE_QUEUE];
};

struct synth_lines {
    struct synth_lines_config config;
    struct synth_prng prng;
    struct synth_counters counters; /* of the lines only */
    struct synth_line line[SYNTH_LINES];
};

/* False, and one line in `error`, when the configuration makes no sense. */
bool synth_lines_open(struct synth_lines *lines, const struct synth_lines_config *config, uint64_t seed,
                      char *error);

/* Sends a packet of data, or a signal (heartbeat, end of session), at `ns`; times never fall. */
void synth_lines_send(struct synth_lines *lines, const uint8_t *payload, uint32_t bytes, uint64_t ns);
void synth_lines_signal(struct synth_lines *lines, const uint8_t *payload, uint32_t bytes, uint64_t ns);

/* Whether the next packet may find no place: frames must be taken first, however late they arrive. */
bool synth_lines_full(const struct synth_lines *lines);

/* The frame that arrives first, if that is at `ns` or before; NULL otherwise. Valid until the next send. */
const struct synth_line_frame *synth_lines_take(struct synth_lines *lines, uint64_t ns);

#endif
