/* The gateway stage: orders to the venue's bytes, and the venue's messages to executions.
 *
 * With a venue (`live`) orders go over its session; what cannot be sent now waits here, in order, and is
 * tried again each round. In a replay nothing is sent: orders are encoded and written down, and that is all.
 *
 * Each order is written to the journal with its bytes before they leave, and once, however often it is tried.
 * An order for which the journal has no room waits like one for which the socket has none; a cancel does not:
 * it may not be held up by a disk.
 */
#ifndef APPLIANCE_STAGE_GATEWAY_H
#define APPLIANCE_STAGE_GATEWAY_H

#include "abi.h"
#include "gateway/link.h"
#include "journal/tap.h"
#include "wire/ouch.h"

enum { GATEWAY_WAITING = 1024 };

/* Where executions go: false = there is no room now, and the message is to stay where it is. */
struct execution_sink {
    bool (*has_room)(void *context);
    void (*take)(void *context, const struct execution *execution);
    void *context;
};

struct gateway {
    struct ouch_templates templates;
    struct order_link link;
    bool is_live;
    struct execution_sink sink;
    struct journal_tap *tap; /* NULL = nothing is written down */
    struct histogram *encode;
    struct histogram *tick_to_order;
    struct gateway_counters *counters;
    uint64_t now_cycles; /* the latest time that was seen: rounds and orders bring their own */
    uint64_t polled_cycles;
    uint64_t poll_every_cycles;
    uint64_t unwritten;
    struct order waiting[GATEWAY_WAITING]; /* in a ring */
    uint64_t waiting_in;
    uint64_t waiting_out;
    bool first_is_written; /* of those that wait: to the journal */
    uint8_t packet[OUCH_PACKET_ROOM];
};

/* 0, or -1 without memory. `settings` is NULL where nothing is sent. */
int gateway_open(struct gateway *gateway, const struct ouch_options *options, const char (*symbols)[8],
                 uint32_t instruments, const struct gateway_settings *settings,
                 struct gateway_counters *counters);
void gateway_close(struct gateway *gateway);

/* Whether one more order is certainly taken. */
static inline bool gateway_has_room(const struct gateway *gateway) {
    return gateway->waiting_in - gateway->waiting_out < GATEWAY_WAITING;
}
/* Asks for what an order of this instrument will need. */
void gateway_expect(const struct gateway *gateway, uint32_t instrument);
/* `since_cycles` is when it came. */
void gateway_take(struct gateway *gateway, const struct order *order, uint64_t since_cycles);
/* A round: what waits, the socket, and what has come. */
void gateway_poll(struct gateway *gateway, uint64_t round_cycles);

#endif
