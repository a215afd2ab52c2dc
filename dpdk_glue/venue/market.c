#include "venue/market.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    BATCH_MESSAGES = 256, /* under the lock: some tens of microseconds */
    NAP_NS = 100000,
    LONG_NAP_NS = 1000000, /* before the first packet, and while nothing can be done */
    TIMER_SLACK_NS = 1000,
    BEHIND_NS = 20000000,
    MOST_AHEAD = 8192 /* messages, of the sender, who says so every 32 packets */
};

#define BILLION UINT64_C(1000000000)
#define MILLION UINT64_C(1000000)

__extension__ typedef unsigned __int128 wide;

static uint64_t clock_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * BILLION + (uint64_t)now.tv_nsec;
}

static void nap(uint64_t ns) {
    struct timespec time = {.tv_nsec = (long)ns};
    nanosleep(&time, NULL);
}

struct venue_market *venue_market_open(struct venue_match *match) {
    struct venue_market *market = calloc(1, sizeof *market);
    if (!market)
        return NULL;
    market->match = match;
    market->bell = -1;
    pthread_mutex_init(&market->lock, NULL);
    return market;
}

void venue_market_stop(struct venue_market *market) {
    __atomic_store_n(&market->stop, 1, __ATOMIC_RELEASE);
    if (market->is_running)
        pthread_join(market->thread, NULL);
    market->is_running = false;
    market->segment = NULL;
}

void venue_market_close(struct venue_market *market) {
    if (!market)
        return;
    venue_market_stop(market);
    pthread_mutex_destroy(&market->lock);
    venue_match_close(market->match);
    free(market);
}

