#include "venue/sender.h"

#include "stats/clock.h"

#include <immintrin.h>
#include <linux/futex.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    SETTLE_PACKETS = 32, /* between two looks at clock, control and delayed packets */
    LEAD_IN_BEAT_MS = 100,
    BEHIND_MS = 20,
    ENDS = 5, /* of a session, over the time in which its end is told */
    SPIN_US = 60,
    NAP_US = 1000,
    STEP_BITS = 24
};

#define THOUSAND ((uint64_t)1000)
#define MILLION  ((uint64_t)1000000)

__extension__ typedef unsigned __int128 wide;

static uint64_t cycles_of_ms(const struct venue_sender *sender, uint64_t ms) {
    return (uint64_t)((wide)ms * sender->cycles_per_s / THOUSAND);
}

static uint64_t step_of(const struct venue_sender *sender) {
    const struct venue_plan *plan = sender->plan;
    wide scaled = (wide)sender->cycles_per_s << STEP_BITS;
    switch (plan->pace) {
    case PLAN_PACE_RATE:
        return (uint64_t)(scaled / plan->rate);
    case PLAN_PACE_RECORDED:
        return (uint64_t)(scaled / THOUSAND / plan->speed_ppm);
    default:
        return 0;
    }
}

int venue_sender_open(struct venue_sender *sender, struct venue_segment *segment, const uint8_t *day,
                      char *error) {
    const struct venue_plan *plan = &segment->plan;
    memset(sender, 0, sizeof *sender);
    sender->segment = segment;
    sender->plan = plan;
    sender->day = day;
    sender->cycles_per_s = segment->cycles_per_s;
    sender->due_step = step_of(sender);
    sender->beat_cycles = cycles_of_ms(sender, plan->heartbeat_ms);
    sender->behind_cycles = cycles_of_ms(sender, BEHIND_MS);
    venue_loss_open(&sender->same_gap, plan->same_gap_ppb, plan->same_gap_burst, plan->seed, VENUE_LINES);
    if (venue_out_open(&sender->out, &plan->plan, day, &segment->control.stop, error) < 0)
        return -1;
    for (unsigned line = 0; line < VENUE_LINES; line++)
        if (venue_path_open(&sender->path[line], plan, line, &sender->out, &segment->live.line[line],
                            sender->cycles_per_s) < 0) {
            snprintf(error, PORT_ERROR_BYTES, "no memory for the packets that a line delays");
            venue_sender_close(sender);
            return -1;
        }
    return 0;
}

void venue_sender_close(struct venue_sender *sender) {
    for (unsigned line = 0; line < VENUE_LINES; line++)
        venue_path_close(&sender->path[line]);
    venue_out_close(&sender->out);
}

static bool is_stopped(const struct venue_sender *sender) {
    return __atomic_load_n(&sender->segment->control.stop, __ATOMIC_ACQUIRE);
}

static void set_state(const struct venue_sender *sender, enum venue_state state) {
    __atomic_store_n(&sender->segment->live.state, state, __ATOMIC_RELEASE);
}

/* All that is due goes out, and shared memory says so: what it says was sent is on the wire. */
static void settle(struct venue_sender *sender, uint64_t now_cycles) {
    struct venue_live *live = &sender->segment->live;
    for (unsigned line = 0; line < VENUE_LINES; line++)
        venue_path_poll(&sender->path[line], now_cycles);
    venue_out_flush(&sender->out);
    sender->since_settled = 0;
    for (unsigned index = 0; index < sender->out.ports; index++)
        live->port[index] = sender->out.burst[index].port->counters;
    __atomic_store_n(&live->sent, (uint64_t)sender->session << 48 | (sender->next_sequence - 1),
                     __ATOMIC_RELEASE);
    __atomic_store_n(&live->heartbeat_cycles, clock_cycles(), __ATOMIC_RELEASE);
}

static void send_signal(struct venue_sender *sender, uint16_t count, uint64_t now_cycles) {
    struct venue_packet signal = {.sequence = sender->next_sequence, .count = count};
    for (unsigned line = 0; line < VENUE_LINES; line++)
        venue_path_signal(&sender->path[line], &signal, now_cycles);
    sender->next_beat_cycles = now_cycles + sender->beat_cycles;
}

/* A live day: until there is more of it, or the time is over. Whoever has more rings the bell first and looks
 * then who waits; so a bell that has rung since `heard` is not slept through. */
static void nap_until_bell(struct venue_sender *sender, const struct timespec *nap) {
    struct venue_control *control = &sender->segment->control;
    __atomic_store_n(&control->waiting, 1, __ATOMIC_SEQ_CST);
    syscall(SYS_futex, &control->bell, FUTEX_WAIT, sender->heard, nap, NULL, 0);
    __atomic_store_n(&control->waiting, 0, __ATOMIC_SEQ_CST);
}

