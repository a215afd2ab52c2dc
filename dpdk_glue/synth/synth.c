#include "synth/synth.h"

#include <stdio.h>
#include <stdlib.h>

#include "api.h"
#include "synth/market.h"

enum day_part { STAGE_PROLOGUE, STAGE_DAY, STAGE_END };

struct synth {
    struct synth_market market;
    struct synth_prng directory_prng;
    enum day_part stage;
    uint32_t phase;
    uint32_t event;
    uint32_t burst_left;
    uint64_t prologue;
    uint64_t bytes;
    /* A step that did not fit the caller's buffer waits here. */
    uint32_t staged_from;
    uint32_t staged_to;
    uint8_t staged[SYNTH_STEP_BYTES + 8];
};

static bool refuse(const struct synth_config *config, char *error) {
    uint64_t minimum = synth_minimum_messages(config->symbols);
    if (config->symbols == 0 || config->symbols > SYNTH_SYMBOLS_MAX)
        snprintf(error, API_ERROR_BYTES, "%u symbols: a day has 1 to %d of them", config->symbols,
                 SYNTH_SYMBOLS_MAX);
    else if (config->messages < minimum)
        snprintf(error, API_ERROR_BYTES,
                 "%llu messages are too few: a day of %u symbols has at least %llu (6 system events, and a "
                 "directory and a trading action for each symbol)",
                 (unsigned long long)config->messages, config->symbols, (unsigned long long)minimum);
    else if (config->messages > SYNTH_MESSAGES_MAX)
        snprintf(error, API_ERROR_BYTES, "%llu messages are too many: a day has at most %llu",
                 (unsigned long long)config->messages, (unsigned long long)SYNTH_MESSAGES_MAX);
    else if (config->live_orders > SYNTH_LIVE_ORDERS_MAX)
        snprintf(error, API_ERROR_BYTES, "%u live orders are too many: at most %d can rest",
                 config->live_orders, SYNTH_LIVE_ORDERS_MAX);
    else
        return false;
    return true;
}

/* Who is busy is drawn by lot: rank_of[locate - 1], and its inverse by_rank. */
static void draw_ranks(uint32_t symbols, uint32_t *rank_of, uint16_t *by_rank, struct synth_prng *prng) {
    for (uint32_t i = 0; i < symbols; i++)
        by_rank[i] = (uint16_t)(i + 1);
    for (uint32_t i = symbols - 1; i > 0; i--) {
        uint32_t j = synth_below(prng, i + 1);
        uint16_t other = by_rank[i];
        by_rank[i] = by_rank[j];
        by_rank[j] = other;
    }
    for (uint32_t rank = 0; rank < symbols; rank++)
        rank_of[by_rank[rank] - 1] = rank;
}

static bool set_up(struct synth *synth, const struct synth_config *config, uint32_t *rank_of) {
    struct synth_market *market = &synth->market;
    uint32_t symbols = config->symbols;
    market->messages = config->messages;
    market->day.live_orders =
        config->live_orders ? config->live_orders : synth_default_live_orders(config->messages, symbols);
    market->reserve = SYNTH_SYSTEM_EVENTS;
    synth_prng_seed(&market->prng, config->seed, SYNTH_STREAM_MARKET);
    synth_prng_seed(&synth->directory_prng, config->seed, SYNTH_STREAM_DIRECTORY);
    draw_ranks(symbols, rank_of, market->by_rank, &synth->directory_prng);
    if (!synth_store_open(&market->store, symbols, rank_of, market->day.live_orders) ||
        !synth_tables_build(&market->tables, symbols, rank_of) ||
        !synth_day_plan(&market->day, config->messages, symbols, market->by_rank, &synth->directory_prng))
        return false;
    synth_list_symbols(market, rank_of, &synth->directory_prng);
    market->writer.now_ns = SYNTH_DIRECTORY_NS;
    return true;
}

struct synth *synth_open(const struct synth_config *config, char *error) {
    if (refuse(config, error))
        return NULL;
    struct synth *synth = calloc(1, sizeof *synth);
    uint32_t *rank_of = malloc(config->symbols * sizeof *rank_of);
    uint16_t *by_rank = malloc(config->symbols * sizeof *by_rank);
    bool ready = synth && rank_of && by_rank;
    if (ready) {
        synth->market.by_rank = by_rank;
        ready = set_up(synth, config, rank_of);
    } else {
        free(by_rank);
    }
    free(rank_of);
    if (ready)
        return synth;
    snprintf(error, API_ERROR_BYTES,
             "no memory for a market of %u symbols: ask for fewer symbols or live orders", config->symbols);
    synth_close(synth);
    return NULL;
}

void synth_close(struct synth *synth) {
    if (!synth)
        return;
    synth_store_close(&synth->market.store);
    synth_tables_free(&synth->market.tables);
    synth_day_free(&synth->market.day);
    free(synth->market.by_rank);
    free(synth);
}

