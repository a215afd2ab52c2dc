#include "stage/gateway.h"

#include "memory/lines.h"
#include "stats/histogram.h"

#include <string.h>

int gateway_open(struct gateway *gateway, const struct ouch_options *options, const char (*symbols)[8],
                 uint32_t instruments, const struct gateway_settings *settings,
                 struct gateway_counters *counters) {
    memset(gateway, 0, sizeof *gateway);
    gateway->counters = counters;
    gateway->link.socket = -1;
    if (ouch_templates_open(&gateway->templates, options, symbols, instruments) < 0)
        return -1;
    gateway->is_live = settings != NULL;
    if (settings)
        order_link_open(&gateway->link, settings, counters);
    return 0;
}

void gateway_close(struct gateway *gateway) {
    if (gateway->is_live)
        order_link_close(&gateway->link);
    ouch_templates_close(&gateway->templates);
}

static bool may_wait_for_the_journal(const struct order *order) {
    return order->action == ORDER_ENTER || order->action == ORDER_REPLACE;
}

/* The order and its bytes; false when there is no room and it can wait. */
static bool write_down(struct gateway *gateway, const struct order *order, uint32_t bytes) {
    if (!gateway->tap)
        return true;
    struct journal_order *record =
        journal_tap_reserve(gateway->tap, JOURNAL_ORDER, (uint32_t)sizeof *record + bytes, order->rx_cycles);
    if (!record) {
        gateway->unwritten += !may_wait_for_the_journal(order);
        return !may_wait_for_the_journal(order);
    }
    *record = (struct journal_order){.order = *order, .bytes = bytes};
    record->order.decided_cycles = 0; /* a replay decides at another time */
    memcpy(record + 1, gateway->packet, bytes);
    journal_tap_commit(gateway->tap);
    return true;
}

static uint64_t latest(struct gateway *gateway, uint64_t now_cycles) {
    if (now_cycles > gateway->now_cycles)
        gateway->now_cycles = now_cycles;
    return gateway->now_cycles;
}

void gateway_expect(const struct gateway *gateway, uint32_t instrument) {
    lines_expect(&gateway->templates, sizeof gateway->templates);
    lines_expect(&gateway->templates.enter[instrument], sizeof *gateway->templates.enter);
    lines_expect(&gateway->is_live, 2 * (size_t)LINES_BYTES);
    lines_expect(&gateway->waiting_in, 2 * (size_t)LINES_BYTES + sizeof gateway->packet);
}

/* False: not now. Of an order that the socket had no room for the record stands already: it is the first that
 * waits. What was measured is counted when the bytes are on their way. */
static bool send(struct gateway *gateway, const struct order *order, uint64_t since_cycles) {
    uint64_t encoded_cycles = since_cycles;
    if (!gateway->first_is_written) {
        uint32_t bytes = ouch_encode(&gateway->templates, order, gateway->packet);
        encoded_cycles = histogram_stamp();
        if (!write_down(gateway, order, bytes))
            return false;
    }
    enum gateway_send sent = SEND_QUEUED;
    if (gateway->is_live)
        sent = order_link_send(&gateway->link, &gateway->templates, order, latest(gateway, clock_cycles()));
    gateway->first_is_written = sent == SEND_FULL;
    if (sent == SEND_FULL)
        return false;
    histogram_add(gateway->encode, encoded_cycles - since_cycles);
    histogram_add(gateway->tick_to_order, encoded_cycles - order->rx_cycles);
    return true;
}

void gateway_take(struct gateway *gateway, const struct order *order, uint64_t since_cycles) {
    if (gateway->waiting_in == gateway->waiting_out && send(gateway, order, since_cycles))
        return;
    gateway->waiting[gateway->waiting_in++ % GATEWAY_WAITING] = *order;
}

static void take_messages(struct gateway *gateway) {
    struct execution execution;
    while (gateway->sink.has_room(gateway->sink.context) && order_link_next(&gateway->link, &execution))
        gateway->sink.take(gateway->sink.context, &execution);
}

void gateway_poll(struct gateway *gateway, uint64_t round_cycles) {
    uint64_t now_cycles = latest(gateway, round_cycles);
    while (gateway->waiting_out != gateway->waiting_in &&
           send(gateway, &gateway->waiting[gateway->waiting_out % GATEWAY_WAITING], histogram_stamp()))
        gateway->waiting_out++;
    if (!gateway->is_live || now_cycles - gateway->polled_cycles < gateway->poll_every_cycles)
        return;
    gateway->polled_cycles = now_cycles;
    take_messages(gateway); /* what the ring had no room for before */
    if (!gateway->sink.has_room(gateway->sink.context))
        return;
    order_link_poll(&gateway->link, now_cycles);
    take_messages(gateway);
}
