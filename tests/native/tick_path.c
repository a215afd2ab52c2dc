/* The benchmark from tick to order trades as its stages do when they are called one after the other, without
 * lines, arbitration, rings or threads: the bytes for the venue are the same, fused and split.
 */
#include "day.h"
#include "wire/ouch.h"

enum { MESSAGES = 150000, SYMBOLS = 60, TRADED = 20 };

struct plain {
    char symbols[TRADED][8];
    struct ticks ticks;
    struct tick tick;
    struct strategist strategist;
    struct shm_strategy shown;
    struct decider decider;
    struct histogram times;
    struct ouch_templates templates;
    struct tick_venue venue;
    uint64_t digest;
    uint64_t orders;
};

static void expect_nothing(void *context, uint32_t instrument) {
    (void)context, (void)instrument;
}

static struct tick *room_for_tick(void *context) {
    return &((struct plain *)context)->tick;
}

static void take_tick(void *context, struct tick *tick) {
    strategist_take(&((struct plain *)context)->strategist, tick);
}

static void take_intent(void *context, const struct intent *intent) {
    decider_take_intent(&((struct plain *)context)->decider, intent, 0);
}

static void take_order(void *context, const struct order *order) {
    struct plain *plain = context;
    uint8_t packet[OUCH_PACKET_ROOM];
    uint32_t bytes = ouch_encode(&plain->templates, order, packet);
    for (uint32_t i = 0; i < bytes; i++)
        plain->digest = (plain->digest ^ packet[i]) * UINT64_C(1099511628211); /* FNV-1a */
    plain->orders++;
    tick_venue_take(&plain->venue, order);
}

static void open_decider(struct plain *plain) {
    static const uint32_t no_kill;
    struct order_pool_limits limits = {.orders = 4096, .fills = 1 << 16, .instruments = TRADED};
    struct execution connected = {.kind = EXECUTION_CONNECTED, .sequence = 1, .connection = 1};
    struct execution caught_up = {.kind = EXECUTION_CAUGHT_UP, .connection = 1};
    struct command open = {.kind = COMMAND_OPEN};
    struct risk_limits of_symbol = bench_tick_limits;
    CHECK(decider_open(&plain->decider, &limits, plain->symbols, &no_kill, &plain->times) == 0);
    of_symbol.gross = UINT64_MAX;
    risk_set_limits(plain->decider.risk, RISK_ACCOUNT, 0, &bench_tick_limits);
    risk_set_limits(plain->decider.risk, RISK_STRATEGY, 0, &bench_tick_limits);
    for (uint32_t i = 0; i < TRADED; i++) {
        CHECK(risk_set_limits(plain->decider.risk, RISK_SYMBOL, i, &of_symbol) == 0);
        CHECK(risk_permit(plain->decider.risk, i, true) == 0);
    }
    decider_take_execution(&plain->decider, &connected);
    decider_take_execution(&plain->decider, &caught_up);
    CHECK(decider_take_command(&plain->decider, &open) == NULL);
    plain->decider.sink = (struct order_sink){.take = take_order, .context = plain};
}

static void open_plain(struct plain *plain, const char (*symbols)[8], const char *strategy) {
    struct ouch_options options = {.firm = "    ", .display = 'Y', .capacity = 'P', .iso = 'N', .cross = 'N'};
    char error[SLOTS_ERROR_BYTES];
    memcpy(plain->symbols, symbols, sizeof plain->symbols);
    plain->digest = UINT64_C(14695981039346656037);
    CHECK(ticks_open(&plain->ticks, plain->symbols, TRADED) == 0);
    strategist_open(&plain->strategist, TRADED, 0, &plain->times, &plain->shown);
    int slot =
        slots_load(&plain->strategist.slots, strategy, (const uint8_t *)day_params, sizeof day_params, error);
    CHECK(slot >= 0);
    slots_switch(&plain->strategist.slots, (uint32_t)slot);
    plain->strategist.sink = (struct intent_sink){.take = take_intent, .context = plain};
    CHECK(ouch_templates_open(&plain->templates, &options, plain->symbols, TRADED) == 0);
    open_decider(plain);
}

static void close_plain(struct plain *plain) {
    ouch_templates_close(&plain->templates);
    decider_close(&plain->decider);
    strategist_close(&plain->strategist);
    ticks_close(&plain->ticks);
}

static void run_plain(struct plain *plain, const struct day *day, uint32_t most_messages) {
    const struct book_limits limits = {
        .orders = 1 << 18, .order_pages = 4096, .levels = 1 << 16, .locates = 4096};
    const struct tick_sink sink = {
        .expect = expect_nothing, .room = room_for_tick, .done = take_tick, .context = plain};
    struct book_set *books = book_open(&limits);
    struct venue_cut cut;
    struct venue_packet packet;
    CHECK(books);
    venue_cut_open(&cut, day->bytes, most_messages);
    while (venue_cut_next(&cut, day->input.bytes, &packet)) {
        books->rx_cycles = packet.last_ns;
        ticks_feed(&plain->ticks, books, day->bytes + packet.offset, packet.bytes, &sink);
        tick_venue_answer(&plain->venue, &plain->decider, packet.last_ns);
    }
    book_close(books);
}

static void check_placement(const struct day *day, const char *strategy, uint32_t most_messages,
                            bool is_split) {
    static uint32_t cycles[MESSAGES];
    struct bench_tick_plan plan = day_plan(strategy, most_messages, TRADED, is_split);
    struct bench_tick_run run;
    char error[PORT_ERROR_BYTES];
    plan.core[0] = plan.core[1] = -1; /* one core may have to do */
    struct bench_tick *bench = bench_tick_open(&day->input, &plan, error);
    CHECK(bench);
    struct plain *plain = aligned_alloc(_Alignof(struct plain), sizeof *plain);
    CHECK(plain);
    memset(plain, 0, sizeof *plain);
    open_plain(plain, bench->symbols, strategy);
    while (bench_tick_run(bench, MESSAGES, cycles))
        ;
    bench_tick_read(bench, &run);
    bench_tick_close(bench);
    run_plain(plain, day, most_messages);
    CHECK(run.messages == MESSAGES && run.unsent == 0);
    CHECK(run.packets == MESSAGES || most_messages > 1);
    CHECK(run.orders > 200 && run.rejects + run.refused < run.orders);
    CHECK(run.orders == plain->orders);
    CHECK(run.order_digest == plain->digest);
    close_plain(plain);
    free(plain);
}

int main(int count, char **words) {
    const char *strategy = count > 1 ? words[1] : "";
    struct day day;
    day_make(&day, MESSAGES, SYMBOLS);
    check_placement(&day, strategy, 64, false);
    check_placement(&day, strategy, 64, true);
    check_placement(&day, strategy, 1, false);
    check_placement(&day, strategy, 1, true);
    free(day.bytes);
    return 0;
}