/* The time of the next burst: an exponential wait whose mean spends what is left of the phase evenly. */
static uint64_t next_burst_ns(struct synth *synth, const struct synth_phase *phase) {
    struct synth_market *market = &synth->market;
    uint64_t random = synth_random(&market->prng);
    uint64_t now_ns = market->writer.now_ns;
    uint64_t messages = phase->end_messages - market->writer.written;
    synth->burst_left = market->tables.burst[random & (SYNTH_QUANTILES - 1)];
    uint64_t spacing_ns = (phase->end_ns - now_ns) / messages;
    uint64_t wait_ns = spacing_ns * synth->burst_left *
                       market->tables.gap[random >> 8 & (SYNTH_QUANTILES - 1)] / SYNTH_GAP_ONE;
    return now_ns + wait_ns < phase->end_ns ? now_ns + wait_ns : phase->end_ns - 1;
}

static void start_burst(struct synth *synth, uint64_t ns) {
    struct synth_market *market = &synth->market;
    market->writer.now_ns = ns;
    market->writer.tracking += 2;
    market->active = synth_pick_locate(&market->tables, synth_random(&market->prng));
    synth_flow_balance(market);
}

static void play_event(struct synth *synth) {
    struct synth_market *market = &synth->market;
    const struct synth_event *event = &market->day.events[synth->event++];
    if (event->ns > market->writer.now_ns)
        market->writer.now_ns = event->ns;
    synth->burst_left = 0;
    synth_play(market, event);
}

static bool event_is_due(const struct synth *synth, uint64_t ns) {
    const struct synth_day *day = &synth->market.day;
    return synth->event < day->event_count && day->events[synth->event].ns <= ns;
}

/* The end of a phase: its system event, and after the last one the end of messages. */
static void end_phase(struct synth *synth, const struct synth_phase *phase) {
    struct synth_writer *writer = &synth->market.writer;
    writer->now_ns = phase->end_ns;
    synth->phase++;
    synth->burst_left = 0;
    if (phase->system_event)
        synth_write_system_event(writer, phase->system_event);
    if (synth->phase < SYNTH_PHASES) {
        synth->market.reserve = synth->market.day.phases[synth->phase].reserve;
        return;
    }
    writer->now_ns = SYNTH_MESSAGES_END_NS;
    synth_write_system_event(writer, 'C');
    synth->stage = STAGE_END;
}

static void step_day(struct synth *synth) {
    struct synth_market *market = &synth->market;
    const struct synth_phase *phase = &market->day.phases[synth->phase];
    bool last = synth->phase == SYNTH_PHASES - 1;
    if (market->writer.written >= phase->end_messages || synth_left(market) == 0) {
        if (event_is_due(synth, phase->end_ns - 1))
            play_event(synth);
        else
            end_phase(synth, phase);
        return;
    }
    if (synth->burst_left == 0) {
        uint64_t ns = next_burst_ns(synth, phase);
        if (event_is_due(synth, ns)) {
            play_event(synth);
            return;
        }
        start_burst(synth, ns);
    }
    synth->burst_left--;
    uint64_t ns = market->writer.now_ns + 20 + (synth_random(&market->prng) & 511);
    if (ns < phase->end_ns)
        market->writer.now_ns = ns;
    if (last)
        synth_flow_to_empty(market);
    else
        synth_flow(market);
}

static void step(struct synth *synth) {
    if (synth->stage == STAGE_DAY) {
        step_day(synth);
    } else if (!synth_write_prologue(&synth->market, &synth->directory_prng, synth->prologue++)) {
        synth->stage = STAGE_DAY;
        synth->market.reserve = synth->market.day.phases[0].reserve;
    }
}

static uint64_t fill_from_stage(struct synth *synth, uint8_t *buffer, uint64_t capacity) {
    uint64_t filled = 0;
    while (synth->staged_from < synth->staged_to) {
        const uint8_t *framed = synth->staged + synth->staged_from;
        uint32_t bytes = SYNTH_FRAME_BYTES + ((uint32_t)framed[0] << 8 | framed[1]);
        if (filled + bytes > capacity)
            break;
        memcpy(buffer + filled, framed, bytes);
        filled += bytes;
        synth->staged_from += bytes;
    }
    return filled;
}

uint64_t synth_fill(struct synth *synth, uint8_t *buffer, uint64_t capacity) {
    struct synth_writer *writer = &synth->market.writer;
    uint64_t filled = fill_from_stage(synth, buffer, capacity);
    bool staging = synth->staged_from < synth->staged_to;
    writer->at = buffer + filled;
    /* 8: a header's time is written with the two bytes that follow it */
    while (!staging && synth->stage != STAGE_END && capacity - filled >= SYNTH_STEP_BYTES + 8) {
        step(synth);
        filled = (uint64_t)(writer->at - buffer);
    }
    while (!staging && synth->stage != STAGE_END) {
        writer->at = synth->staged;
        step(synth);
        synth->staged_from = 0;
        synth->staged_to = (uint32_t)(writer->at - synth->staged);
        filled += fill_from_stage(synth, buffer + filled, capacity - filled);
        staging = synth->staged_from < synth->staged_to;
    }
    synth->bytes += filled;
    return filled;
}

void synth_counters(const struct synth *synth, struct synth_counters *counters) {
    const struct synth_writer *writer = &synth->market.writer;
    memset(counters, 0, sizeof *counters);
    counters->messages = writer->written;
    counters->bytes = synth->bytes;
    counters->live_orders = synth->market.store.live;
    memcpy(counters->by_type, writer->by_type, sizeof counters->by_type);
}
