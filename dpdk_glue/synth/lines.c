#include "synth/lines.h"

#include <stdio.h>
#include <string.h>

#include "api.h"

enum { LAG_LEAST_NS = 1000, LAG_MOST_NS = 50000, LAG_STEP_NS = 2047, SOURCE_PORT = 33000 };

#define SOURCE_ADDRESS ((uint32_t)10 << 24 | 1 << 16 | 10) /* 10.1.0.10 for A, .11 for B */

static bool refuse_probability(const char *name, uint32_t ppb, char *error) {
    if (ppb <= SYNTH_CERTAIN_PPB)
        return false;
    snprintf(error, API_ERROR_BYTES, "%s: a probability lies between 0 and 1", name);
    return true;
}

static bool refuse_numbers(const struct synth_lines_config *config, char *error) {
    if (refuse_probability("loss on line A", config->loss_ppb[0], error) ||
        refuse_probability("loss on line B", config->loss_ppb[1], error) ||
        refuse_probability("gap on both lines", config->same_gap_ppb, error) ||
        refuse_probability("duplicates", config->duplicate_ppb, error) ||
        refuse_probability("reorder", config->reorder_ppb, error))
        return true;
    if (config->reorder_depth < 1 || config->reorder_depth > SYNTH_REORDER_DEPTH_MAX)
        snprintf(error, API_ERROR_BYTES, "reorder depth %u: a packet is overtaken by 1 to %d others",
                 config->reorder_depth, SYNTH_REORDER_DEPTH_MAX);
    else if (config->loss_burst < 1 || config->loss_burst > SYNTH_LOSS_BURST_MAX)
        snprintf(error, API_ERROR_BYTES, "loss burst %u: packets are lost in runs of 1 to %d on average",
                 config->loss_burst, SYNTH_LOSS_BURST_MAX);
    else
        return false;
    return true;
}

static bool refuse_addresses(const struct synth_lines_config *config, char *error) {
    for (int i = 0; i < SYNTH_LINES; i++)
        if (config->group[i] >> 28 != 14 || config->port[i] == 0) {
            snprintf(
                error, API_ERROR_BYTES,
                "line %c: needs a multicast group (224.0.0.0 to 239.255.255.255) and a port from 1 to 65535",
                'A' + i);
            return true;
        }
    if (config->group[0] == config->group[1] && config->port[0] == config->port[1]) {
        snprintf(error, API_ERROR_BYTES,
                 "lines A and B have the same group and port: give them different ones");
        return true;
    }
    for (unsigned i = 0; i < sizeof config->session; i++)
        if (config->session[i] < ' ' || config->session[i] > '~') {
            snprintf(error, API_ERROR_BYTES, "session: 10 printable ASCII characters, padded with spaces");
            return true;
        }
    return false;
}

/* The chance that a packet starts a run of losses, so that in the end `loss_ppb` of all are lost. */
static uint32_t loss_start(uint32_t loss_ppb, uint32_t burst) {
    if (loss_ppb == 0)
        return 0;
    uint64_t kept_ppb = SYNTH_CERTAIN_PPB - loss_ppb;
    return (uint32_t)((uint64_t)loss_ppb * SYNTH_CERTAIN_PPB / (loss_ppb + burst * kept_ppb));
}

bool synth_lines_open(struct synth_lines *lines, const struct synth_lines_config *config, uint64_t seed,
                      char *error) {
    if (refuse_numbers(config, error) || refuse_addresses(config, error))
        return false;
    lines->config = *config;
    synth_prng_seed(&lines->prng, seed, SYNTH_STREAM_LINES);
    for (int i = 0; i < SYNTH_LINES; i++)
        lines->line[i] = (struct synth_line){
            .path = {.source = SOURCE_ADDRESS + (uint32_t)i,
                     .group = config->group[i],
                     .source_port = SOURCE_PORT,
                     .port = config->port[i]},
            .lag_ns = LAG_LEAST_NS + synth_below(&lines->prng, LAG_MOST_NS - LAG_LEAST_NS),
            .loss_start_ppb = loss_start(config->loss_ppb[i], config->loss_burst)};
    return true;
}

static bool happens(struct synth_lines *lines, uint32_t ppb) {
    return ppb && synth_below(&lines->prng, SYNTH_CERTAIN_PPB) < ppb;
}

/* A run has 1 .. 2 * burst - 1 packets. */
static bool draw_loss(struct synth_lines *lines, struct synth_line *line) {
    if (line->loss_left == 0) {
        if (!happens(lines, line->loss_start_ppb))
            return false;
        line->loss_left = 1 + synth_below(&lines->prng, 2 * lines->config.loss_burst - 1);
    }
    line->loss_left--;
    return true;
}

