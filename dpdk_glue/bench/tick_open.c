#include "bench/tick.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WINDOW_PACKETS = 4096,
    ORDERS = 4096,
    CALL_BUDGET_US = 1000000, /* a machine that does something else meanwhile must not change the orders */
    SHARES = 1 << 20,
    THOUSAND = 1000
};

static struct bench_tick *refuse(struct bench_tick *bench, char *error, const char *what) {
    snprintf(error, PORT_ERROR_BYTES, "%s", what);
    bench_tick_close(bench);
    return NULL;
}

/* The frames of an input lie behind each other in memory; the day is all of them. */
static const uint8_t *day_of(const struct bench_input *input) {
    const uint8_t *at = input->frames[0].data;
    for (uint64_t i = 0; i < input->frame_count; i++) {
        if (input->frames[i].data != at)
            return NULL;
        at += input->frames[i].length;
    }
    return input->frames[0].data;
}

/* Every symbol that the day's directory names, in its order; or only how many, without `symbols`. */
static uint32_t list_symbols(const uint8_t *day, uint64_t bytes, char (*symbols)[8], uint32_t every,
                             uint32_t room) {
    enum { DIRECTORY_BYTES = 39, SYMBOL_AT = 2 + 11 };
    uint32_t count = 0;
    uint32_t kept = 0;
    for (uint64_t at = 0; at + 2 <= bytes; at += venue_framed_bytes(day + at)) {
        const uint8_t *framed = day + at;
        if (venue_framed_bytes(framed) != 2 + DIRECTORY_BYTES || framed[2] != 'R' ||
            at + 2 + DIRECTORY_BYTES > bytes)
            continue;
        if (symbols && count % every == 0 && kept < room)
            memcpy(symbols[kept++], framed + SYMBOL_AT, sizeof symbols[0]);
        count++;
    }
    return symbols ? kept : count;
}

static int choose_symbols(struct bench_tick *bench, const uint8_t *day) {
    uint32_t named = list_symbols(day, bench->day_bytes, NULL, 0, 0);
    uint32_t wanted = bench->plan.instruments < named ? bench->plan.instruments : named;
    if (!wanted || wanted > ABI_MAX_VIEWS)
        return -1;
    bench->symbols = calloc(wanted, sizeof *bench->symbols);
    if (!bench->symbols)
        return -1;
    bench->plan.instruments = list_symbols(day, bench->day_bytes, bench->symbols, named / wanted, wanted);
    return 0;
}

/* ---- The parts of a data plane, without a segment that others see. ---- */

const struct risk_limits bench_tick_limits = {
    .notional = UINT64_C(1) << 50,
    .gross = UINT64_C(1) << 60,
    .duplicate_cycles = 100,
    .message_cycles = THOUSAND,
    .burst = 100 * THOUSAND,
    .qty = SHARES,
    .long_qty = SHARES * THOUSAND,
    .short_qty = SHARES * THOUSAND,
    .open_orders = ORDERS,
    .collar_bps = THOUSAND,
};

static void set_limits(struct bench_tick *bench) {
    for (uint32_t scope = 0; scope < 2 + bench->plan.instruments; scope++) {
        bench->shown->limits[scope] = bench_tick_limits;
        if (scope >= 2)
            bench->shown->limits[scope].gross = UINT64_MAX;
    }
}

static void make_segment(struct bench_tick *bench) {
    struct plan_trading *trading = &bench->made.trading;
    bench->made.feed_core = bench->plan.core[0];
    bench->made.books = (struct book_limits){.orders = 1 << 22,
                                             .order_pages = 96 << 10,
                                             .levels = 1 << 19,
                                             .locates = ABI_MAX_LOCATES - 1,
                                             .prefault = 1};
    *trading = (struct plan_trading){
        .mode = TRADING_PAPER,
        .groups = bench->plan.is_split ? 2 : 1,
        .core = {bench->plan.core[0], bench->plan.core[1], -1, -1},
        .orders = ORDERS,
        .call_budget_us = CALL_BUDGET_US,
        .capacity = 'P',
        .display = 'Y',
    };
    for (int stage = TRADING_STRATEGY; bench->plan.is_split && stage <= TRADING_GATEWAY; stage++)
        trading->group[stage] = 1;
    memset(trading->firm, ' ', sizeof trading->firm);
    memcpy(trading->strategy, bench->plan.strategy, sizeof trading->strategy - 1);
    memcpy(trading->params, bench->plan.params, sizeof trading->params);
    trading->params_bytes = bench->plan.params_bytes;
    bench->header.cycles_per_s = (uint64_t)(clock_cycles_per_ns() * 1e9);
    bench->header.views = bench->plan.instruments;
    bench->segment = (struct segment){.file = -1,
                                      .header = &bench->header,
                                      .plan = &bench->made,
                                      .stats = bench->stats,
                                      .trading = bench->shown};
    set_limits(bench);
}