/* Never longer than NAP_US, so that a word from the control plane is heard. */
static void wait_until(struct venue_sender *sender, uint64_t until_cycles) {
    uint64_t now_cycles = clock_cycles();
    if (until_cycles <= now_cycles)
        return;
    uint64_t us = (uint64_t)((wide)(until_cycles - now_cycles) * MILLION / sender->cycles_per_s);
    if (us < SPIN_US) {
        _mm_pause();
        return;
    }
    us = us - SPIN_US / 2 < NAP_US ? us - SPIN_US / 2 : NAP_US;
    struct timespec nap = {.tv_nsec = (long)(us * THOUSAND)};
    if (sender->is_listening)
        nap_until_bell(sender, &nap);
    else
        nanosleep(&nap, NULL);
}

/* One idle turn on the way to `until_cycles`. */
static void idle(struct venue_sender *sender, uint64_t until_cycles) {
    uint64_t now_cycles = clock_cycles();
    if (sender->beat_cycles && now_cycles >= sender->next_beat_cycles)
        send_signal(sender, 0, now_cycles);
    settle(sender, now_cycles);
    if (sender->beat_cycles && sender->next_beat_cycles < until_cycles)
        until_cycles = sender->next_beat_cycles;
    for (unsigned line = 0; line < VENUE_LINES; line++) {
        uint64_t due_cycles = venue_path_due(&sender->path[line]);
        if (due_cycles < until_cycles)
            until_cycles = due_cycles;
    }
    wait_until(sender, until_cycles);
}

static void idle_until(struct venue_sender *sender, uint64_t until_cycles) {
    while (!is_stopped(sender) && clock_cycles() < until_cycles)
        idle(sender, until_cycles);
}

/* Heartbeats come often now: who starts in this time shall know of us before the first message. */
static void lead_in(struct venue_sender *sender) {
    const struct venue_plan *plan = sender->plan;
    uint64_t beat_cycles = sender->beat_cycles;
    uint64_t often_cycles = cycles_of_ms(sender, LEAD_IN_BEAT_MS);
    if (beat_cycles > often_cycles)
        sender->beat_cycles = often_cycles;
    set_state(sender, VENUE_LEADING_IN);
    idle_until(sender, clock_cycles() + cycles_of_ms(sender, plan->lead_in_ms));
    while (plan->flags & VENUE_WAIT && !__atomic_load_n(&sender->segment->control.go, __ATOMIC_ACQUIRE) &&
           !is_stopped(sender))
        idle(sender, UINT64_MAX);
    sender->beat_cycles = beat_cycles;
}

static uint64_t due_of(struct venue_sender *sender, const struct venue_packet *packet) {
    uint64_t steps = sender->plan->pace == PLAN_PACE_RECORDED
                         ? (packet->last_ns > sender->base_ns ? packet->last_ns - sender->base_ns : 0)
                         : packet->sequence + packet->count - 1;
    return sender->base_cycles + (uint64_t)((wide)steps * sender->due_step >> STEP_BITS);
}

/* Waits until the packet is due, and returns when that is: then, or later. */
static uint64_t wait_for_turn(struct venue_sender *sender, const struct venue_packet *packet) {
    uint64_t now_cycles = clock_cycles();
    if (!sender->due_step)
        return now_cycles;
    uint64_t due_cycles = due_of(sender, packet);
    while (now_cycles < due_cycles && !is_stopped(sender)) {
        idle(sender, due_cycles);
        now_cycles = clock_cycles();
    }
    if (now_cycles - due_cycles > sender->behind_cycles && now_cycles > due_cycles) {
        sender->base_cycles += now_cycles - due_cycles;
        sender->segment->live.slipped_us +=
            (uint64_t)((wide)(now_cycles - due_cycles) * MILLION / sender->cycles_per_s);
    }
    return now_cycles;
}

static void send_packet(struct venue_sender *sender, const struct venue_packet *packet, uint64_t now_cycles) {
    struct venue_live *live = &sender->segment->live;
    bool same_gap = sender->plan->same_gap_ppb && venue_loss_draw(&sender->same_gap);
    for (unsigned line = 0; line < VENUE_LINES; line++)
        venue_path_send(&sender->path[line], packet, now_cycles, same_gap);
    sender->next_beat_cycles = now_cycles + sender->beat_cycles;
    sender->next_sequence = packet->sequence + packet->count;
    live->packets++;
    live->messages += packet->count;
    live->last_cycles = now_cycles;
    if (++sender->since_settled == SETTLE_PACKETS)
        settle(sender, now_cycles);
}

