/* The data plane: one process, from a port to the books, seen by others through its shared segment.
 *
 *     dataplane --segment NAME --file FEED --symbol S [--symbol S ...] [--hold]
 *
 * It ends when the feed does (with --hold it then waits to be told) or on SIGTERM or SIGINT. Exit status: 0
 * the feed was read, or it was told to stop; 2 what went wrong is on standard error, in one line.
 */
#include "book/publish.h"
#include "build_config.h"
#include "stage/feed.h"
#include "stage/segment.h"
#include "stats/clock.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef HAVE_DPDK
#include <rte_version.h>
#endif

enum { SYMBOLS_MAX = 1024, STEP_MESSAGES = 2048, STATUS_FAILED = 2 };

struct options {
    const char *segment;
    const char *file;
    char symbols[SYMBOLS_MAX][8];
    uint32_t symbol_count;
    int hold;
    struct book_limits limits;
};

static volatile sig_atomic_t told_to_stop;

static void stop(int signal_number) {
    (void)signal_number;
    told_to_stop = 1;
}

static void print_version(void) {
    printf("dataplane " APPLIANCE_VERSION);
#ifdef HAVE_DPDK
    printf(", %s", rte_version());
#else
    printf(", without DPDK");
#endif
#ifdef APPLIANCE_NO_STATS
    printf(", without measurement");
#endif
    puts("");
}

static int complain(const char *what) {
    fprintf(stderr, "dataplane: %s\n", what);
    return STATUS_FAILED;
}

static int add_symbol(struct options *options, const char *symbol) {
    size_t length = strlen(symbol);
    if (!length || length > 8)
        return complain("--symbol: a symbol is 1 to 8 characters");
    if (options->symbol_count == SYMBOLS_MAX)
        return complain("--symbol: too many symbols, at most 1024");
    char *padded = options->symbols[options->symbol_count];
    memset(padded, ' ', 8);
    memcpy(padded, symbol, length);
    for (uint32_t i = 0; i < options->symbol_count; i++)
        if (!memcmp(options->symbols[i], padded, 8))
            return complain("--symbol: the same symbol twice");
    options->symbol_count++;
    return 0;
}

static int parse_count(const char *text, const char *name, uint32_t *count) {
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno || *end || end == text || !value || value > UINT32_MAX) {
        fprintf(stderr, "dataplane: %s: '%s' is not a number from 1 to %u\n", name, text, UINT32_MAX);
        return STATUS_FAILED;
    }
    *count = (uint32_t)value;
    return 0;
}

static const char usage[] =
    "usage: dataplane --segment NAME --file FEED --symbol S [--symbol S ...] [--hold]\n"
    "                 [--orders N] [--order-pages N] [--levels N] [--locates N]\n"
    "       dataplane --version";

/* 0 = go on, 1 = done already, 2 = failed. */
static int parse_options(int count, char **words, struct options *options) {
    static const struct option known[] = {
        {"segment", required_argument, NULL, 's'},
        {"file", required_argument, NULL, 'f'},
        {"symbol", required_argument, NULL, 'y'},
        {"hold", no_argument, NULL, 'h'},
        {"orders", required_argument, NULL, 'o'},
        {"order-pages", required_argument, NULL, 'p'},
        {"levels", required_argument, NULL, 'l'},
        {"locates", required_argument, NULL, 'c'},
        {"version", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, '?' + 128},
        {NULL, 0, NULL, 0},
    };
    int letter;
    int failed = 0;
    opterr = 0; /* we complain ourselves, in one line */
    while (!failed && (letter = getopt_long(count, words, "", known, NULL)) != -1) {
        switch (letter) {
        case 's':
            options->segment = optarg;
            break;
        case 'f':
            options->file = optarg;
            break;
        case 'y':
            failed = add_symbol(options, optarg);
            break;
        case 'h':
            options->hold = 1;
            break;
        case 'o':
            failed = parse_count(optarg, "--orders", &options->limits.orders);
            break;
        case 'p':
            failed = parse_count(optarg, "--order-pages", &options->limits.order_pages);
            break;
        case 'l':
            failed = parse_count(optarg, "--levels", &options->limits.levels);
            break;
        case 'c':
            failed = parse_count(optarg, "--locates", &options->limits.locates);
            break;
        case 'v':
            print_version();
            return 1;
        case '?' + 128:
            puts(usage);
            return 1;
        default:
            return complain("an option is unknown or lacks its value; usage: dataplane --help");
        }
    }
    if (!failed && options->limits.locates >= ABI_MAX_LOCATES)
        return complain("--locates: at most 65535");
    if (!failed && (optind != count || !options->segment || !options->file || !options->symbol_count))
        return complain("--segment, --file and at least one --symbol are needed, and no other words; "
                        "usage: dataplane --help");
    return failed;
}

