#include "bench/tick.h"

#include "stats/histogram.h"
#include "wire/bytes.h"

#include <sched.h>
#include <string.h>

static const char SESSION[] = "BENCHMARK1";

/* ---- Orders. ---- */

void bench_tick_order(void *context, const struct order *order) {
    struct bench_tick *bench = context;
    struct trading *trading = bench->live.trading;
    bench->encoder.take(bench->encoder.context, order);
    bench->run.unsent +=
        order_session_send(&bench->session, &trading->gateway.templates, order) != SEND_QUEUED;
    bench->complete_cycles = clock_cycles_fenced();
    tick_venue_take(&bench->venue, order);
}

static uint64_t fold(uint64_t digest, const uint8_t *bytes, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        digest = (digest ^ bytes[i]) * UINT64_C(0x100000001b3); /* FNV-1a */
    return digest;
}

void bench_tick_settle(struct bench_tick *bench, uint64_t rx_cycles) {
    uint32_t bytes;
    const uint8_t *output = order_session_output(&bench->session, &bytes);
    bench->run.order_digest = fold(bench->run.order_digest, output, bytes);
    order_session_sent(&bench->session, bytes, rx_cycles);
    bench->run.orders += bench->venue.count;
    tick_venue_answer(&bench->venue, &bench->live.trading->decider, rx_cycles);
}

/* ---- The other thread. ---- */

/* A thread without a core of its own may keep the other from running. */
static void relax(const struct bench_tick *bench, uint32_t rounds) {
    if (bench->plan.core[0] < 0 && rounds > 64)
        sched_yield();
    else
        __builtin_ia32_pause();
}

static uint32_t behind(struct bench_tick *bench) {
    uint64_t given = __atomic_load_n(&bench->given, __ATOMIC_ACQUIRE); /* and with it all of its ticks */
    uint32_t count = trading_poll_group(bench->live.trading, 1, clock_cycles());
    if (count || given == bench->done)
        return count;
    if (bench->venue.count)
        bench_tick_settle(bench, bench->rx_cycles);
    __atomic_store_n(&bench->done, given, __ATOMIC_RELEASE);
    return 1;
}

void *bench_tick_behind(void *context) {
    struct bench_tick *bench = context;
    uint32_t empty = 0;
    __atomic_store_n(&bench->runs, 1, __ATOMIC_RELEASE);
    while (!__atomic_load_n(&bench->stops, __ATOMIC_ACQUIRE)) {
        empty = behind(bench) ? 0 : empty + 1;
        if (empty)
            relax(bench, empty);
    }
    return NULL;
}

static void hand_over(struct bench_tick *bench) {
    __atomic_store_n(&bench->given, bench->given + 1, __ATOMIC_RELEASE);
    for (uint32_t rounds = 0; __atomic_load_n(&bench->done, __ATOMIC_ACQUIRE) != bench->given; rounds++)
        relax(bench, rounds);
}

/* ---- Packets. ---- */

static void lay_packet(const struct venue_cut *cut, const struct venue_packet *packet,
                       struct tick_packet *place) {
    uint8_t *to = place->payload;
    memcpy(to, SESSION, MOLD64_SESSION_BYTES);
    uint64_t sequence = __builtin_bswap64(packet->sequence);
    uint16_t count = __builtin_bswap16(packet->count);
    memcpy(to + MOLD64_SESSION_BYTES, &sequence, sizeof sequence);
    memcpy(to + MOLD64_SESSION_BYTES + sizeof sequence, &count, sizeof count);
    memcpy(to + MOLD64_HEADER_BYTES, cut->day + packet->offset, packet->bytes);
    place->bytes = MOLD64_HEADER_BYTES + packet->bytes;
    place->time_ns = packet->last_ns;
}

static struct tick_packet *next_packet(struct bench_tick *bench) {
    if (bench->burst_next < bench->burst_count)
        return &bench->burst[bench->burst_next++];
    struct venue_packet packet;
    bench->burst_count = 0;
    while (bench->burst_count < TICK_BURST && venue_cut_next(&bench->cut, bench->day_bytes, &packet))
        lay_packet(&bench->cut, &packet, &bench->burst[bench->burst_count++]);
    bench->burst_next = bench->burst_count != 0;
    trading_poll(bench->live.trading, clock_cycles()); /* once a burst, as the receiving thread has it */
    return bench->burst_count ? bench->burst : NULL;
}

