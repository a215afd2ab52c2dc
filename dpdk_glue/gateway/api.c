#include "api.h"
#include "gateway/link.h"
#include "gateway/orders.h"
#include "stats/clock.h"

#include <stdlib.h>
#include <string.h>

/* A pool with the symbols that it looks at. */
struct orders {
    struct order_pool pool;
    char symbols[ABI_MAX_VIEWS][8];
};

struct ouch_templates *api_ouch_open(const struct ouch_options *options, const char *symbols,
                                     uint32_t instruments) {
    struct ouch_templates *templates = aligned_alloc(_Alignof(struct ouch_templates), sizeof *templates);
    if (templates && ouch_templates_open(templates, options, (const char(*)[8])symbols, instruments)) {
        free(templates);
        templates = NULL;
    }
    return templates;
}

void api_ouch_close(struct ouch_templates *templates) {
    if (templates)
        ouch_templates_close(templates);
    free(templates);
}

uint32_t api_ouch_encode(const struct ouch_templates *templates, const struct order *order, uint8_t *to) {
    return order->instrument < templates->instruments ? ouch_encode(templates, order, to) : 0;
}

uint32_t api_ouch_datagram(const struct ouch_templates *templates, const struct order *order, uint8_t *to) {
    return order->instrument < templates->instruments ? ouch_datagram(templates, order, to) : 0;
}

uint32_t api_ouch_account_query(uint8_t *to) {
    ouch_account_query(to);
    return OUCH_QUERY_BYTES;
}

uint32_t api_ouch_decode(const uint8_t *message, uint32_t length, struct execution *execution) {
    return ouch_decode(message, length, execution);
}

const char *api_ouch_verdict_name(uint32_t verdict) {
    return ouch_verdict_name(verdict);
}

double api_ouch_encode_ns(const struct ouch_templates *templates, const struct order *order, uint64_t times) {
    uint8_t packet[OUCH_PACKET_ROOM];
    struct order numbered = *order;
    double cycles_per_ns = clock_cycles_per_ns();
    uint64_t start = clock_cycles_fenced();
    for (uint64_t turn = 0; turn < times; turn++) {
        numbered.number = turn;
        ouch_encode(templates, &numbered, packet);
        __asm__ volatile("" : : "r"(packet) : "memory"); /* somebody reads it */
    }
    return (double)(clock_cycles_fenced() - start) / cycles_per_ns / (double)times;
}

/* --- the pool --- */

struct orders *api_orders_open(const struct order_pool_limits *limits, const char *symbols) {
    struct orders *orders = calloc(1, sizeof *orders);
    if (!orders || limits->instruments > ABI_MAX_VIEWS) {
        free(orders);
        return NULL;
    }
    memcpy(orders->symbols, symbols, (size_t)limits->instruments * sizeof orders->symbols[0]);
    if (order_pool_open(&orders->pool, limits, (const char(*)[8])orders->symbols)) {
        free(orders);
        return NULL;
    }
    return orders;
}

void api_orders_close(struct orders *orders) {
    if (orders)
        order_pool_close(&orders->pool);
    free(orders);
}

uint32_t api_orders_look(const struct orders *orders, const struct intent *intent) {
    return order_pool_look(&orders->pool, intent, NULL);
}

uint32_t api_orders_take(struct orders *orders, const struct intent *intent, struct order *order) {
    return order_pool_take(&orders->pool, intent, order);
}

int api_orders_mass_cancel(struct orders *orders, uint32_t instrument, uint64_t rx_cycles,
                           struct order *order) {
    return order_pool_mass_cancel(&orders->pool, instrument, rx_cycles, order);
}

uint32_t api_orders_apply(struct orders *orders, const struct execution *execution,
                          struct order_effect *effects) {
    return order_pool_apply(&orders->pool, execution, effects);
}

int api_orders_settle(struct orders *orders, uint64_t rx_cycles, struct order_effect *effect) {
    return order_pool_settle(&orders->pool, rx_cycles, effect);
}

