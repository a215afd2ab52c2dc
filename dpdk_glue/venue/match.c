#include "venue/match.h"

#include "api.h"
#include "wire/bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LOCATE_OFFSET = 1,
    TIME_OFFSET = 5,
    REFERENCE_OFFSET = 11,
    NEW_REFERENCE_OFFSET = 19,
    EVENTS_SPARE = 16,
    LIVE_SPARE = 4096
};

/* How a type can be clients' business. */
enum concern { NOBODYS = 0, ORDERS, ENTERS, STATES };

static const uint8_t concern_of[256] = {
    ['A'] = ENTERS, ['F'] = ENTERS, ['E'] = ORDERS, ['C'] = ORDERS, ['X'] = ORDERS, ['D'] = ORDERS,
    ['U'] = ORDERS, ['H'] = STATES, ['h'] = STATES, ['S'] = STATES, ['B'] = STATES,
};

static bool open_pools(struct venue_match *match, const struct market_config *config) {
    uint32_t clients = config->orders < VENUE_MOST_CLIENTS ? config->orders : VENUE_MOST_CLIENTS;
    match->set = book_open(&config->books);
    match->marks = match->set ? calloc(match->set->orders.orders_limit, sizeof *match->marks) : NULL;
    match->clients = calloc(clients + 1, sizeof *match->clients);
    match->held = calloc(clients + 1, sizeof *match->held);
    match->first = calloc(ABI_MAX_LOCATES, sizeof *match->first);
    match->differing = calloc(VENUE_MOST_DIFFERING + 1, sizeof *match->differing);
    match->events = calloc(VENUE_EVENTS, sizeof *match->events);
    match->client_room = clients;
    for (uint32_t slot = 1; slot <= clients; slot++)
        match->clients[slot].next = slot < clients ? slot + 1 : 0;
    match->free_client = clients ? 1 : 0;
    for (uint32_t slot = 1; match->differing && slot < VENUE_MOST_DIFFERING; slot++)
        match->differing[slot].next = slot + 1;
    match->free_differing = 1;
    return match->marks && match->clients && match->held && match->first && match->differing &&
           match->events && venue_table_open(&match->client_of, clients) == 0 &&
           venue_table_open(&match->differing_of, VENUE_MOST_DIFFERING) == 0 &&
           venue_table_open(&match->undone, VENUE_MOST_DIFFERING) == 0;
}

/* Numbers of clients begin behind the script's with a round number, so that people can tell them apart. */
static bool choose_numbers(struct venue_match *match, const struct market_config *config) {
    const uint64_t round = UINT64_C(1) << 32;
    const struct venue_survey *survey = &match->survey;
    if (survey->last_reference > INT64_MAX || survey->last_match > INT64_MAX)
        return false;
    match->next_reference = (survey->last_reference / round + 1) * round;
    match->next_match = (survey->last_match / round + 1) * round;
    if (config->least_reference > match->next_reference)
        match->next_reference = config->least_reference;
    if (config->least_match > match->next_match)
        match->next_match = config->least_match;
    return true;
}

struct venue_match *venue_match_open(const struct market_config *config, const uint8_t *script,
                                     uint64_t script_bytes, uint8_t *live, uint64_t live_room, char *error) {
    struct venue_match *match = calloc(1, sizeof *match);
    if (!match) {
        snprintf(error, API_ERROR_BYTES, "no memory for a market");
        return NULL;
    }
    match->script = script;
    match->script_bytes = script_bytes;
    match->live = live;
    match->live_room = live_room;
    match->writer.at = live;
    match->next_expiry_ns = UINT64_MAX;
    match->fat_finger_ppm = config->fat_finger_ppm;
    venue_survey(&match->survey, script, script_bytes);
    uint64_t most_messages = 2 * match->survey.messages + live_room / (2 + SYNTH_BYTES_order_delete);
    match->day = venue_day_open_live(live, most_messages);
    const char *why = !match->day || !open_pools(match, config) ? "no memory for the books of a market"
                      : live_room < 2 * script_bytes + LIVE_SPARE
                          ? "the live day has too little room for its script"
                      : !choose_numbers(match, config) ? "the script uses numbers up to the largest: no room "
                                                         "for orders of clients behind them"
                                                       : NULL;
    if (!why)
        return match;
    snprintf(error, API_ERROR_BYTES, "%s", why);
    venue_match_close(match);
    return NULL;
}

void venue_match_close(struct venue_match *match) {
    if (!match)
        return;
    venue_table_close(&match->client_of);
    venue_table_close(&match->differing_of);
    venue_table_close(&match->undone);
    free(match->events);
    free(match->differing);
    free(match->first);
    free(match->held);
    free(match->clients);
    free(match->marks);
    book_close(match->set);
    venue_day_close(match->day);
    free(match);
}

uint32_t venue_match_node(const struct venue_match *match, uint64_t reference) {
    struct orders *orders = &match->set->orders;
    uint64_t number = (reference >> ORDERS_PAGE_BITS) + 1;
    const struct order_page *page = &orders->directory[(number - 1) & orders->directory_mask];
    if (page->number != number)
        page = orders->stray_count ? orders_find_stray(orders, number) : NULL;
    return page ? orders->index[page->first + (uint32_t)(reference & (ORDERS_PER_PAGE - 1))] : 0;
}