static void tell(struct segment *segment, const struct feed *feed) {
    struct shm_live *live = &segment->header->live;
    __atomic_store_n(&live->messages, feed->books->counters.messages, __ATOMIC_RELAXED);
    __atomic_store_n(&live->sequence, feed->books->sequence - 1, __ATOMIC_RELAXED);
    __atomic_store_n(&live->digest, feed->books->counters.digest, __ATOMIC_RELAXED);
    __atomic_store_n(&live->heartbeat_cycles, clock_cycles(), __ATOMIC_RELEASE);
}

static void report(const struct options *options, const struct publisher *publisher,
                   const struct feed *feed) {
    const struct book_counters *counters = &feed->books->counters;
    printf("messages %" PRIu64 "  events %" PRIu64 "  digest %016" PRIx64 "  untrusted books %" PRIu64 "%s\n",
           counters->messages, counters->events, counters->digest, counters->untrusted_books,
           feed->stale ? "  stale" : "");
    fflush(stdout);
    for (uint32_t i = 0; i < publisher->count; i++)
        if (!publisher->views[i].locate)
            fprintf(stderr, "dataplane: no message names %.8s: its view is empty\n", options->symbols[i]);
}

static int run(const struct options *options, struct segment *segment, struct feed *feed) {
    struct publisher publisher;
    char error[PORT_ERROR_BYTES];
    int64_t taken = 1;
    if (publisher_open(&publisher, segment->views, options->symbols, options->symbol_count) < 0)
        return complain("no memory for the table of views");
    segment_set_state(segment, SHM_RUNNING);
    while (!told_to_stop && taken > 0) {
        taken = feed_advance(feed, UINT64_MAX, STEP_MESSAGES, error);
        publisher_step(&publisher, feed->books);
        tell(segment, feed);
    }
    if (!told_to_stop)
        report(options, &publisher, feed);
    publisher_close(&publisher);
    bool failed = taken < 0 && !told_to_stop; /* a read that the signal interrupted is no failure */
    segment_set_state(segment, failed ? SHM_FAILED : told_to_stop ? SHM_STOPPED : SHM_ENDED);
    return failed ? complain(error) : 0;
}

static void wait_to_be_told(void) {
    sigset_t signals;
    sigset_t before;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, &before);
    while (!told_to_stop)
        sigsuspend(&before);
    sigprocmask(SIG_SETMASK, &before, NULL);
}

int main(int count, char **words) {
    static struct options options = {
        .limits = {.orders = 4 << 20, .order_pages = 24 << 10, .levels = 1 << 20, .locates = 65535}};
    struct segment segment;
    char error[PORT_ERROR_BYTES];
    int parsed = parse_options(count, words, &options);
    if (parsed)
        return parsed == 1 ? 0 : STATUS_FAILED;
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    options.limits.prefault = 1;
    struct feed *feed = feed_open(options.file, &options.limits, error);
    if (!feed)
        return told_to_stop ? 0 : complain(error);
    if (segment_create(&segment, options.segment, options.symbol_count, error, sizeof error) < 0) {
        feed_close(feed);
        return complain(error);
    }
    int status = run(&options, &segment, feed);
    if (options.hold && status == 0)
        wait_to_be_told();
    segment_remove(&segment);
    feed_close(feed);
    return status;
}
