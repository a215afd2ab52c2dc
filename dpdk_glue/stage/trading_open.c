#include "journal/taps.h"
#include "port/port.h"
#include "stage/trading_parts.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    FILLS = 1 << 16, /* that are remembered, for trades that are broken later */
    RELAX_AFTER_ROUNDS = 1024,
    RELAX_NS = 50000,
    POLL_EVERY_US = 10, /* the socket, where the gateway shares a core with the feed */
    SILENCE_S = 15,
    RETRY_MS = 10,
    RETRY_LIMIT_MS = 1000,
    THOUSAND = 1000
};

static int refuse(char *error, const char *what) {
    snprintf(error, PORT_ERROR_BYTES, "%s", what);
    return -1;
}

static int check_plan(const struct plan_trading *plan, char *error) {
    if (plan->mode > TRADING_REPLAY)
        return refuse(error, "the plan has a mode of trading that is unknown");
    if (plan->groups < 1 || plan->groups > TRADING_GROUPS || plan->group[TRADING_FEED] != 0 ||
        plan->group[TRADING_GATEWAY] != plan->groups - 1)
        return refuse(error, "the plan has stages in groups that cannot be");
    for (int stage = TRADING_STRATEGY; stage <= TRADING_GATEWAY; stage++)
        if (plan->group[stage] - plan->group[stage - 1] > 1)
            return refuse(error, "the plan has stages in groups that are no neighbours");
    if (plan->orders < 2 || plan->orders & (plan->orders - 1))
        return refuse(error, "the plan has a number of orders that is no power of two");
    if (!memchr(plan->strategy, 0, sizeof plan->strategy) || plan->params_bytes > sizeof plan->params)
        return refuse(error, "the plan has a strategy whose name does not end, or too many parameters");
    return 0;
}

void trading_relax(const struct trading *trading, uint32_t group, uint32_t empty_rounds) {
    if (trading->plan->core[group] >= 0 || empty_rounds < RELAX_AFTER_ROUNDS) {
        __builtin_ia32_pause();
        return;
    }
    struct timespec pause = {.tv_nsec = RELAX_NS};
    nanosleep(&pause, NULL);
}

/* ---- Stages. ---- */

static int open_strategy(struct trading *trading, const char (*symbols)[8], uint32_t instruments,
                         char *error) {
    const struct plan_trading *plan = trading->plan;
    uint64_t budget_cycles = plan->mode == TRADING_REPLAY ? 0 : plan->call_budget_us * trading->cycles_per_us;
    strategist_open(&trading->strategist, instruments, budget_cycles,
                    &trading->segment->stats->stage[STAGE_STRATEGY], &trading->shown->strategy);
    trading->strategist.replays = plan->mode == TRADING_REPLAY;
    if (ticks_open(&trading->ticks, symbols, instruments) < 0)
        return refuse(error, "no memory for the table of instruments");
    if (!plan->strategy[0])
        return 0;
    const uint8_t *params = plan->params_bytes ? plan->params : NULL;
    struct slots *slots = &trading->strategist.slots;
    int slot = slots_load(slots, plan->strategy, params, plan->params_bytes, error);
    if (slot < 0)
        return -1;
    slots_switch(slots, (uint32_t)slot);
    strategist_show(&trading->strategist);
    ticks_ask(&trading->ticks, slots_depth(slots), slots_wants_every_event(slots));
    return 0;
}

static void set_limits(struct trading *trading, uint32_t instruments) {
    const struct risk_limits *limits = trading->shown->limits;
    risk_set_limits(trading->decider.risk, RISK_ACCOUNT, 0, &limits[0]);
    risk_set_limits(trading->decider.risk, RISK_STRATEGY, 0, &limits[1]);
    for (uint32_t i = 0; i < instruments; i++) {
        risk_set_limits(trading->decider.risk, RISK_SYMBOL, i, &limits[2 + i]);
        risk_permit(trading->decider.risk, i, limits[2 + i].qty != 0);
    }
}

