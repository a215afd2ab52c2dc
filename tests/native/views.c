/* A publisher and two readers of its view: a copy under the seqlock is never half of two updates.
 *
 * Turn n leaves one bid of n shares at n, one ask of n shares at n + 1, and a trade of n shares at n, all at
 * n nanoseconds: any field tells what the others must be. Every thousand turns the session changes, and the
 * view is blank but for its symbol.
 */
#include "book/publish.h"
#include "check.h"

#include <string.h>

enum {
    ADD_BYTES = 36,
    TRADE_BYTES = 44,
    DELETE_BYTES = 19,
    TURN_MESSAGES = 5,
    TURN_BYTES = 2 * (2 + ADD_BYTES) + 2 * (2 + DELETE_BYTES) + 2 + TRADE_BYTES,
    DIRECTORY_BYTES = 39,
    TURNS_OF_SESSION = 1000
};

static const char symbols[1][8] = {"VIEW    "};
static struct book_view view;
static uint64_t end_ns;

static uint8_t *put_number(uint8_t *at, uint64_t number, unsigned bytes) {
    while (bytes--)
        *at++ = (uint8_t)(number >> 8 * bytes);
    return at;
}

/* Length, type, locate 1, no tracking number, time. */
static uint8_t *put_start(uint8_t *at, unsigned length, char type, uint64_t time_ns) {
    at = put_number(at, length, 2);
    at = put_number(at, (uint8_t)type, 1);
    at = put_number(at, 1, 2);
    at = put_number(at, 0, 2);
    return put_number(at, time_ns, 6);
}

static uint8_t *put_symbol(uint8_t *at) {
    memcpy(at, symbols[0], sizeof symbols[0]);
    return at + sizeof symbols[0];
}

static uint8_t *put_order(uint8_t *at, unsigned length, char type, uint64_t reference, char side,
                          uint32_t turn, uint32_t px) {
    at = put_start(at, length, type, turn);
    at = put_number(at, reference, 8);
    at = put_number(at, (uint8_t)side, 1);
    at = put_number(at, turn, 4);
    return put_number(put_symbol(at), px, 4);
}

static uint8_t *put_delete(uint8_t *at, uint64_t reference, uint32_t turn) {
    return put_number(put_start(at, DELETE_BYTES, 'D', turn), reference, 8);
}

static void feed_turn(struct book_set *books, uint32_t turn) {
    uint8_t run[TURN_BYTES + BOOK_RUN_SLACK] = {0};
    uint64_t bid =
        (uint64_t)turn * 2; /* its reference; the ask's follows, and both of the last turn are before */
    uint8_t *at = put_order(run, ADD_BYTES, 'A', bid, 'B', turn, turn);
    at = put_order(at, ADD_BYTES, 'A', bid + 1, 'S', turn, turn + 1);
    at = put_delete(at, bid - 2, turn);
    at = put_delete(at, bid - 1, turn);
    at = put_order(at, TRADE_BYTES, 'P', 0, 'B', turn, turn);
    put_number(at, turn, 8);
    CHECK(book_feed(books, run, TURN_BYTES, NULL, 0, NULL) == TURN_BYTES);
}

static void feed_directory(struct book_set *books) {
    uint8_t run[2 + DIRECTORY_BYTES + BOOK_RUN_SLACK] = {0};
    put_symbol(put_start(run, DIRECTORY_BYTES, 'R', 0));
    CHECK(book_feed(books, run, 2 + DIRECTORY_BYTES, NULL, 0, NULL) == 2 + DIRECTORY_BYTES);
}

static void *publish(void *unused) {
    (void)unused;
    const struct book_limits limits = {.orders = 64, .order_pages = 8, .levels = 64, .locates = 1};
    struct book_set *books = book_open(&limits);
    struct publisher publisher;
    CHECK(books && publisher_open(&publisher, &view, symbols, 1) == 0);
    while (check_now_ns() < end_ns) {
        feed_directory(books);
        publisher_step(&publisher, books);
        for (uint32_t turn = 1; turn <= TURNS_OF_SESSION; turn++) {
            feed_turn(books, turn);
            publisher_step(&publisher, books);
        }
        book_clear(books);
    }
    publisher_close(&publisher);
    book_close(books);
    return NULL;
}

/* Acquires every word: none of the second look at the version can come before them. */
static bool copy_view(struct book_view *copy) {
    const uint64_t *from = (const uint64_t *)&view;
    uint64_t *to = (uint64_t *)copy;
    uint64_t version = __atomic_load_n(&view.version, __ATOMIC_ACQUIRE);
    for (size_t word = 1; word < sizeof view / sizeof *to; word++)
        to[word] = __atomic_load_n(&from[word], __ATOMIC_ACQUIRE);
    copy->version = version;
    return version % 2 == 0 && version == __atomic_load_n(&view.version, __ATOMIC_RELAXED);
}

static void check_copy(const struct book_view *copy) {
    uint32_t turn = copy->last_px;
    CHECK(!memcmp(copy->symbol, symbols[0], sizeof copy->symbol));
    CHECK(copy->bid_levels == (turn ? 1 : 0) && copy->ask_levels == copy->bid_levels);
    CHECK(copy->last_qty == turn && copy->traded_qty == (uint64_t)turn * (turn + 1) / 2);
    CHECK(copy->bid[0].px == turn && copy->bid[0].qty == turn);
    CHECK(copy->ask[0].px == (turn ? turn + 1 : 0) && copy->ask[0].qty == turn);
    CHECK(!turn || copy->venue_ns == turn);
}

static void *read_copies(void *unused) {
    (void)unused;
    struct book_view copy;
    uint64_t version = 0;
    uint64_t good = 0;
    uint64_t patience = check_patience();
    while (check_now_ns() < end_ns || good < 100) {
        CHECK(check_now_ns() < patience);
        if (!copy_view(&copy))
            continue;
        CHECK(copy.version >= version);
        version = copy.version;
        check_copy(&copy);
        good++;
    }
    printf("%llu whole copies, the last of update %llu\n", (unsigned long long)good,
           (unsigned long long)version / 2);
    return NULL;
}

int main(int count, char **words) {
    end_ns = check_deadline(count, words);
    memcpy(view.symbol, symbols[0], sizeof view.symbol); /* as the segment's maker does */
    pthread_t threads[] = {check_start(publish, NULL), check_start(read_copies, NULL),
                           check_start(read_copies, NULL)};
    for (unsigned i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
}