static void ring_sender(struct venue_control *control) {
    __atomic_fetch_add(&control->bell, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&control->waiting, __ATOMIC_SEQ_CST))
        syscall(SYS_futex, &control->bell, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* The sender may have all that is applied; behind the last message of a closed market nothing will come. */
static void publish(struct venue_market *market) {
    const struct venue_match *match = market->match;
    if (!market->segment)
        return;
    struct venue_control *control = &market->segment->control;
    bool whole = match->phase == VENUE_CLOSED && venue_match_is_done(match);
    if (control->bytes == match->applied && control->whole == whole)
        return;
    __atomic_store_n(&control->bytes, match->applied, __ATOMIC_RELEASE);
    __atomic_store_n(&control->whole, whole, __ATOMIC_RELEASE);
    ring_sender(control);
}

/* The time of the day now, by a recorded pace: also when the script is silent. */
static void set_clock(struct venue_market *market, uint64_t now_ns) {
    if (market->pace != PLAN_PACE_RECORDED || !market->base_ns)
        return;
    uint64_t day_ns =
        market->first_ns + (uint64_t)((wide)(now_ns - market->base_ns) * market->speed_ppm / MILLION);
    uint64_t next_ns = venue_match_next_ns(market->match);
    venue_match_clock(market->match, next_ns && next_ns < day_ns ? next_ns : day_ns);
}

void venue_market_enter(struct venue_market *market) {
    __atomic_fetch_add(&market->waiting, 1, __ATOMIC_SEQ_CST);
    pthread_mutex_lock(&market->lock);
    __atomic_fetch_sub(&market->waiting, 1, __ATOMIC_SEQ_CST);
    set_clock(market, clock_ns());
}

void venue_market_leave(struct venue_market *market) {
    publish(market);
    pthread_mutex_unlock(&market->lock);
}

static bool is_stopped(const struct venue_market *market) {
    return __atomic_load_n(&market->stop, __ATOMIC_ACQUIRE);
}

static bool is_too_far_ahead(const struct venue_market *market) {
    const uint64_t number = (UINT64_C(1) << 48) - 1;
    uint64_t sent = __atomic_load_n(&market->segment->live.sent, __ATOMIC_ACQUIRE) & number;
    return market->match->day->messages > sent + MOST_AHEAD;
}

static void begin(struct venue_market *market) {
    while (!is_stopped(market) &&
           __atomic_load_n(&market->segment->live.state, __ATOMIC_ACQUIRE) < VENUE_SENDING)
        nap(LONG_NAP_NS);
    market->base_ns = clock_ns();
    market->first_ns = venue_match_next_ns(market->match);
}

/* How long ago the next message was due; negative: how long until then. */
static int64_t overdue_ns(const struct venue_market *market, uint64_t now_ns) {
    const struct venue_match *match = market->match;
    uint64_t due_ns = market->base_ns;
    if (market->pace == PLAN_PACE_RATE) {
        due_ns += (uint64_t)((wide)match->scripted * BILLION / market->rate);
    } else if (market->pace == PLAN_PACE_RECORDED) {
        uint64_t next_ns = venue_match_next_ns(match);
        if (next_ns > market->first_ns)
            due_ns += (uint64_t)((wide)(next_ns - market->first_ns) * MILLION / market->speed_ppm);
    } else {
        return 1;
    }
    return (int64_t)(now_ns - due_ns);
}

static uint64_t step(struct venue_market *market, uint64_t now_ns) {
    struct venue_match *match = market->match;
    if (market->pace == PLAN_PACE_RECORDED) {
        uint64_t day_ns =
            market->first_ns + (uint64_t)((wide)(now_ns - market->base_ns) * market->speed_ppm / MILLION);
        return venue_match_step(match, BATCH_MESSAGES, day_ns);
    }
    uint64_t due = BATCH_MESSAGES;
    if (market->pace == PLAN_PACE_RATE) {
        uint64_t all = (uint64_t)((wide)(now_ns - market->base_ns) * market->rate / BILLION) + 1;
        due = all > match->scripted ? all - match->scripted : 0;
    }
    return venue_match_step(match, due < BATCH_MESSAGES ? due : BATCH_MESSAGES, UINT64_MAX);
}

static void catch_up(struct venue_market *market, int64_t late_ns) {
    if (market->pace == PLAN_PACE_FLAT || late_ns < BEHIND_NS)
        return;
    market->base_ns += (uint64_t)late_ns;
    market->behind_ns += (uint64_t)late_ns;
}

/* What is due of the script is done; how long to sleep then, 0 = more is due. */
static uint64_t go_on(struct venue_market *market) {
    uint64_t now_ns = clock_ns();
    int64_t late_ns = overdue_ns(market, now_ns);
    if (late_ns < -(int64_t)NAP_NS)
        return late_ns < -(int64_t)LONG_NAP_NS ? LONG_NAP_NS : (uint64_t)-late_ns;
    uint64_t done = late_ns >= 0 ? step(market, now_ns) : 0;
    catch_up(market, late_ns);
    return done == BATCH_MESSAGES ? 0 : NAP_NS;
}

/* One turn under the lock. */
static uint64_t turn(struct venue_market *market) {
    const uint64_t one = 1;
    struct venue_match *match = market->match;
    pthread_mutex_lock(&market->lock);
    uint64_t sleep_ns = venue_match_is_done(match) ? LONG_NAP_NS
                        : is_too_far_ahead(market) ? NAP_NS
                                                   : go_on(market);
    if (venue_match_is_done(match) && !market->hold)
        venue_match_end(match);
    publish(market);
    bool rings = match->event_head != match->event_tail;
    pthread_mutex_unlock(&market->lock);
    if (rings && market->bell >= 0 && write(market->bell, &one, sizeof one) < 0)
        return sleep_ns; /* it is ringing already */
    return sleep_ns;
}

static void *run(void *context) {
    struct venue_market *market = context;
    prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS);
    begin(market);
    while (!is_stopped(market)) {
        uint64_t sleep_ns = turn(market);
        if (sleep_ns)
            nap(sleep_ns);
        else if (__atomic_load_n(&market->waiting, __ATOMIC_SEQ_CST))
            nap(TIMER_SLACK_NS); /* the lock is not fair: let them have it */
    }
    return NULL;
}

int venue_market_start(struct venue_market *market, struct venue_segment *segment,
                       const struct venue_plan *pace, int bell) {
    market->segment = segment;
    market->bell = bell;
    market->pace = pace->pace;
    market->rate = pace->rate;
    market->speed_ppm = pace->speed_ppm;
    market->hold = pace->flags & VENUE_HOLD;
    errno = pthread_create(&market->thread, NULL, run, market);
    market->is_running = !errno;
    return errno ? -1 : 0;
}