static int open_risk(struct trading *trading, const char (*symbols)[8], uint32_t instruments, char *error) {
    struct order_pool_limits limits = {
        .orders = trading->plan->orders, .fills = FILLS, .instruments = instruments};
    const uint32_t *kill = trading->replay ? &trading->replayed_kill : &trading->shown->control.kill;
    if (decider_open(&trading->decider, &limits, symbols, kill, &trading->segment->stats->stage[STAGE_RISK]) <
        0)
        return refuse(error, "no memory for risk and the order pool: lower trading.orders");
    set_limits(trading, instruments);
    return 0;
}

static struct gateway_settings settings_of(const struct trading *trading) {
    const struct plan_trading *plan = trading->plan;
    uint64_t per_us = trading->cycles_per_us;
    struct gateway_settings settings = {
        .ip = plan->gateway_ip,
        .port = plan->gateway_port,
        .busy_poll_us = plan->busy_poll_us,
        .asks_account = 1,
        .queries_unanswered = UINT32_MAX, /* of an earlier life of ours */
        .next_sequence = 1,               /* positions and open orders come from all of the day */
        .second_cycles = per_us * THOUSAND * THOUSAND,
        .silence_cycles = per_us * THOUSAND * THOUSAND * SILENCE_S,
        .retry_cycles = per_us * THOUSAND * RETRY_MS,
        .retry_limit_cycles = per_us * THOUSAND * RETRY_LIMIT_MS,
    };
    memcpy(settings.user, plan->user, sizeof settings.user);
    memcpy(settings.password, plan->password, sizeof settings.password);
    memcpy(settings.session, plan->session, sizeof settings.session);
    return settings;
}

static int open_gateway(struct trading *trading, const char (*symbols)[8], uint32_t instruments,
                        char *error) {
    const struct plan_trading *plan = trading->plan;
    struct gateway_settings settings = settings_of(trading);
    struct ouch_options options = {
        .display = (char)plan->display, .capacity = (char)plan->capacity, .iso = 'N', .cross = 'N'};
    struct shm_stats *stats = trading->segment->stats;
    memcpy(options.firm, plan->firm, sizeof options.firm);
    if (gateway_open(&trading->gateway, &options, symbols, instruments,
                     plan->mode == TRADING_LIVE ? &settings : NULL, &trading->shown->gateway) < 0)
        return refuse(error, "no memory for the templates of orders");
    trading->gateway.encode = &stats->stage[STAGE_GATEWAY];
    trading->gateway.tick_to_order = &stats->stage[STAGE_ORDER];
    trading->gateway.poll_every_cycles =
        plan->group[TRADING_GATEWAY] == 0 ? POLL_EVERY_US * trading->cycles_per_us : 0;
    return 0;
}

/* ---- The journal. ---- */

static int open_taps(struct trading *trading, struct journal_taps *taps, char *error) {
    for (uint32_t stage = TRADING_FEED; taps && stage <= TRADING_GATEWAY; stage++)
        if (journal_tap_open(&trading->taps[stage], taps, stage) < 0) {
            snprintf(error, PORT_ERROR_BYTES, "the journal cannot be opened for stage %u: %s", stage,
                     strerror(errno));
            return -1;
        }
    trading->writes = taps != NULL;
    trading_write_session(trading);
    trading->strategist.tap = taps ? &trading->taps[TRADING_STRATEGY] : NULL;
    trading->decider.tap = taps ? &trading->taps[TRADING_RISK] : NULL;
    trading->gateway.tap = taps ? &trading->taps[TRADING_GATEWAY] : NULL;
    return 0;
}

/* ---- Threads. ---- */

static void take_core(int core) {
    cpu_set_t only;
    if (core < 0 || core >= CPU_SETSIZE)
        return;
    CPU_ZERO(&only);
    CPU_SET(core, &only);
    sched_setaffinity(0, sizeof only, &only);
}

