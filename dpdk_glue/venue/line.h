/* One line of the feed and its faults: every packet is lost, held back, doubled, delayed, or just sent.
 *
 * Chance is the line's own, from the seed, and is drawn for every packet in the same order whatever the clock
 * says: the same seed loses, doubles and reorders the same packets. A loss takes a run of packets. A packet
 * held back is sent when as many later ones as drawn have passed it. A delay is real time and keeps the order
 * of the line, so that what overtakes is told by reorder alone. Blackouts come last, at the moment of
 * sending.
 *
 * Signals (heartbeats, ends of session) are only delayed and blacked out; they release what is held back.
 */
#ifndef APPLIANCE_VENUE_LINE_H
#define APPLIANCE_VENUE_LINE_H

#include "abi.h"
#include "synth/prng.h"
#include "venue/cut.h"
#include "venue/out.h"

enum {
    VENUE_DEPTH_MAX = 1000,
    VENUE_WHEEL = 1024, /* more than VENUE_DEPTH_MAX + 1 */
    VENUE_BLACKOUTS = 16
};

struct venue_span {
    uint64_t from_cycles;
    uint64_t until_cycles;
};

struct venue_held {
    struct venue_packet packet;
    uint32_t copies;
    uint32_t next; /* that goes at the same turn, + 1 */
};

struct venue_delayed {
    struct venue_packet packet;
    uint64_t due_cycles;
    uint32_t copies;
    uint32_t reserved;
};

struct venue_loss {
    struct synth_prng prng;
    uint32_t start_ppb;
    uint32_t burst;
    uint32_t left;
};

struct venue_path {
    struct venue_out *out;
    struct venue_line *counters;
    const struct venue_faults *faults;
    unsigned index;
    bool plain; /* nothing can happen to a packet */
    struct venue_loss loss;
    struct synth_prng
        jitter;    /* apart: signals draw from it too, and how many there are is a matter of time */
    uint64_t turn; /* packets that have passed or were held */
    uint32_t first[VENUE_WHEEL];
    uint32_t last[VENUE_WHEEL];
    struct venue_held held[VENUE_WHEEL]; /* by the turn at which they were held */
    struct venue_delayed *delayed;       /* NULL: there is no delay */
    uint64_t delayed_in;
    uint64_t delayed_out;
    uint64_t last_due_cycles;
    uint64_t delay_cycles;
    uint64_t jitter_us_cycles; /* of one microsecond */
    unsigned blackouts;
    struct venue_span blackout[VENUE_BLACKOUTS];
};

/* Losses in runs of `burst` packets on average, so that `ppb` of all are lost. */
void venue_loss_open(struct venue_loss *loss, uint32_t ppb, uint32_t burst, uint64_t seed, unsigned stream);
bool venue_loss_draw(struct venue_loss *loss);

/* 0, or -1 without memory. */
int venue_path_open(struct venue_path *path, const struct venue_plan *plan, unsigned index,
                    struct venue_out *out, struct venue_line *counters, uint64_t cycles_per_s);
void venue_path_close(struct venue_path *path);
/* The first message is about to be sent: blackouts count from here. */
void venue_path_start(struct venue_path *path, const struct venue_plan *plan, uint64_t now_cycles,
                      uint64_t cycles_per_s);

/* Whether a packet of data and what it releases can be sent now. */
bool venue_path_has_room(const struct venue_path *path);
void venue_path_send(struct venue_path *path, const struct venue_packet *packet, uint64_t now_cycles,
                     bool same_gap);
void venue_path_signal(struct venue_path *path, const struct venue_packet *packet, uint64_t now_cycles);
/* Sends what was delayed until now; UINT64_MAX sends all of it. */
void venue_path_poll(struct venue_path *path, uint64_t now_cycles);
/* When the next delayed packet is due; UINT64_MAX = there is none. */
uint64_t venue_path_due(const struct venue_path *path);

#endif