static int open_live(struct bench_tick *bench, char *error) {
    struct live *live = &bench->live;
    live->segment = &bench->segment;
    live->plan = &bench->made;
    live->symbols = bench->symbols;
    live->books = book_open(&bench->made.books);
    live->mold = mold64_open_live(WINDOW_PACKETS, 0, true);
    if (!live->books || !live->mold) {
        snprintf(error, PORT_ERROR_BYTES, "no memory for the books: %s", strerror(errno));
        return -1;
    }
    live->trading = trading_prepare(&bench->segment, (const char(*)[8])bench->symbols,
                                    bench->plan.instruments, NULL, NULL, error);
    if (!live->trading)
        return -1;
    bench->stats->pool_bytes = live->books->memory.bytes + live->books->orders.memory.bytes +
                               live->books->sides.memory.bytes + mold64_bytes(live->mold);
    bench->encoder = live->trading->decider.sink;
    live->trading->decider.sink = (struct order_sink){.take = bench_tick_order, .context = bench};
    return 0;
}

/* ---- A session with a venue that lets us in, and a gate that is open. ---- */

static void arrive(struct order_session *session, const char *bytes, uint32_t count) {
    uint32_t room;
    memcpy(order_session_room(session, &room), bytes, count);
    order_session_arrived(session, count, 0);
}

static int log_in(struct bench_tick *bench) {
    /* Login accepted: the session's name, and the number of its first message; then a heartbeat, which says
     * that nothing is to be caught up with. */
    static const char accepted[] = "\0\037ABENCHMARK1                   1";
    static const char heartbeat[] = "\0\001H";
    struct order_session *session = &bench->session;
    struct decider *decider = &bench->live.trading->decider;
    struct gateway_settings settings = {
        .next_sequence = 1, .second_cycles = UINT64_MAX, .silence_cycles = UINT64_MAX};
    struct command open = {.kind = COMMAND_OPEN, .number = 1};
    struct execution execution;
    uint32_t bytes;
    memset(settings.session, ' ', sizeof settings.session);
    order_session_open(session, &settings, &bench->gateway_counters);
    order_session_begin(session, 0);
    order_session_output(session, &bytes);
    order_session_sent(session, bytes, 0);
    arrive(session, accepted, sizeof accepted - 1);
    arrive(session, heartbeat, sizeof heartbeat - 1);
    while (order_session_next(session, &execution))
        decider_take_execution(decider, &execution);
    if (session->state != SESSION_OPEN || decider_take_command(decider, &open))
        return -1;
    return 0;
}

/* ---- All of it. ---- */

static void take_core(int32_t core) {
    cpu_set_t only;
    if (core < 0 || core >= CPU_SETSIZE)
        return;
    CPU_ZERO(&only);
    CPU_SET(core, &only);
    sched_setaffinity(0, sizeof only, &only);
}

static void *run_behind(void *context) {
    struct bench_tick *bench = context;
    take_core(bench->plan.core[1]);
    return bench_tick_behind(bench);
}

struct bench_tick *bench_tick_open(const struct bench_input *input, const struct bench_tick_plan *plan,
                                   char *error) {
    struct bench_tick *bench = aligned_alloc(64, sizeof *bench);
    if (!bench)
        return refuse(NULL, error, "no memory");
    memset(bench, 0, sizeof *bench);
    bench->plan = *plan;
    bench->run.order_digest = UINT64_C(0xcbf29ce484222325); /* where FNV-1a starts */
    bench->stats = calloc(1, sizeof *bench->stats);
    bench->shown = calloc(1, sizeof *bench->shown);
    bench->burst = aligned_alloc(64, TICK_BURST * sizeof *bench->burst);
    const uint8_t *day = day_of(input);
    bench->day_bytes = input->bytes;
    if (!bench->stats || !bench->shown || !bench->burst)
        return refuse(bench, error, "no memory");
    memset(bench->burst, 0, TICK_BURST * sizeof *bench->burst);
    if (!day || choose_symbols(bench, day) < 0)
        return refuse(bench, error, "the day names no symbols (messages of type R): nothing could be traded");
    venue_cut_open(&bench->cut, day, plan->most_messages);
    make_segment(bench);
    if (open_live(bench, error) < 0) {
        bench_tick_close(bench);
        return NULL;
    }
    if (log_in(bench) < 0)
        return refuse(bench, error, "the gate of the benchmark does not open");
    bench->has_thread = plan->is_split && !pthread_create(&bench->thread, NULL, run_behind, bench);
    if (plan->is_split && !bench->has_thread)
        return refuse(bench, error, "the kernel gives no thread for the stages behind the feed");
    while (bench->has_thread && !__atomic_load_n(&bench->runs, __ATOMIC_ACQUIRE))
        sched_yield();
    take_core(plan->core[0]);
    return bench;
}

void bench_tick_close(struct bench_tick *bench) {
    if (!bench)
        return;
    if (bench->has_thread) {
        __atomic_store_n(&bench->stops, 1, __ATOMIC_RELEASE);
        pthread_join(bench->thread, NULL);
    }
    trading_close(bench->live.trading);
    if (bench->live.mold)
        mold64_close(bench->live.mold);
    book_close(bench->live.books);
    free(bench->symbols);
    free(bench->burst);
    free(bench->shown);
    free(bench->stats);
    free(bench);
}
