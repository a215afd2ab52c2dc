#include "venue/line.h"

#include <stdlib.h>
#include <string.h>

enum { CERTAIN_PPB = 1000000000, DELAYED_MAX = 1 << 20, FIRST_STREAM = 16, JITTER_STREAM = 32 };

#define MICROSECONDS ((uint64_t)1000000)

void venue_loss_open(struct venue_loss *loss, uint32_t ppb, uint32_t burst, uint64_t seed, unsigned stream) {
    synth_prng_seed(&loss->prng, seed, (enum synth_stream)(FIRST_STREAM + stream));
    loss->burst = burst;
    loss->left = 0;
    /* The chance that a packet starts a run. */
    uint64_t kept_ppb = CERTAIN_PPB - ppb;
    loss->start_ppb = ppb ? (uint32_t)((uint64_t)ppb * CERTAIN_PPB / (ppb + burst * kept_ppb)) : 0;
}

static bool happens(struct synth_prng *prng, uint32_t ppb) {
    return ppb && synth_below(prng, CERTAIN_PPB) < ppb;
}

/* A run has 1 .. 2 * burst - 1 packets. */
bool venue_loss_draw(struct venue_loss *loss) {
    if (!loss->left) {
        if (!happens(&loss->prng, loss->start_ppb))
            return false;
        loss->left = 1 + synth_below(&loss->prng, 2 * loss->burst - 1);
    }
    loss->left--;
    return true;
}

int venue_path_open(struct venue_path *path, const struct venue_plan *plan, unsigned index,
                    struct venue_out *out, struct venue_line *counters, uint64_t cycles_per_s) {
    const struct venue_faults *faults = &plan->faults[index];
    memset(path, 0, sizeof *path);
    path->out = out;
    path->counters = counters;
    path->faults = faults;
    path->index = index;
    venue_loss_open(&path->loss, faults->loss_ppb, faults->loss_burst, plan->seed, index);
    synth_prng_seed(&path->jitter, plan->seed, (enum synth_stream)(JITTER_STREAM + index));
    path->delay_cycles = faults->delay_us * cycles_per_s / MICROSECONDS;
    path->jitter_us_cycles = cycles_per_s / MICROSECONDS;
    bool delays = faults->delay_us || faults->jitter_us;
    path->plain =
        !faults->loss_ppb && !faults->duplicate_ppb && !faults->reorder_ppb && !delays && !plan->blackouts;
    if (delays && !(path->delayed = calloc(DELAYED_MAX, sizeof *path->delayed)))
        return -1;
    return 0;
}

void venue_path_close(struct venue_path *path) {
    free(path->delayed);
    path->delayed = NULL;
}

void venue_path_start(struct venue_path *path, const struct venue_plan *plan, uint64_t now_cycles,
                      uint64_t cycles_per_s) {
    for (unsigned i = 0; i < plan->blackouts && i < VENUE_BLACKOUTS; i++) {
        const struct venue_blackout *blackout = &plan->blackout[i];
        if (!(blackout->lines >> path->index & 1))
            continue;
        __extension__ typedef unsigned __int128 wide;
        uint64_t from_cycles =
            now_cycles + (uint64_t)((wide)blackout->start_us * cycles_per_s / MICROSECONDS);
        path->blackout[path->blackouts++] = (struct venue_span){
            from_cycles, from_cycles + (uint64_t)((wide)blackout->us * cycles_per_s / MICROSECONDS)};
    }
}

static bool is_signal(const struct venue_packet *packet) {
    return !packet->bytes;
}

static bool is_black(const struct venue_path *path, uint64_t now_cycles) {
    for (unsigned i = 0; i < path->blackouts; i++)
        if (now_cycles >= path->blackout[i].from_cycles && now_cycles < path->blackout[i].until_cycles)
            return true;
    return false;
}

static void emit(struct venue_path *path, const struct venue_packet *packet, uint32_t copies,
                 uint64_t now_cycles) {
    struct venue_line *counters = path->counters;
    if (path->blackouts && is_black(path, now_cycles)) {
        if (is_signal(packet))
            counters->blacked_out_signals++;
        else
            counters->blacked_out++;
        return;
    }
    for (uint32_t copy = 0; copy < copies; copy++)
        counters->bytes += venue_out_put(path->out, path->index, packet);
    if (is_signal(packet)) {
        counters->signals++;
        return;
    }
    counters->packets += copies;
    counters->messages += (uint64_t)packet->count * copies;
    counters->duplicated += copies - 1;
}