/* The cycles to the last order's last byte; 0 = no order. */
static uint64_t take_packet(struct bench_tick *bench, const struct tick_packet *packet) {
    struct live *live = &bench->live;
    struct trading *trading = live->trading;
    uint64_t ticks = trading->ticks.number;
    uint64_t complete = bench->complete_cycles;
    bench->rx_cycles = live->books->rx_cycles = packet->time_ns;
    uint64_t since = clock_cycles_fenced();
    live->now = live->mark = since;
    live_take_packet(live, packet->payload, packet->bytes, 0, since);
    if (bench->plan.is_split && trading->ticks.number != ticks)
        hand_over(bench);
    if (bench->complete_cycles == complete)
        return 0;
    uint64_t cycles = bench->complete_cycles - since;
    if (!bench->plan.is_split)
        bench_tick_settle(bench, packet->time_ns);
    return cycles;
}

uint64_t bench_tick_run(struct bench_tick *bench, uint64_t packets, uint32_t *cycles) {
    uint64_t taken = 0;
    const struct tick_packet *packet;
    for (; taken < packets && (packet = next_packet(bench)); taken++) {
        uint64_t took = take_packet(bench, packet);
        if (took)
            *cycles++ = took < UINT32_MAX ? (uint32_t)took : UINT32_MAX;
        bench->run.packets_with_orders += took != 0;
    }
    bench->run.packets += taken;
    return taken;
}

void bench_tick_read(const struct bench_tick *bench, struct bench_tick_run *run) {
    const struct trading *trading = bench->live.trading;
    const struct decider_counters *counters = &trading->decider.counters;
    const struct book_counters *books = &bench->live.books->counters;
    *run = bench->run;
    run->messages = books->messages;
    run->ticks = trading->ticks.number;
    run->intents = trading->strategist.intents;
    run->rejects = counters->rejects;
    for (size_t i = 0; i < sizeof counters->refused / sizeof *counters->refused; i++)
        run->refused += counters->refused[i];
    run->executions = counters->executions;
    run->fills = bench->venue.fills;
    run->unknown = books->no_order + books->no_order_page + books->no_level;
    run->book_digest = books->digest;
    run->tables_bytes = bench->stats->pool_bytes;
}

/* ---- Risk and the encoder alone. ---- */

enum { GATE_ORDERS = 1000, GATE_ROUNDS = 200 };

/* In a round: fewer where so many would not have a tag each. */
static uint32_t gate_orders(const struct bench_tick *bench) {
    uint32_t tags = bench->plan.instruments * ABI_TAGS;
    return tags < GATE_ORDERS ? tags : GATE_ORDERS;
}

/* Another tag and price each time an instrument comes round again. */
static void make_intents(const struct bench_tick *bench, struct intent *intents, uint64_t round) {
    uint32_t instruments = bench->plan.instruments;
    for (uint32_t i = 0; i < gate_orders(bench); i++) {
        uint64_t number = round * GATE_ORDERS + i + 1;
        uint32_t px = 1000000 + (uint32_t)(number % 1000) * 100;
        intents[i] = (struct intent){
            .event = {.rx_cycles = number * 1000 + (UINT64_C(1) << 60), .bid_px = px - 100, .ask_px = px},
            .signal = {.action = SIGNAL_ENTER,
                       .tag = (uint16_t)(i / instruments % ABI_TAGS),
                       .side = number & 1 ? SIDE_BID : SIDE_ASK,
                       .tif = TIF_IOC,
                       .px = number & 1 ? px : px - 100,
                       .qty = 100},
            .instrument = i % instruments,
            .last_px = px,
            .number = number,
        };
    }
}

static void take_order(void *context, const struct order *order) {
    struct bench_tick *bench = context;
    struct trading *trading = bench->live.trading;
    bench->encoder.take(bench->encoder.context, order);
    order_session_send(&bench->session, &trading->gateway.templates, order);
    tick_venue_take(&bench->venue, order);
}

double bench_tick_gate(struct bench_tick *bench) {
    static struct intent intents[GATE_ORDERS];
    struct decider *decider = &bench->live.trading->decider;
    uint64_t orders = bench->run.orders;
    uint32_t in_round = gate_orders(bench);
    uint64_t cycles = 0;
    if (bench->plan.is_split)
        return 0;
    decider->sink.take = take_order;
    for (uint32_t round = 0; round < GATE_ROUNDS; round++) {
        make_intents(bench, intents, bench->gate_rounds++);
        uint64_t since = clock_cycles_fenced();
        for (uint32_t i = 0; i < in_round; i++)
            decider_take_intent(decider, &intents[i], histogram_stamp());
        cycles += clock_cycles_fenced() - since;
        bench_tick_settle(bench, intents[in_round - 1].event.rx_cycles);
    }
    decider->sink.take = bench_tick_order;
    if (bench->run.orders - orders != (uint64_t)in_round * GATE_ROUNDS)
        return 0;
    return (double)in_round * GATE_ROUNDS / ((double)cycles / clock_cycles_per_ns()) * 1e9;
}