static int give(const struct order_view *found, struct order_view *view) {
    if (found)
        *view = *found;
    return found != NULL;
}

int api_orders_find(const struct orders *orders, uint32_t user_ref, struct order_view *view) {
    return give(order_pool_find(&orders->pool, user_ref), view);
}

int api_orders_find_tag(const struct orders *orders, uint32_t instrument, uint32_t tag,
                        struct order_view *view) {
    return give(order_pool_find_tag(&orders->pool, instrument, tag), view);
}

uint32_t api_orders_best(const struct orders *orders, uint32_t instrument, uint32_t side) {
    return order_pool_best(&orders->pool, instrument, side);
}

uint32_t api_orders_list(const struct orders *orders, struct order_view *views, uint32_t room) {
    return order_pool_list(&orders->pool, views, room);
}

uint64_t api_orders_next_user_ref(const struct orders *orders) {
    return orders->pool.next_user_ref;
}

void api_orders_counters(const struct orders *orders, struct order_pool_counters *counters) {
    *counters = orders->pool.counters;
}

/* --- the session --- */

struct order_session *api_order_session_open(const struct gateway_settings *settings,
                                             struct gateway_counters *counters) {
    struct order_session *session = malloc(sizeof *session);
    if (session)
        order_session_open(session, settings, counters);
    return session;
}

void api_order_session_close(struct order_session *session) {
    free(session);
}

void api_order_session_begin(struct order_session *session, uint64_t now_cycles) {
    order_session_begin(session, now_cycles);
}

void api_order_session_cut(struct order_session *session, uint32_t why) {
    if (why < GATEWAY_CUTS)
        order_session_cut(session, why);
}

void api_order_session_tick(struct order_session *session, uint64_t now_cycles) {
    order_session_tick(session, now_cycles);
}

void api_order_session_leave(struct order_session *session) {
    order_session_leave(session);
}

uint32_t api_order_session_arrived(struct order_session *session, const uint8_t *data, uint32_t length,
                                   uint64_t now_cycles) {
    uint32_t room;
    uint8_t *to = order_session_room(session, &room);
    if (length > room)
        length = room;
    memcpy(to, data, length);
    order_session_arrived(session, length, now_cycles);
    return length;
}

int api_order_session_next(struct order_session *session, struct execution *execution) {
    return order_session_next(session, execution);
}

uint32_t api_order_session_send(struct order_session *session, const struct ouch_templates *templates,
                                const struct order *order) {
    return order_session_send(session, templates, order);
}

const uint8_t *api_order_session_output(const struct order_session *session, uint32_t *bytes) {
    return order_session_output(session, bytes);
}

void api_order_session_sent(struct order_session *session, uint32_t bytes, uint64_t now_cycles) {
    order_session_sent(session, bytes, now_cycles);
}

const char *api_order_session_state(const struct order_session *session) {
    return order_session_state_name(session->state);
}

/* --- the link --- */

struct order_link *api_order_link_open(const struct gateway_settings *settings,
                                       struct gateway_counters *counters) {
    struct order_link *link = malloc(sizeof *link);
    if (link)
        order_link_open(link, settings, counters);
    return link;
}

void api_order_link_close(struct order_link *link) {
    if (link)
        order_link_close(link);
    free(link);
}

void api_order_link_poll(struct order_link *link, uint64_t now_cycles) {
    order_link_poll(link, now_cycles);
}

int api_order_link_next(struct order_link *link, struct execution *execution) {
    return order_link_next(link, execution);
}

uint32_t api_order_link_send(struct order_link *link, const struct ouch_templates *templates,
                             const struct order *order, uint64_t now_cycles) {
    return order_link_send(link, templates, order, now_cycles);
}

void api_order_link_leave(struct order_link *link) {
    order_link_leave(link);
}

uint32_t api_order_link_state(const struct order_link *link) {
    return link->state;
}
