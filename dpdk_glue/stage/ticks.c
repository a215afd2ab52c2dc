#include "stage/ticks.h"

#include "memory/lines.h"
#include "wire/bytes.h"

#include <stdlib.h>
#include <string.h>

static const uint16_t TICKS_NOBODYS = UINT16_MAX;

static uint32_t hash_of(const char symbol[8]) {
    uint64_t word;
    memcpy(&word, symbol, sizeof word);
    return (uint32_t)(word * UINT64_C(0x9e3779b97f4a7c15) >> 40);
}

int ticks_open(struct ticks *ticks, const char (*symbols)[8], uint32_t instruments) {
    uint32_t places = 4;
    while (places < instruments * 2)
        places *= 2;
    *ticks =
        (struct ticks){.symbols = symbols, .instruments = instruments, .depth = 1, .hash_mask = places - 1};
    ticks->of_locate = calloc(ABI_MAX_LOCATES, sizeof *ticks->of_locate);
    ticks->by_hash = calloc(places, sizeof *ticks->by_hash);
    if (!ticks->of_locate || !ticks->by_hash)
        return -1;
    for (uint32_t i = 0; i < instruments; i++) {
        uint32_t place = hash_of(symbols[i]) & ticks->hash_mask;
        while (ticks->by_hash[place])
            place = (place + 1) & ticks->hash_mask;
        ticks->by_hash[place] = (uint16_t)(i + 1);
    }
    return 0;
}

void ticks_close(struct ticks *ticks) {
    free(ticks->of_locate);
    free(ticks->by_hash);
    ticks->of_locate = ticks->by_hash = NULL;
}

void ticks_ask(struct ticks *ticks, uint32_t depth, bool every_event) {
    ticks->depth = depth;
    ticks->every_event = every_event;
}

static uint16_t find(const struct ticks *ticks, const char symbol[8]) {
    uint32_t place = hash_of(symbol) & ticks->hash_mask;
    for (; ticks->by_hash[place]; place = (place + 1) & ticks->hash_mask)
        if (!memcmp(ticks->symbols[ticks->by_hash[place] - 1], symbol, 8))
            return ticks->by_hash[place];
    return TICKS_NOBODYS;
}

/* A locate whose symbol no message has named yet is looked up again at its next event. */
static __attribute__((noinline)) uint16_t look_up(struct ticks *ticks, const struct book_set *books,
                                                  uint16_t locate) {
    if (!(books->books[locate].flags & BOOK_HAS_SYMBOL))
        return TICKS_NOBODYS;
    return ticks->of_locate[locate] = find(ticks, books->infos[locate].symbol);
}

/* The instrument + 1 of an event, or TICKS_NOBODYS. */
static inline uint16_t instrument_of(struct ticks *ticks, const struct book_set *books,
                                     const struct book_event *event) {
    uint16_t found = ticks->of_locate[event->locate];
    return __builtin_expect(found != 0, 1) ? found : look_up(ticks, books, event->locate);
}

static void view_best(const struct book_event *event, const struct book_set *books, struct book_view *view) {
    const struct book_info *info = &books->infos[event->locate];
    view->version = 0;
    view->sequence = event->sequence;
    view->venue_ns = event->venue_ns;
    view->locate = event->locate;
    view->flags = event->flags;
    view->bid_levels = event->bid_orders != 0;
    view->ask_levels = event->ask_orders != 0;
    memcpy(view->symbol, info->symbol, sizeof view->symbol);
    view->last_px = info->last_px;
    view->last_qty = info->last_qty;
    view->traded_qty = info->traded_qty;
    view->trading_state = info->trading_state;
    view->reg_sho = info->reg_sho;
    /* What a strategy has not asked for is empty, not what stood here before. */
    memset(view->bid, 0, sizeof view->bid + sizeof view->ask);
    view->bid[0] =
        (struct level_view){.px = event->bid_px, .orders = event->bid_orders, .qty = event->bid_qty};
    view->ask[0] =
        (struct level_view){.px = event->ask_px, .orders = event->ask_orders, .qty = event->ask_qty};
}