static void mark_arrival(struct venue_match *match, uint64_t reference) {
    uint32_t node = venue_match_node(match, reference);
    match->arrivals++;
    if (node) /* else it has left already, or there was no room for it */
        *venue_match_mark(match, node) =
            (struct venue_mark){.reference = reference, .arrival = match->arrivals};
}

void venue_match_apply(struct venue_match *match) {
    const uint8_t *from = match->live + match->applied;
    const uint8_t *end = match->writer.at;
    book_feed(match->set, from, (size_t)(end - from), NULL, 0, NULL);
    while (from < end) {
        const uint8_t *message = from + 2;
        uint32_t bytes = venue_framed_bytes(from);
        if (message[0] == 'A' || message[0] == 'F')
            mark_arrival(match, bytes_be64(message + REFERENCE_OFFSET));
        else if (message[0] == 'U')
            mark_arrival(match, bytes_be64(message + NEW_REFERENCE_OFFSET));
        from += bytes;
    }
    match->applied = (uint64_t)(end - match->live);
}

void venue_match_pass(struct venue_match *match, const uint8_t *framed, uint32_t bytes) {
    memcpy(match->writer.at, framed, bytes);
    match->writer.at += bytes;
}

void venue_match_tell(struct venue_match *match, const struct market_event *event) {
    struct market_event *place = &match->events[match->event_tail++ % VENUE_EVENTS];
    *place = *event;
    place->venue_ns = match->writer.now_ns;
}

uint32_t venue_match_events(struct venue_match *match, struct market_event *events, uint32_t room) {
    uint32_t count = 0;
    while (count < room && match->event_head != match->event_tail)
        events[count++] = match->events[match->event_head++ % VENUE_EVENTS];
    return count;
}

/* What the script still has may double (each of its messages, and a deletion), and every client's order at
 * rest may go with a message of its own. */
bool venue_match_has_room(const struct venue_match *match, uint64_t bytes) {
    uint64_t used = (uint64_t)(match->writer.at - match->live);
    uint64_t kept = 2 * (match->script_bytes - match->script_at) +
                    (uint64_t)VENUE_MOST_FRAMED * (match->clients_live + 1) + LIVE_SPARE;
    return used + kept + bytes <= match->live_room;
}

void venue_match_clock(struct venue_match *match, uint64_t now_ns) {
    if (now_ns > match->writer.now_ns)
        match->writer.now_ns = now_ns;
}

static uint64_t time_of(const uint8_t *message) {
    return (uint64_t)bytes_be16(message + TIME_OFFSET) << 32 | bytes_be32(message + TIME_OFFSET + 2);
}

uint64_t venue_match_next_ns(const struct venue_match *match) {
    const uint8_t *framed = match->script + match->script_at;
    if (venue_match_is_done(match) || venue_framed_bytes(framed) < 2 + ITCH_HEADER_BYTES)
        return 0;
    return time_of(framed + 2);
}

static bool is_concerned(const struct venue_match *match, const uint8_t *message) {
    switch (concern_of[message[0]]) {
    case ORDERS:
        if (match->differing_of.count &&
            venue_table_find(&match->differing_of, bytes_be64(message + REFERENCE_OFFSET)))
            return true;
        break;
    case ENTERS:
        if (match->held_count)
            return true;
        break;
    case STATES:
        return true;
    default:
        return false;
    }
    const uint32_t *first = match->first[bytes_be16(message + LOCATE_OFFSET)];
    return (first[SIDE_BID] | first[SIDE_ASK]) != 0;
}

/* The script goes on only while what comes of its next message can be told and remembered. */
static bool may_go_on(struct venue_match *match) {
    uint64_t told = match->event_tail - match->event_head;
    if (told + match->clients_live + EVENTS_SPARE > VENUE_EVENTS)
        return false;
    if (match->clients_live && (!match->free_differing || !match->differing[match->free_differing].next))
        venue_client_cancel_all(match, 0, 0, 'Z');
    return true;
}

static void take(struct venue_match *match, const uint8_t *framed, uint32_t bytes) {
    const uint8_t *message = framed + 2;
    uint32_t length = bytes - 2;
    if (length >= ITCH_HEADER_BYTES)
        venue_match_clock(match, time_of(message));
    if (match->writer.now_ns >= match->next_expiry_ns)
        venue_client_expire(match);
    if (length && itch_length_is_right(message[0], length) && is_concerned(match, message)) {
        venue_match_apply(match);
        venue_script_take(match, framed, bytes);
    } else {
        venue_match_pass(match, framed, bytes);
    }
}

uint64_t venue_match_step(struct venue_match *match, uint64_t count, uint64_t until_ns) {
    uint64_t done = 0;
    while (done < count && !venue_match_is_done(match) && venue_match_next_ns(match) <= until_ns &&
           may_go_on(match)) {
        const uint8_t *framed = match->script + match->script_at;
        uint32_t bytes = venue_framed_bytes(framed);
        match->script_at += bytes;
        take(match, framed, bytes);
        done++;
    }
    match->scripted += done;
    venue_match_apply(match);
    venue_day_extend(match->day, match->applied);
    return done;
}

void venue_match_end(struct venue_match *match) {
    if (match->phase == VENUE_CLOSED)
        return;
    match->phase = VENUE_CLOSED;
    venue_client_cancel_all(match, 0, 0, 'E');
    venue_client_cancel_held(match, 'E');
    venue_match_tell(match, &(struct market_event){.kind = MARKET_ENDED});
    venue_day_extend(match->day, match->applied);
}