static void *run(void *context) {
    struct trading_thread *thread = context;
    take_core(thread->trading->plan->core[thread->group]);
    trading_run_group(thread->trading, thread->group);
    return NULL;
}

static int start_threads(struct trading *trading, char *error) {
    for (uint32_t group = 1; group < trading->plan->groups; group++) {
        struct trading_thread *thread = &trading->threads[group];
        *thread = (struct trading_thread){.trading = trading, .group = group};
        thread->runs = pthread_create(&thread->thread, NULL, run, thread) == 0;
        if (!thread->runs)
            return refuse(error, "the kernel gives no thread for a group of stages");
    }
    return trading_attend(trading) < 0 ? refuse(error, "the kernel gives no thread that loads strategies")
                                       : 0;
}

/* One group after the other: each works off what the one before has left. */
static void stop_threads(struct trading *trading) {
    trading_dismiss(trading);
    for (uint32_t group = 1; group < TRADING_GROUPS; group++) {
        if (!trading->threads[group].runs)
            continue;
        __atomic_store_n(&trading->stopping[group], 1, __ATOMIC_RELEASE);
        pthread_join(trading->threads[group].thread, NULL);
        trading->threads[group].runs = false;
    }
}

/* ---- All of it. ---- */

static int open_parts(struct trading *trading, const char (*symbols)[8], uint32_t instruments,
                      struct journal_taps *taps, char *error) {
    if (check_plan(trading->plan, error) < 0 || open_strategy(trading, symbols, instruments, error) < 0 ||
        open_risk(trading, symbols, instruments, error) < 0 ||
        open_gateway(trading, symbols, instruments, error) < 0 || open_taps(trading, taps, error) < 0)
        return -1;
    if (trading->replay)
        trading_replay_fault(trading);
    if (trading_connect(trading) < 0)
        return refuse(error, "no memory for the rings between stages");
    trading_show_all(trading); /* nobody shall take zeros for an open gate */
    return 0;
}

struct trading *trading_prepare(struct segment *segment, const char (*symbols)[8], uint32_t instruments,
                                struct journal_taps *taps, struct replay *replay, char *error) {
    struct trading *trading = aligned_alloc(64, (sizeof *trading + 63) / 64 * 64);
    if (!trading) {
        refuse(error, "no memory");
        return NULL;
    }
    memset(trading, 0, sizeof *trading);
    trading->segment = segment;
    trading->plan = &segment->plan->trading;
    trading->shown = segment->trading;
    trading->cycles_per_us = segment->header->cycles_per_s / THOUSAND / THOUSAND;
    trading->pending_slot = SLOTS_NONE;
    trading->replay = replay;
    trading->gateway.link.socket = -1;
    if (open_parts(trading, symbols, instruments, taps, error) < 0) {
        trading_close(trading);
        return NULL;
    }
    return trading;
}

struct trading *trading_open(struct segment *segment, const char (*symbols)[8], uint32_t instruments,
                             struct journal_taps *taps, struct replay *replay, char *error) {
    struct trading *trading = trading_prepare(segment, symbols, instruments, taps, replay, error);
    if (trading && start_threads(trading, error) < 0) {
        trading_close(trading);
        return NULL;
    }
    return trading;
}

void trading_close(struct trading *trading) {
    if (!trading)
        return;
    stop_threads(trading);
    trading_show_all(trading);
    gateway_close(&trading->gateway);
    decider_close(&trading->decider);
    strategist_close(&trading->strategist);
    ticks_close(&trading->ticks);
    for (uint32_t stage = TRADING_FEED; trading->writes && stage <= TRADING_GATEWAY; stage++)
        journal_tap_close(&trading->taps[stage]);
    for (uint32_t ring = 0; ring < trading->rings; ring++)
        memory_unmap(&trading->memory[ring]);
    free(trading);
}
