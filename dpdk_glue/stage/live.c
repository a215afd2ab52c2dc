#include "stage/live.h"

#include "memory/start.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    /* Of a capture: more than any reorder that a recorded line shows. */
    FILE_WINDOW = 1024,
    FILE_SETTLE = 4,
    RELAX_AFTER_ROUNDS = 256,
    RELAX_NS = 50000,
    /* After the end of a session: for whatever says that it was none, and for what is still missing. */
    ENDED_CERTAIN_MS = 100,
    ENDED_PATIENCE_MS = 5000
};

static int refuse(char *error, const char *what) {
    snprintf(error, PORT_ERROR_BYTES, "%s", what);
    return -1;
}

static int check_plan(const struct plan *plan, char *error) {
    if (plan->ports < 1 || plan->ports > LIVE_PORTS || plan->lines > LIVE_LINES)
        return refuse(error, "the plan names no port, or more than there is room for");
    for (uint32_t line = 0; line < plan->lines; line++)
        if (plan->line[line].port >= plan->ports)
            return refuse(error, "the plan has a line that comes in at no port");
    for (uint32_t i = 0; i < plan->ports; i++) {
        if (!memchr(plan->port[i].where, 0, sizeof plan->port[i].where))
            return refuse(error, "the plan has a port whose name does not end");
        if (plan->port[i].kind != PLAN_PORT_FILE && !plan->lines)
            return refuse(error, "the plan has no lines: name at least one multicast group");
    }
    if (!memchr(plan->eal, 0, sizeof plan->eal))
        return refuse(error, "the plan's words for EAL do not end");
    return 0;
}

/* What the plan's limits come to: all of it is there before the first packet. */
static uint64_t pool_bytes(const struct live *live) {
    const struct book_set *books = live->books;
    return books->memory.bytes + books->orders.memory.bytes + books->sides.memory.bytes +
           mold64_bytes(live->mold);
}

/* Between two parts of the start: a device that is open is closed properly, one that is not stays so. */
static int go_on(char *error) {
    return start_is_unwanted() ? refuse(error, "stopped before it was ready") : 0;
}

static int open_ports(struct live *live, char *error) {
    for (uint32_t i = 0; i < live->plan->ports; i++) {
        if (go_on(error) < 0)
            return -1;
        const struct port_driver *driver = port_driver_for(&live->plan->port[i]);
        if (!driver)
            return refuse(error, "the plan has a port of an unknown kind");
        live->ports[i] = driver->open(live->plan, i, 0, error);
        if (!live->ports[i])
            return -1;
        if (live->ports[i]->note[0])
            fprintf(stderr, "dataplane: %s\n", live->ports[i]->note);
    }
    return 0;
}

static bool comes_from_files(const struct plan *plan) {
    for (uint32_t i = 0; i < plan->ports; i++)
        if (plan->port[i].kind != PLAN_PORT_FILE)
            return false;
    return true;
}

static int open_stream(struct live *live, char *error) {
    const struct plan *plan = live->plan;
    bool files = comes_from_files(plan);
    live->trusts_files = files;
    live->recovery_stale = !files;
    live->mold = files ? mold64_open(FILE_WINDOW, FILE_SETTLE)
                       : mold64_open_live(plan->window_packets, plan->recovery.far_messages, true);
    if (!live->mold) {
        snprintf(error, PORT_ERROR_BYTES, "no memory for a window of %u packets (1 to %d are possible)",
                 plan->window_packets, MOLD64_WINDOW_MAX);
        return -1;
    }
    return files || live->replays ? 0 : live_repair_open(live, error);
}

static int open_books(struct live *live, char *error) {
    uint32_t views = live->segment->header->views;
    live->books = book_open(&live->plan->books);
    live->symbols = calloc(views, sizeof *live->symbols);
    if (!live->books || !live->symbols) {
        snprintf(error, PORT_ERROR_BYTES, "no memory for the books (%s): lower their limits or free memory",
                 strerror(errno));
        return -1;
    }
    for (uint32_t i = 0; i < views; i++)
        memcpy(live->symbols[i], live->segment->views[i].symbol, sizeof live->symbols[i]);
    if (publisher_open(&live->publisher, live->segment->views, live->symbols, views) < 0)
        return refuse(error, "no memory for the table of views");
    return 0;
}

static int open_trading(struct live *live, struct journal_taps *taps, struct replay *replay, char *error) {
    if (live->plan->trading.mode == TRADING_OFF)
        return 0;
    if (!live->segment->trading)
        return refuse(error, "the plan has trading, and the segment no room for it");
    live->trading = trading_open(live->segment, (const char(*)[8])live->symbols, live->segment->header->views,
                                 taps, replay, error);
    return live->trading ? 0 : -1;
}

