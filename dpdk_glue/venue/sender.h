/* The sender of the simulated exchange: the day as packets on two lines, at its pace, with its signals.
 *
 * One thread does it all: cut the next packet, wait until it is due, give it to both lines. In every idle
 * moment it sends what was delayed, beats every `heartbeat_ms` without data, and tells shared memory how far
 * it is. Before the first message lines carry heartbeats for a while, so that receivers can be there; after
 * the last one comes the end of the session, several times.
 *
 * A packet is due when its last message is: by rate, by the recorded times, or at once. A sender that has
 * fallen more than 20 ms behind gives its schedule up instead of making a burst that nobody asked for.
 */
#ifndef APPLIANCE_VENUE_SENDER_H
#define APPLIANCE_VENUE_SENDER_H

#include "abi.h"
#include "venue/cut.h"
#include "venue/line.h"
#include "venue/out.h"

struct venue_sender {
    struct venue_segment *segment;
    const struct venue_plan *plan;
    const uint8_t *day;
    struct venue_cut cut;
    struct venue_out out;
    struct venue_path path[VENUE_LINES];
    struct venue_loss same_gap;
    uint64_t cycles_per_s;
    uint64_t due_step;    /* cycles for one message, or one recorded ns, times 2^24; 0 = flat out */
    uint64_t base_cycles; /* when the session's message 0, or its first time, was due */
    uint64_t base_ns;     /* the first recorded time of the session */
    uint64_t next_beat_cycles;
    uint64_t beat_cycles; /* 0 = no heartbeats */
    uint64_t behind_cycles;
    uint64_t next_sequence; /* to be sent: the cut is one packet ahead of it */
    uint32_t session;       /* how many were before */
    uint32_t since_settled;
    uint32_t heard; /* venue_control.bell, before it was last looked how far the day reaches */
    bool is_listening;
};

/* 0, or -1 with one line in `error` (PORT_ERROR_BYTES). The segment's plan has been checked. */
int venue_sender_open(struct venue_sender *sender, struct venue_segment *segment, const uint8_t *day,
                      char *error);
void venue_sender_close(struct venue_sender *sender);
/* Until the end of the last session, or until told to stop. */
void venue_sender_run(struct venue_sender *sender);

#endif