static void pass(struct venue_path *path, const struct venue_packet *packet, uint32_t copies,
                 uint64_t now_cycles) {
    if (!path->delayed) {
        emit(path, packet, copies, now_cycles);
        return;
    }
    uint64_t due_cycles = now_cycles + path->delay_cycles;
    if (path->faults->jitter_us)
        due_cycles += synth_below(&path->jitter, path->faults->jitter_us + 1) * path->jitter_us_cycles;
    if (due_cycles < path->last_due_cycles)
        due_cycles = path->last_due_cycles;
    path->last_due_cycles = due_cycles;
    path->delayed[path->delayed_in++ % DELAYED_MAX] =
        (struct venue_delayed){.packet = *packet, .due_cycles = due_cycles, .copies = copies};
    path->counters->delayed++;
}

void venue_path_poll(struct venue_path *path, uint64_t now_cycles) {
    while (path->delayed_out != path->delayed_in) {
        const struct venue_delayed *delayed = &path->delayed[path->delayed_out % DELAYED_MAX];
        if (delayed->due_cycles > now_cycles)
            return;
        path->delayed_out++;
        path->counters->delayed--;
        emit(path, &delayed->packet, delayed->copies, delayed->due_cycles);
    }
}

uint64_t venue_path_due(const struct venue_path *path) {
    return path->delayed_out == path->delayed_in ? UINT64_MAX
                                                 : path->delayed[path->delayed_out % DELAYED_MAX].due_cycles;
}

bool venue_path_has_room(const struct venue_path *path) {
    return path->delayed_in - path->delayed_out <= DELAYED_MAX - 2 * VENUE_WHEEL;
}

static void hold_back(struct venue_path *path, const struct venue_packet *packet, uint32_t copies,
                      uint32_t overtakers) {
    uint32_t place = path->turn % VENUE_WHEEL;
    uint32_t slot = (path->turn + 1 + overtakers) % VENUE_WHEEL;
    path->held[place] = (struct venue_held){.packet = *packet, .copies = copies};
    if (path->first[slot])
        path->held[path->last[slot] - 1].next = place + 1;
    else
        path->first[slot] = place + 1;
    path->last[slot] = place + 1;
    path->counters->held++;
    path->counters->reordered++;
}

static void release(struct venue_path *path, uint64_t turn, uint64_t now_cycles) {
    uint32_t slot = turn % VENUE_WHEEL;
    for (uint32_t place = path->first[slot]; place; place = path->held[place - 1].next) {
        path->counters->held--;
        pass(path, &path->held[place - 1].packet, path->held[place - 1].copies, now_cycles);
    }
    path->first[slot] = 0;
}

void venue_path_send(struct venue_path *path, const struct venue_packet *packet, uint64_t now_cycles,
                     bool same_gap) {
    struct venue_line *counters = path->counters;
    if (path->plain && !same_gap) {
        emit(path, packet, 1, now_cycles);
        return;
    }
    const struct venue_faults *faults = path->faults;
    struct synth_prng *prng = &path->loss.prng;
    bool lost = venue_loss_draw(&path->loss);
    uint32_t overtakers =
        happens(prng, faults->reorder_ppb) ? 1 + synth_below(prng, faults->reorder_depth) : 0;
    uint32_t copies = 1 + happens(prng, faults->duplicate_ppb);
    if (same_gap) {
        counters->same_gaps++;
        return;
    }
    if (lost) {
        counters->lost++;
        return;
    }
    if (overtakers)
        hold_back(path, packet, copies, overtakers);
    else
        pass(path, packet, copies, now_cycles);
    path->turn++;
    if (counters->held)
        release(path, path->turn, now_cycles);
}

void venue_path_signal(struct venue_path *path, const struct venue_packet *packet, uint64_t now_cycles) {
    for (uint64_t turn = path->turn + 1; path->counters->held && turn < path->turn + VENUE_WHEEL; turn++)
        release(path, turn, now_cycles);
    pass(path, packet, 1, now_cycles);
}