static void draw_losses(struct synth_lines *lines, bool lost[SYNTH_LINES]) {
    const uint32_t *loss_ppb = lines->config.loss_ppb;
    for (int i = 0; i < SYNTH_LINES; i++)
        lost[i] = draw_loss(lines, &lines->line[i]);
    if (lost[0] && lost[1]) {
        int keeper = loss_ppb[0] < loss_ppb[1]   ? 0
                     : loss_ppb[0] > loss_ppb[1] ? 1
                                                 : (int)synth_below(&lines->prng, 2);
        lost[keeper] = false;
    }
    if (happens(lines, lines->config.same_gap_ppb)) {
        lost[0] = lost[1] = true;
        lines->counters.lost_on_both++;
    }
}

/* A frame arrives after its line's delay, and not before the one in front has passed at 10 Gb/s. */
static void put_on_line(struct synth_line *line, const uint8_t *payload, uint32_t bytes, uint64_t ns) {
    struct synth_line_frame *frame = &line->queue[(line->head + line->queued++) % SYNTH_LINE_QUEUE];
    frame->bytes = synth_datagram_write(frame->data, &line->path, payload, bytes);
    uint64_t soonest_ns = line->last_arrival_ns + (uint64_t)frame->bytes * 8 / 10;
    frame->arrival_ns = ns + line->lag_ns > soonest_ns ? ns + line->lag_ns : soonest_ns;
    line->last_arrival_ns = frame->arrival_ns;
}

/* One more packet has overtaken those held back (all of them go when `all`). */
static void release_held(struct synth_line *line, uint64_t ns, bool all) {
    for (int i = 0; line->held_count && i < SYNTH_REORDER_DEPTH_MAX; i++) {
        struct synth_held_packet *held = &line->held[i];
        if (held->packets_to_go == 0 || (--held->packets_to_go > 0 && !all))
            continue;
        held->packets_to_go = 0;
        line->held_count--;
        put_on_line(line, held->payload, held->bytes, ns);
    }
}

static bool hold_back(struct synth_lines *lines, struct synth_line *line, const uint8_t *payload,
                      uint32_t bytes) {
    if (line->held_count == SYNTH_REORDER_DEPTH_MAX || !happens(lines, lines->config.reorder_ppb))
        return false;
    struct synth_held_packet *held = line->held;
    while (held->packets_to_go)
        held++;
    held->packets_to_go = 1 + synth_below(&lines->prng, lines->config.reorder_depth);
    held->bytes = bytes;
    memcpy(held->payload, payload, bytes);
    line->held_count++;
    return true;
}

static void wander(struct synth_lines *lines, struct synth_line *line) {
    uint64_t lag_ns = line->lag_ns + synth_below(&lines->prng, 2 * LAG_STEP_NS + 1) - LAG_STEP_NS;
    if (lag_ns >= LAG_LEAST_NS && lag_ns <= LAG_MOST_NS)
        line->lag_ns = lag_ns;
}

void synth_lines_send(struct synth_lines *lines, const uint8_t *payload, uint32_t bytes, uint64_t ns) {
    bool lost[SYNTH_LINES];
    draw_losses(lines, lost);
    for (int i = 0; i < SYNTH_LINES; i++) {
        struct synth_line *line = &lines->line[i];
        wander(lines, line);
        if (lost[i]) {
            lines->counters.lost[i]++;
            continue;
        }
        lines->counters.packets[i]++;
        if (hold_back(lines, line, payload, bytes)) {
            lines->counters.reordered[i]++;
            continue;
        }
        put_on_line(line, payload, bytes, ns);
        if (happens(lines, lines->config.duplicate_ppb)) {
            lines->counters.duplicated[i]++;
            put_on_line(line, payload, bytes, ns);
        }
        release_held(line, ns, false);
    }
}

void synth_lines_signal(struct synth_lines *lines, const uint8_t *payload, uint32_t bytes, uint64_t ns) {
    for (int i = 0; i < SYNTH_LINES; i++) {
        release_held(&lines->line[i], ns, true);
        put_on_line(&lines->line[i], payload, bytes, ns);
    }
}

bool synth_lines_full(const struct synth_lines *lines) {
    for (int i = 0; i < SYNTH_LINES; i++)
        if (lines->line[i].queued + SYNTH_REORDER_DEPTH_MAX + 2 > SYNTH_LINE_QUEUE)
            return true;
    return false;
}

const struct synth_line_frame *synth_lines_take(struct synth_lines *lines, uint64_t ns) {
    struct synth_line *first = NULL;
    for (int i = 0; i < SYNTH_LINES; i++) {
        struct synth_line *line = &lines->line[i];
        if (line->queued &&
            (!first || line->queue[line->head].arrival_ns < first->queue[first->head].arrival_ns))
            first = line;
    }
    if (!first || first->queue[first->head].arrival_ns > ns)
        return NULL;
    const struct synth_line_frame *frame = &first->queue[first->head];
    first->head = (first->head + 1) % SYNTH_LINE_QUEUE;
    first->queued--;
    return frame;
}
