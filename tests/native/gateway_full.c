/* A session that has no room for more: orders wait in the gateway, and each is tried again until it is taken.
 * In the journal every one of them stands once, in the order in which they came.
 */
#include "check.h"
#include "gateway/session.h"
#include "journal/taps.h"
#include "stage/gateway.h"
#include "stats/histogram.h"

#include <string.h>

/* Each with 51 bytes and more; a session has room for less than 1,400 of them. */
enum { ORDERS = 2000, TRIES = 10, RING_BYTES = 1 << 20 };

static struct gateway gateway;
static struct gateway_counters counters;
static struct histogram encode;
static struct histogram tick_to_order;

static bool has_no_room(void *context) {
    (void)context;
    return false;
}

/* A session that is open as far as it knows; its socket is none, so that nothing ever leaves. */
static void open_gateway(struct journal_tap *tap) {
    static const char symbols[1][8] = {"DWEH    "};
    const struct ouch_options options = {
        .firm = "    ", .display = 'Y', .capacity = 'P', .iso = 'N', .cross = 'N'};
    const struct gateway_settings settings = {
        .second_cycles = UINT64_MAX, .silence_cycles = UINT64_MAX, .retry_cycles = UINT64_MAX};
    CHECK(gateway_open(&gateway, &options, symbols, 1, &settings, &counters) == 0);
    gateway.encode = &encode;
    gateway.tick_to_order = &tick_to_order;
    gateway.tap = tap;
    gateway.sink.has_room = has_no_room;
    gateway.poll_every_cycles = UINT64_MAX;
    gateway.link.session.state = SESSION_OPEN;
}

static uint64_t count_written(struct records *ring) {
    uint32_t bytes;
    uint64_t count = 0;
    for (const uint8_t *at; (at = records_peek(ring, &bytes)); records_release(ring)) {
        const struct journal_record *record = (const void *)at;
        const struct journal_order *order = (const void *)(record + 1);
        CHECK(record->kind == JOURNAL_ORDER);
        CHECK(order->order.number == ++count);
    }
    return count;
}

int main(void) {
    const uint64_t rings[ABI_JOURNAL_STREAMS] = {[JOURNAL_GATEWAY] = RING_BYTES};
    struct journal_tap tap;
    size_t bytes = journal_taps_bytes(rings);
    void *memory = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
    CHECK(memory);
    memset(memory, 0, bytes);
    struct journal_taps *taps = journal_taps_place(memory, rings);
    CHECK(taps);
    journal_taps_publish(taps);
    taps->state.starts = 1; /* a writer has begun, and reads nothing for now */
    CHECK(journal_tap_open(&tap, taps, JOURNAL_GATEWAY) == 0);
    open_gateway(&tap);
    for (uint64_t number = 1; number <= ORDERS; number++) {
        const struct order order = {
            .action = ORDER_ENTER, .user_ref = (uint32_t)number, .qty = 1, .px = 1, .number = number};
        gateway_take(&gateway, &order, 0);
    }
    uint64_t waiting = gateway.waiting_in - gateway.waiting_out;
    CHECK(waiting > 0);
    for (int i = 0; i < TRIES; i++)
        gateway_poll(&gateway, 0);
    CHECK(gateway.waiting_in - gateway.waiting_out == waiting);
    CHECK(counters.tx_orders[ORDER_ENTER] == ORDERS - waiting);
    gateway.link.session.out_start = gateway.link.session.out_end = 0; /* as if all of it had been sent */
    gateway_poll(&gateway, 0);
    CHECK(gateway.waiting_in == gateway.waiting_out);
    CHECK(counters.tx_orders[ORDER_ENTER] == ORDERS);
    CHECK(count_written(tap.ring) == ORDERS);
    gateway_close(&gateway);
    free(memory);
    return 0;
}
