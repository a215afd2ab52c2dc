#include "synth/day.h"

#include <stdlib.h>

enum {
    IMBALANCES_PER_CROSS = 3,
    CROSS_MESSAGES = 12, /* of a symbol with both crosses: 6 imbalances, 2 crosses, executions */
    HALT_MESSAGES = 12
};

uint64_t synth_minimum_messages(uint32_t symbols) {
    return SYNTH_SYSTEM_EVENTS + 2 * (uint64_t)symbols;
}

/* A twenty-fifth of the day's messages can be deleted after the close without bending the mix; 1.5 M orders
 * are what rests on NASDAQ at noon. */
uint32_t synth_default_live_orders(uint64_t messages, uint32_t symbols) {
    uint64_t bound = 2000 + (uint64_t)symbols * 400;
    uint64_t by_messages = messages / 25;
    uint64_t live = by_messages < bound ? by_messages : bound;
    return live < 64 ? 64 : live > 1500000 ? 1500000 : (uint32_t)live;
}

static uint64_t smaller(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static void add_event(struct synth_day *day, uint64_t ns, enum synth_event_kind kind, uint16_t locate) {
    if (day->event_count < day->event_room) {
        day->events[day->event_count] = (struct synth_event){ns, day->event_count, locate, (uint16_t)kind};
        day->event_count++;
    }
}

static uint64_t between(struct synth_prng *prng, uint64_t from_ns, uint64_t to_ns) {
    unsigned __int128 wide = (unsigned __int128)synth_random(prng) * (to_ns - from_ns);
    return from_ns + (uint64_t)(wide >> 64);
}

static void plan_crosses(struct synth_day *day, const uint16_t *by_rank, struct synth_prng *prng) {
    for (uint32_t rank = 0; rank < day->crosses; rank++) {
        uint16_t locate = by_rank[rank];
        for (int i = 0; i < IMBALANCES_PER_CROSS; i++) {
            add_event(day, between(prng, SYNTH_CLOCK_NS(9, 25), SYNTH_MARKET_OPEN_NS),
                      SYNTH_EVENT_IMBALANCE_OPEN, locate);
            add_event(day, between(prng, SYNTH_CLOCK_NS(15, 50), SYNTH_MARKET_CLOSE_NS),
                      SYNTH_EVENT_IMBALANCE_CLOSE, locate);
        }
        add_event(day, between(prng, SYNTH_MARKET_OPEN_NS, SYNTH_MARKET_OPEN_NS + 2 * SYNTH_SECOND_NS),
                  SYNTH_EVENT_CROSS_OPEN, locate);
        add_event(day, between(prng, SYNTH_MARKET_CLOSE_NS, SYNTH_MARKET_CLOSE_NS + 5 * SYNTH_SECOND_NS),
                  SYNTH_EVENT_CROSS_CLOSE, locate);
    }
}

/* News halts last longer than volatility pauses; both end with a quotation-only period and a cross. */
static void plan_halts(struct synth_day *day, uint32_t halts, uint32_t symbols, const uint16_t *by_rank,
                       struct synth_prng *prng) {
    for (uint32_t i = 0; i < halts; i++) {
        uint16_t locate = by_rank[(uint64_t)i * symbols / 2 / halts];
        bool luld = i % 2 == 0;
        uint64_t ns = between(prng, SYNTH_CLOCK_NS(9, 45), SYNTH_CLOCK_NS(15, 10));
        add_event(day, ns, luld ? SYNTH_EVENT_LULD_PAUSE : SYNTH_EVENT_NEWS_HALT, locate);
        ns += (luld ? 60 : 900) * SYNTH_SECOND_NS;
        add_event(day, ns, luld ? SYNTH_EVENT_LULD_QUOTE : SYNTH_EVENT_NEWS_QUOTE, locate);
        add_event(day, ns + 60 * SYNTH_SECOND_NS, SYNTH_EVENT_IMBALANCE_HALT, locate);
        add_event(day, ns + 180 * SYNTH_SECOND_NS, SYNTH_EVENT_IMBALANCE_HALT, locate);
        add_event(day, ns + 240 * SYNTH_SECOND_NS, SYNTH_EVENT_RESUME, locate);
    }
}

static void plan_listings(struct synth_day *day) {
    uint16_t listings[] = {day->ipo_locate, day->direct_locate};
    add_event(day, SYNTH_CLOCK_NS(9, 0), SYNTH_EVENT_IPO_UPDATE, day->ipo_locate);
    add_event(day, SYNTH_CLOCK_NS(9, 45), SYNTH_EVENT_DIRECT_LISTING, day->direct_locate);
    add_event(day, SYNTH_CLOCK_NS(10, 15), SYNTH_EVENT_DIRECT_LISTING, day->direct_locate);
    for (int i = 0; i < 2; i++) {
        add_event(day, SYNTH_IPO_RELEASE_NS, SYNTH_EVENT_IPO_QUOTE, listings[i]);
        add_event(day, SYNTH_CLOCK_NS(10, 35), SYNTH_EVENT_IMBALANCE_HALT, listings[i]);
        add_event(day, SYNTH_CLOCK_NS(10, 40), SYNTH_EVENT_IMBALANCE_HALT, listings[i]);
        add_event(day, SYNTH_CLOCK_NS(10, 45), SYNTH_EVENT_RESUME, listings[i]);
    }
}

/* A level 1 decline after 15:25 halts nothing: the status message stands alone. */
static void plan_rarities(struct synth_day *day, uint64_t flow, uint32_t symbols, const uint16_t *by_rank,
                          struct synth_prng *prng) {
    uint64_t retail = smaller(1 + flow / 100000, 1000), broken = smaller(1 + flow / 200000, 500);
    for (uint64_t i = 0; i < retail; i++) { /* a draw a statement: the compiler orders the arguments */
        uint64_t ns = between(prng, SYNTH_MARKET_OPEN_NS, SYNTH_MARKET_CLOSE_NS);
        add_event(day, ns, SYNTH_EVENT_RETAIL, by_rank[synth_below(prng, symbols)]);
    }
    for (uint64_t i = 0; i < broken; i++)
        add_event(day, between(prng, SYNTH_CLOCK_NS(11, 0), SYNTH_MARKET_CLOSE_NS), SYNTH_EVENT_BROKEN_TRADE,
                  0);
    uint16_t locate = by_rank[symbols / 4];
    add_event(day, SYNTH_CLOCK_NS(13, 0), SYNTH_EVENT_OPERATIONAL_HALT, locate);
    add_event(day, SYNTH_CLOCK_NS(13, 20), SYNTH_EVENT_OPERATIONAL_RESUME, locate);
    add_event(day, SYNTH_CLOCK_NS(11, 30), SYNTH_EVENT_REG_SHO, by_rank[symbols - 1]);
    add_event(day, SYNTH_CLOCK_NS(15, 40), SYNTH_EVENT_MWCB_STATUS, 0);
}

static int by_time(const void *left, const void *right) {
    const struct synth_event *a = left, *b = right;
    if (a->ns != b->ns)
        return a->ns < b->ns ? -1 : 1;
    return a->order < b->order ? -1 : 1;
}

static void plan_phases(struct synth_day *day, uint64_t messages, uint64_t prologue) {
    static const struct {
        uint64_t end_ns;
        uint32_t permille; /* of the flow, cumulated */
        uint8_t system_event;
        uint8_t reserve;
    } course[SYNTH_PHASES] = {
        {SYNTH_CLOCK_NS(9, 25), 50, 0, 4},   {SYNTH_MARKET_OPEN_NS, 70, 'Q', 4},
        {SYNTH_CLOCK_NS(10, 0), 230, 0, 3},  {SYNTH_CLOCK_NS(15, 30), 720, 0, 3},
        {SYNTH_CLOCK_NS(15, 50), 800, 0, 3}, {SYNTH_MARKET_CLOSE_NS, 920, 'M', 3},
        {SYNTH_SYSTEM_END_NS, 1000, 'E', 2},
    };
    uint64_t flow = messages - prologue - 2;
    for (int i = 0; i < SYNTH_PHASES; i++)
        day->phases[i] = (struct synth_phase){course[i].end_ns,
                                              prologue + flow / 1000 * course[i].permille +
                                                  flow % 1000 * course[i].permille / 1000,
                                              course[i].system_event, course[i].reserve};
}

/* The published mix is of all messages, but only the flow is free: shares are scaled up by what the
 * directory, the events and the final deletes take. Hidden trades fill what the rest leaves of the 2.6 %
 * outside the mix. */
static void plan_mix(struct synth_day *day, uint64_t messages, uint64_t overhead) {
    uint64_t purge = smaller(day->live_orders, messages / 12);
    uint64_t flow = messages > overhead + purge ? messages - overhead - purge : 1;
    uint64_t unit = messages * 65536 / flow / 100; /* a hundredth of all messages */
    unit = smaller(unit, 65536 / 100 * 3 / 2); /* a feed that is nearly all directory keeps room for adds */
    uint64_t hidden =
        messages * 24 / 1000 > overhead ? (messages * 24 / 1000 - overhead) * 1000 / messages : 0;
    hidden = hidden < 2 ? 2 : smaller(hidden, 13);
    struct synth_mix *mix = &day->mix;
    mix->replace = (uint32_t)(unit * 81 / 10);
    mix->execute =
        mix->replace + (uint32_t)(unit * 26 / 10); /* more than 2.1: the credit is the true bound */
    mix->execute_credit = (uint32_t)(unit * 21 / 10);
    mix->cancel = mix->execute + (uint32_t)unit;
    mix->priced = mix->cancel + (uint32_t)(unit * 12 / 100);
    mix->hidden = mix->priced + (uint32_t)(unit * hidden / 10);
}

bool synth_day_plan(struct synth_day *day, uint64_t messages, uint32_t symbols, const uint16_t *by_rank,
                    struct synth_prng *prng) {
    uint64_t spare = messages - synth_minimum_messages(symbols);
    bool room = spare >= 5000;
    uint32_t halts =
        !room || symbols < 4 ? 0 : (uint32_t)smaller(1 + spare / 250000, smaller(symbols / 4, 40));
    day->restricted = (uint32_t)smaller(spare / 800, symbols / 20 + 1);
    day->participants = (uint32_t)smaller(spare / 400, (uint64_t)symbols / 2 + 1);
    day->crosses = (uint32_t)smaller(spare / 1500, symbols);
    day->breaker = room;
    if (room && symbols >= 8) {
        day->ipo_locate = by_rank[symbols * 2 / 3];
        day->direct_locate = by_rank[symbols * 2 / 3 + 1];
    }
    uint64_t rare = room ? 1 : 0;
    uint64_t events = (uint64_t)day->crosses * 8 + (uint64_t)halts * 5 + rare * 1600;
    day->events = malloc((events ? events : 1) * sizeof *day->events);
    if (!day->events)
        return false;
    day->event_room = (uint32_t)events;
    plan_crosses(day, by_rank, prng);
    if (halts)
        plan_halts(day, halts, symbols, by_rank, prng);
    if (day->ipo_locate)
        plan_listings(day);
    if (room)
        plan_rarities(day, spare, symbols, by_rank, prng);
    qsort(day->events, day->event_count, sizeof *day->events, by_time);
    uint64_t prologue =
        2 + 2 * (uint64_t)symbols + day->restricted + day->participants + (day->breaker ? 1 : 0);
    plan_phases(day, messages, prologue);
    plan_mix(day, messages,
             prologue + (uint64_t)day->crosses * CROSS_MESSAGES + (uint64_t)halts * HALT_MESSAGES);
    return true;
}

void synth_day_free(struct synth_day *day) {
    free(day->events);
}
