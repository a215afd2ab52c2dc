/* The market as Python calls it: each call has the engine for itself. */
#include "api.h"

#include "venue/market.h"

#include <stdio.h>
#include <string.h>

struct venue_market *api_venue_market_open(const struct market_config *config, const uint8_t *script,
                                           uint64_t script_bytes, uint8_t *live, uint64_t live_room,
                                           char *error) {
    struct venue_match *match = venue_match_open(config, script, script_bytes, live, live_room, error);
    struct venue_market *market = match ? venue_market_open(match) : NULL;
    if (match && !market) {
        venue_match_close(match);
        snprintf(error, API_ERROR_BYTES, "no memory for a market");
    }
    return market;
}

void api_venue_market_close(struct venue_market *market) {
    venue_market_close(market);
}

int api_venue_market_start(struct venue_market *market, struct venue_segment *segment,
                           const struct venue_plan *pace, int32_t bell, char *error) {
    if (venue_market_start(market, segment, pace, bell) == 0)
        return 0;
    snprintf(error, API_ERROR_BYTES, "no thread for the market: %m");
    return -1;
}

void api_venue_market_stop(struct venue_market *market) {
    venue_market_stop(market);
}

const struct venue_day *api_venue_market_day(const struct venue_market *market) {
    return market->match->day;
}

const char *api_venue_market_symbols(const struct venue_market *market) {
    return market->match->survey.symbols[0];
}

struct book_set *api_venue_market_books(struct venue_market *market) {
    return market->match->set;
}

uint64_t api_venue_match_step(struct venue_market *market, uint64_t count) {
    venue_market_enter(market);
    uint64_t done = venue_match_step(market->match, count, UINT64_MAX);
    venue_market_leave(market);
    return done;
}

void api_venue_match_end(struct venue_market *market) {
    venue_market_enter(market);
    market->match->script_bytes = market->match->script_at;
    venue_match_end(market->match);
    venue_market_leave(market);
}

int api_venue_match_enter(struct venue_market *market, const struct market_entry *entry) {
    venue_market_enter(market);
    int reason = venue_match_enter(market->match, entry);
    venue_market_leave(market);
    return reason;
}

int api_venue_match_replace(struct venue_market *market, uint64_t reference,
                            const struct market_entry *entry) {
    venue_market_enter(market);
    int reason = venue_match_replace(market->match, reference, entry);
    venue_market_leave(market);
    return reason;
}

int api_venue_match_cancel(struct venue_market *market, uint64_t reference, uint32_t keep, uint8_t reason) {
    venue_market_enter(market);
    bool done = venue_match_cancel(market->match, reference, keep, reason);
    venue_market_leave(market);
    return done;
}

int api_venue_match_hold(struct venue_market *market, const struct market_entry *entry) {
    venue_market_enter(market);
    bool done = venue_match_hold(market->match, entry);
    venue_market_leave(market);
    return done;
}

uint32_t api_venue_match_events(struct venue_market *market, struct market_event *events, uint32_t room) {
    venue_market_enter(market);
    uint32_t count = venue_match_events(market->match, events, room);
    venue_market_leave(market);
    return count;
}

void api_venue_market_status(struct venue_market *market, struct market_status *status) {
    venue_market_enter(market);
    const struct venue_match *match = market->match;
    *status = (struct market_status){.scripted = match->scripted,
                                     .messages = match->day->messages,
                                     .bytes = match->applied,
                                     .venue_ns = match->writer.now_ns,
                                     .changed = match->changed,
                                     .executions = match->executions,
                                     .executed_qty = match->executed_qty,
                                     .slipped_us = market->behind_ns / 1000,
                                     .orders = match->clients_live,
                                     .differing = (uint32_t)match->differing_of.count,
                                     .is_over = match->phase == VENUE_CLOSED};
    venue_market_leave(market);
}