struct live *live_open(struct segment *segment, struct journal_taps *taps, struct replay *replay,
                       char *error) {
    struct live *live = calloc(1, sizeof *live);
    if (!live) {
        refuse(error, "no memory");
        return NULL;
    }
    live->segment = segment;
    live->plan = segment->plan;
    live->replays = replay != NULL;
    live->relaxes = segment->plan->feed_core < 0;
    live->cycles_per_ms = segment->header->cycles_per_s / 1000;
    live->now = clock_cycles();
    if (check_plan(live->plan, error) < 0 || open_books(live, error) < 0 || go_on(error) < 0 ||
        open_stream(live, error) < 0 || (!replay && open_ports(live, error) < 0) || go_on(error) < 0 ||
        open_trading(live, taps, replay, error) < 0 || go_on(error) < 0) {
        live_close(live);
        return NULL;
    }
    segment->stats->pool_bytes = pool_bytes(live);
    live_flag_books(live);
    return live;
}

void live_close(struct live *live) {
    if (!live)
        return;
    trading_close(live->trading);
    recoverer_close(live->recoverer);
    for (int i = 0; i < LIVE_PORTS; i++)
        if (live->ports[i])
            live->ports[i]->driver->close(live->ports[i]);
    if (live->recovery)
        recovery_close(live->recovery);
    if (live->mold)
        mold64_close(live->mold);
    publisher_close(&live->publisher);
    book_close(live->books);
    free(live->symbols);
    free(live);
}

/* One burst of one port. How many frames it gave, or -1 with one line in `error`. */
static int receive(struct live *live, uint32_t index, char *error) {
    live_enter(live, STAGE_PORT);
    uint64_t since = histogram_stamp();
    struct port *port = live->ports[index];
    int count = port->driver->rx_burst(port, live->burst, LIVE_BURST);
    /* What trading decides depends on it, so it is read also where nothing is measured. */
    uint64_t received = live->trading ? clock_cycles() : histogram_stamp();
    if (count == PORT_FAILED) {
        memcpy(error, port->error, PORT_ERROR_BYTES);
        return -1;
    }
    if (count == PORT_END)
        live->ended[index] = true;
    if (count <= 0)
        return 0;
    histogram_add(&live->segment->stats->stage[STAGE_PORT], received - since);
    live->books->rx_cycles = live->mark = received;
    live_enter(live, STAGE_WIRE);
    for (int i = 0; i < count; i++)
        live_take_frame(live, &live->burst[i], received);
    return count;
}

void live_finish(struct live *live) {
    mold64_finish(live->mold);
    do
        live_take_runs(live, live->now);
    while (live->behind);
}

static void finish(struct live *live) {
    live_record_step(live, JOURNAL_TAKE, &(struct journal_step){.what = 1}, NULL);
    live_finish(live);
}

static bool all_ports_ended(const struct live *live) {
    for (uint32_t i = 0; i < live->plan->ports; i++)
        if (!live->ended[i])
            return false;
    return true;
}

/* The feed has nothing more for us: its ports have ended, or its session has, and nothing of it is missing
 * that could still be had. */
static bool has_ended(struct live *live) {
    if (all_ports_ended(live)) {
        if (!live->shown_ended)
            finish(live);
        return true;
    }
    if (!mold64_has_ended(live->mold)) {
        live->ended_at = 0;
        return false;
    }
    if (!live->ended_at)
        live->ended_at = live->now;
    uint64_t patience_ms = live->flagged ? ENDED_PATIENCE_MS : ENDED_CERTAIN_MS;
    return live->now - live->ended_at > patience_ms * live->cycles_per_ms;
}

static void show_end(struct live *live, bool ended) {
    if (ended == live->shown_ended)
        return;
    live->shown_ended = ended;
    live_tell_all(live);
    if (ended)
        live_tell_depth(live);
    segment_set_state(live->segment, ended ? SHM_ENDED : SHM_RUNNING);
}

/* A thread that shares its core lets others run when there is nothing to do. */
static void relax(struct live *live, int frames) {
    live->empty_rounds = frames ? 0 : live->empty_rounds + 1;
    if (live->empty_rounds < RELAX_AFTER_ROUNDS || !live->relaxes)
        return;
    struct timespec pause = {.tv_nsec = RELAX_NS};
    nanosleep(&pause, NULL);
}

int live_run(struct live *live, const volatile sig_atomic_t *told_to_stop, char *error) {
    int result = 0;
    while (!*told_to_stop) {
        int frames = 0;
        live->now = clock_cycles();
        for (uint32_t i = 0; i < live->plan->ports && result == 0; i++) {
            int count = live->ended[i] ? 0 : receive(live, i, error);
            frames += count > 0 ? count : 0;
            result = count < 0 ? -1 : 0;
        }
        if (live->behind) {
            live_record_step(live, JOURNAL_TAKE, &(struct journal_step){0}, NULL);
            live_take_runs(live, live->now);
        }
        live_repair(live);
        if (live->trading)
            trading_poll(live->trading, live->now);
        live_tell(live);
        if (result < 0) { /* all that came before the failure is to stand in the books */
            finish(live);
            break;
        }
        bool ended = has_ended(live);
        show_end(live, ended);
        if (ended && !(live->plan->flags & PLAN_HOLD))
            break;
        relax(live, frames);
    }
    live_tell_all(live);
    if (!live->shown_ended)
        live_tell_depth(live);
    return *told_to_stop ? 0 : result; /* a read that the signal interrupted is no failure */
}