static bool have_room(const struct venue_sender *sender) {
    return venue_path_has_room(&sender->path[0]) && venue_path_has_room(&sender->path[1]);
}

/* The next packet; waits for messages while more may come. False at the end of the day. */
static bool next_packet(struct venue_sender *sender, struct venue_packet *packet) {
    const struct venue_control *control = &sender->segment->control;
    while (!is_stopped(sender)) {
        sender->heard = __atomic_load_n(&control->bell, __ATOMIC_SEQ_CST);
        bool whole = __atomic_load_n(&control->whole, __ATOMIC_ACQUIRE);
        uint64_t bytes = __atomic_load_n(&control->bytes, __ATOMIC_ACQUIRE);
        if (venue_cut_next(&sender->cut, bytes, packet))
            return true;
        if (whole)
            return false;
        sender->is_listening = sender->plan->flags & VENUE_LIVE;
        idle(sender, UINT64_MAX);
        sender->is_listening = false;
    }
    return false;
}

/* The clock of a session starts with its first packet; blackouts with that of the first session. */
static void start_clock(struct venue_sender *sender, const struct venue_packet *packet) {
    struct venue_live *live = &sender->segment->live;
    sender->base_cycles = clock_cycles();
    sender->base_ns = packet->last_ns;
    if (sender->session)
        return;
    for (unsigned line = 0; line < VENUE_LINES; line++)
        venue_path_start(&sender->path[line], sender->plan, sender->base_cycles, sender->cycles_per_s);
    __atomic_store_n(&live->started_cycles, sender->base_cycles, __ATOMIC_RELEASE);
}

static void send_day(struct venue_sender *sender) {
    struct venue_packet packet;
    bool started = false;
    while (next_packet(sender, &packet)) {
        if (!started)
            start_clock(sender, &packet);
        started = true;
        uint64_t now_cycles = wait_for_turn(sender, &packet);
        while (!have_room(sender) && !is_stopped(sender))
            idle(sender, UINT64_MAX);
        if (is_stopped(sender))
            break;
        send_packet(sender, &packet, now_cycles);
    }
    settle(sender, clock_cycles());
}

static bool is_delaying(const struct venue_sender *sender) {
    return venue_path_due(&sender->path[0]) != UINT64_MAX || venue_path_due(&sender->path[1]) != UINT64_MAX;
}

/* Told to stop, it says the same without pauses. */
static void end_session(struct venue_sender *sender) {
    uint64_t beat_cycles = sender->beat_cycles;
    uint64_t pause_cycles = cycles_of_ms(sender, sender->plan->linger_ms) / (ENDS - 1);
    sender->beat_cycles = 0;
    set_state(sender, VENUE_ENDING);
    for (int end = 0; end < ENDS; end++) {
        if (end)
            idle_until(sender, clock_cycles() + pause_cycles);
        send_signal(sender, UINT16_MAX, clock_cycles());
        settle(sender, clock_cycles());
    }
    while (is_delaying(sender) && !is_stopped(sender))
        idle(sender, UINT64_MAX);
    settle(sender, UINT64_MAX);
    sender->beat_cycles = beat_cycles;
}

static void hold(struct venue_sender *sender) {
    set_state(sender, VENUE_HOLDING);
    while (!is_stopped(sender))
        idle(sender, UINT64_MAX);
}

/* A slow feed does not save up for long packets: none takes more than a millisecond to fill. */
static uint32_t most_messages(const struct venue_plan *plan) {
    uint64_t in_a_millisecond = plan->rate / THOUSAND;
    if (plan->pace != PLAN_PACE_RATE || in_a_millisecond >= plan->packet_messages)
        return plan->packet_messages;
    return in_a_millisecond ? (uint32_t)in_a_millisecond : 1;
}

static void start_session(struct venue_sender *sender, uint32_t session) {
    char name[VENUE_SESSION_BYTES];
    venue_session_name(sender->plan->session, session, name);
    venue_out_session(&sender->out, name);
    venue_cut_open(&sender->cut, sender->day, most_messages(sender->plan));
    sender->session = session;
    sender->next_sequence = 1;
    settle(sender, clock_cycles());
}

void venue_sender_run(struct venue_sender *sender) {
    start_session(sender, 0);
    lead_in(sender);
    for (uint32_t session = 0; session < sender->plan->days && !is_stopped(sender); session++) {
        if (session)
            start_session(sender, session);
        set_state(sender, VENUE_SENDING);
        send_day(sender);
        if (is_stopped(sender)) /* in the middle: the session breaks off */
            break;
        if (sender->plan->flags & VENUE_HOLD && session + 1 == sender->plan->days)
            hold(sender);
        end_session(sender);
    }
    settle(sender, clock_cycles());
    set_state(sender, VENUE_ENDED);
}
