/* The market's thread, a client, a sender and the servers' books, all at once on one live day: what the books
 * make of it is what the engine has, without an oddity. */
#include "venue/market.h"
#include "api.h"
#include "check.h"
#include "synth/synth.h"
#include "venue/books.h"

#include <string.h>

enum { MESSAGES = 400000, SYMBOLS = 20, ROOM = 1 << 27, SEED = 11, SLACK = 64 };

struct play {
    struct venue_market *market;
    struct venue_segment *segment;
    struct venue_books *books;
    uint64_t end_ns;
    uint64_t orders; /* the client's own until it is joined */
    uint64_t events;
};

static struct venue_segment segment;

static uint64_t sent_of(const struct play *play) {
    return __atomic_load_n(&play->segment->live.sent, __ATOMIC_ACQUIRE);
}

/* Tells what there is as sent, and the books follow. */
static void *send(void *argument) {
    struct play *play = argument;
    const struct venue_control *control = &play->segment->control;
    uint64_t last = 0;
    __atomic_store_n(&play->segment->live.state, VENUE_SENDING, __ATOMIC_RELEASE);
    do {
        last = __atomic_load_n(&control->whole, __ATOMIC_ACQUIRE);
        CHECK(__atomic_load_n(&control->bytes, __ATOMIC_ACQUIRE) <= ROOM);
        __atomic_store_n(&play->segment->live.sent, venue_day_messages(play->books->day), __ATOMIC_RELEASE);
        while (venue_books_advance(play->books, 0, sent_of(play), 1000) > 0)
            ;
    } while (!last);
    return NULL;
}

static void *trade(void *argument) {
    struct play *play = argument;
    struct market_event events[64];
    uint64_t state = SEED;
    uint64_t patience = check_patience();
    uint64_t reference = 0;
    for (bool ended = false; !ended;) {
        uint64_t random = check_random(&state);
        struct market_entry entry = {.tag = play->orders + 1,
                                     .px = (uint32_t)(50 + random % 4000) * 100,
                                     .qty = 1 + (uint32_t)(random >> 20 & 1023),
                                     .locate = (uint16_t)(1 + (random >> 40) % SYMBOLS),
                                     .side = random >> 50 & 1,
                                     .flags = random >> 52 & 1 ? MARKET_IOC : 0};
        play->orders += api_venue_match_enter(play->market, &entry) == 0;
        if (reference && random >> 60 == 0)
            api_venue_match_cancel(play->market, reference, 0, 'U');
        if (check_now_ns() > play->end_ns)
            api_venue_match_end(play->market);
        uint32_t count = api_venue_match_events(play->market, events, 64);
        for (uint32_t at = 0; at < count; at++) {
            reference = events[at].reference;
            ended |= events[at].kind == MARKET_ENDED;
        }
        play->events += count;
        CHECK(check_now_ns() < patience);
    }
    return NULL;
}

static uint64_t make_script(uint8_t **script) {
    char error[API_ERROR_BYTES];
    struct synth_config config = {.messages = MESSAGES, .seed = SEED, .symbols = SYMBOLS};
    struct synth *synth = synth_open(&config, error);
    CHECK(synth && (*script = calloc(1, ROOM / 4)));
    uint64_t bytes = synth_fill(synth, *script, ROOM / 4 - SLACK);
    synth_close(synth);
    return bytes;
}

int main(int count, char **words) {
    char error[API_ERROR_BYTES];
    uint8_t *script;
    uint64_t bytes = make_script(&script);
    uint8_t *live = calloc(1, ROOM + SLACK);
    struct market_config config = {
        .books = {.orders = 1 << 20, .order_pages = 1 << 13, .levels = 1 << 17, .locates = 100},
        .orders = 1 << 14};
    struct venue_market *market = api_venue_market_open(&config, script, bytes, live, ROOM, error);
    CHECK(live && market);
    struct play play = {.market = market,
                        .segment = &segment,
                        .books = venue_books_open(market->match->day, &config.books),
                        .end_ns = check_deadline(count, words)};
    CHECK(play.books);
    struct venue_plan pace = {.pace = PLAN_PACE_RATE, .rate = MESSAGES};
    CHECK(api_venue_market_start(market, &segment, &pace, -1, error) == 0);
    pthread_t sender = check_start(send, &play);
    pthread_t client = check_start(trade, &play);
    pthread_join(client, NULL);
    pthread_join(sender, NULL);
    api_venue_market_stop(market);

    struct market_status status;
    api_venue_market_status(market, &status);
    struct book_counters counters;
    book_read_counters(play.books->set, &counters);
    CHECK(status.is_over && status.orders == 0 && status.executions > 0 && play.events > play.orders);
    CHECK(counters.messages == status.messages);
    CHECK(!counters.unknown_reference && !counters.duplicate_reference && !counters.overfill &&
          !counters.zero_quantity && !counters.bad_length && !counters.unknown_type);
    CHECK(book_depth_digest(play.books->set) == book_depth_digest(market->match->set));
    printf("%llu messages of the script, %llu orders, %llu executions\n", (unsigned long long)status.scripted,
           (unsigned long long)play.orders, (unsigned long long)status.executions);
    venue_books_close(play.books);
    api_venue_market_close(market);
    free(live);
    free(script);
}