/* The best level stands in the event; those behind it are read from the book. */
static void view_deep(const struct ticks *ticks, const struct book_set *books, uint16_t locate,
                      struct book_view *view) {
    view->bid_levels = (uint16_t)book_levels(books, locate, SIDE_BID, view->bid, ticks->depth);
    view->ask_levels = (uint16_t)book_levels(books, locate, SIDE_ASK, view->ask, ticks->depth);
    if (view->bid_levels > ticks->depth)
        view->bid_levels = (uint16_t)ticks->depth;
    if (view->ask_levels > ticks->depth)
        view->ask_levels = (uint16_t)ticks->depth;
}

static void hand_on(struct ticks *ticks, const struct book_set *books, const struct book_event *event,
                    uint32_t instrument, const struct tick_sink *sink) {
    struct tick *tick = sink->room(sink->context);
    tick->event = *event;
    tick->instrument = instrument;
    tick->last_px = books->infos[event->locate].last_px;
    tick->number = ++ticks->number;
    view_best(event, books, &tick->view);
    if (ticks->depth > 1)
        view_deep(ticks, books, event->locate, &tick->view);
    sink->done(sink->context, tick);
}

static void hand_on_all(struct ticks *ticks, const struct book_set *books, uint32_t count,
                        const struct tick_sink *sink) {
    for (uint32_t i = 0; i < count; i++) {
        uint16_t found = instrument_of(ticks, books, &ticks->events[i]);
        if (found != TICKS_NOBODYS)
            hand_on(ticks, books, &ticks->events[i], found - 1u, sink);
    }
}

static void hand_on_last(struct ticks *ticks, const struct book_set *books, uint32_t count,
                         const struct tick_sink *sink) {
    uint32_t ours = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint16_t found = instrument_of(ticks, books, &ticks->events[i]);
        if (found == TICKS_NOBODYS)
            continue;
        ticks->last[found - 1] = (uint16_t)(i + 1);
        ours++;
    }
    for (uint32_t i = 0; ours && i < count; i++) {
        uint16_t found = ticks->of_locate[ticks->events[i].locate];
        if (!found || found == TICKS_NOBODYS)
            continue;
        ours--;
        if (ticks->last[found - 1] == i + 1)
            hand_on(ticks, books, &ticks->events[i], found - 1u, sink);
    }
}

enum { EXPECTED = 64, LOCATE_END = 2 + 3 };

/* Of the first message that may give a tick. For more than one the books' own memory would come later. */
static void expect(const struct ticks *ticks, const struct book_set *books, const uint8_t *blocks,
                   size_t bytes, const struct tick_sink *sink) {
    for (uint32_t i = 0; i < EXPECTED && bytes >= LOCATE_END; i++) {
        size_t framed = 2 + (size_t)bytes_be16(blocks);
        uint16_t locate = framed >= LOCATE_END ? bytes_be16(blocks + 3) : 0;
        uint16_t found = ticks->of_locate[locate];
        if (found && found != TICKS_NOBODYS) {
            lines_expect(&books->infos[locate], sizeof books->infos[locate]);
            sink->expect(sink->context, found - 1u);
            return;
        }
        if (framed >= bytes)
            return;
        blocks += framed;
        bytes -= framed;
    }
}

void ticks_feed(struct ticks *ticks, struct book_set *books, const uint8_t *blocks, size_t bytes,
                const struct tick_sink *sink) {
    if (ticks->session != books->session) {
        memset(ticks->of_locate, 0, ABI_MAX_LOCATES * sizeof *ticks->of_locate);
        ticks->session = books->session;
    }
    expect(ticks, books, blocks, bytes, sink);
    while (bytes) {
        uint32_t count;
        size_t taken = book_feed(books, blocks, bytes, ticks->events, TICKS_BATCH, &count);
        if (!taken)
            break;
        if (ticks->every_event)
            hand_on_all(ticks, books, count, sink);
        else
            hand_on_last(ticks, books, count, sink);
        blocks += taken;
        bytes -= taken;
    }
}
