/* The functions of the gateway's room that Python calls: a part of api.h, which has the conventions. */
#ifndef APPLIANCE_API_GATEWAY_H
#define APPLIANCE_API_GATEWAY_H

#include "api.h"

/* gateway: orders as OUCH 5.0. Symbols are 8 bytes each, padded with spaces. */
struct ouch_templates;
API_EXPORT struct ouch_templates *api_ouch_open(const struct ouch_options *options, const char *symbols,
                                                uint32_t instruments);
API_EXPORT void api_ouch_close(struct ouch_templates *templates);
/* As a SoupBinTCP packet, and as the payload of a datagram; `to` has room for 64 bytes. The bytes; 0 = no
 * such order. */
API_EXPORT uint32_t api_ouch_encode(const struct ouch_templates *templates, const struct order *order,
                                    uint8_t *to);
API_EXPORT uint32_t api_ouch_datagram(const struct ouch_templates *templates, const struct order *order,
                                      uint8_t *to);
API_EXPORT uint32_t api_ouch_account_query(uint8_t *to);
/* enum ouch_verdict. The name is NULL behind the last. */
API_EXPORT uint32_t api_ouch_decode(const uint8_t *message, uint32_t length, struct execution *execution);
API_EXPORT const char *api_ouch_verdict_name(uint32_t verdict);
/* Encodes an order so many times, under as many numbers: the mean time of one. */
API_EXPORT double api_ouch_encode_ns(const struct ouch_templates *templates, const struct order *order,
                                     uint64_t times);

/* gateway: the order pool; gateway/orders.h says what it promises. The symbols are copied. */
struct orders;
API_EXPORT struct orders *api_orders_open(const struct order_pool_limits *limits, const char *symbols);
API_EXPORT void api_orders_close(struct orders *orders);
API_EXPORT uint32_t api_orders_look(const struct orders *orders, const struct intent *intent);
API_EXPORT uint32_t api_orders_take(struct orders *orders, const struct intent *intent, struct order *order);
/* 0xffffffff = of all instruments. 1, or 0 without a session. */
API_EXPORT int api_orders_mass_cancel(struct orders *orders, uint32_t instrument, uint64_t rx_cycles,
                                      struct order *order);
/* `effects` has room for 4. */
API_EXPORT uint32_t api_orders_apply(struct orders *orders, const struct execution *execution,
                                     struct order_effect *effects);
API_EXPORT int api_orders_settle(struct orders *orders, uint64_t rx_cycles, struct order_effect *effect);
/* 1, or 0 when there is none. */
API_EXPORT int api_orders_find(const struct orders *orders, uint32_t user_ref, struct order_view *view);
API_EXPORT int api_orders_find_tag(const struct orders *orders, uint32_t instrument, uint32_t tag,
                                   struct order_view *view);
API_EXPORT uint32_t api_orders_best(const struct orders *orders, uint32_t instrument, uint32_t side);
API_EXPORT uint32_t api_orders_list(const struct orders *orders, struct order_view *views, uint32_t room);
API_EXPORT uint64_t api_orders_next_user_ref(const struct orders *orders);
API_EXPORT void api_orders_counters(const struct orders *orders, struct order_pool_counters *counters);

/* gateway: the order session without a socket, and with one. The counters must outlive them. */
struct order_session;
API_EXPORT struct order_session *api_order_session_open(const struct gateway_settings *settings,
                                                        struct gateway_counters *counters);
API_EXPORT void api_order_session_close(struct order_session *session);
API_EXPORT void api_order_session_begin(struct order_session *session, uint64_t now_cycles);
API_EXPORT void api_order_session_cut(struct order_session *session, uint32_t why);
API_EXPORT void api_order_session_tick(struct order_session *session, uint64_t now_cycles);
API_EXPORT void api_order_session_leave(struct order_session *session);
/* How many of the bytes there was room for. */
API_EXPORT uint32_t api_order_session_arrived(struct order_session *session, const uint8_t *data,
                                              uint32_t length, uint64_t now_cycles);
API_EXPORT int api_order_session_next(struct order_session *session, struct execution *execution);
API_EXPORT uint32_t api_order_session_send(struct order_session *session,
                                           const struct ouch_templates *templates, const struct order *order);
API_EXPORT const uint8_t *api_order_session_output(const struct order_session *session, uint32_t *bytes);
API_EXPORT void api_order_session_sent(struct order_session *session, uint32_t bytes, uint64_t now_cycles);
API_EXPORT const char *api_order_session_state(const struct order_session *session);
struct order_link;
API_EXPORT struct order_link *api_order_link_open(const struct gateway_settings *settings,
                                                  struct gateway_counters *counters);
API_EXPORT void api_order_link_close(struct order_link *link);
API_EXPORT void api_order_link_poll(struct order_link *link, uint64_t now_cycles);
API_EXPORT int api_order_link_next(struct order_link *link, struct execution *execution);
API_EXPORT uint32_t api_order_link_send(struct order_link *link, const struct ouch_templates *templates,
                                        const struct order *order, uint64_t now_cycles);
API_EXPORT void api_order_link_leave(struct order_link *link);
/* enum order_link_state, gateway/link.h. */
API_EXPORT uint32_t api_order_link_state(const struct order_link *link);

#endif
