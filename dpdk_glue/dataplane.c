/* The data plane: one process, from the wire to the books, seen by others through its shared segment.
 *
 *     dataplane --fd N [--taps M] [--replay K]
 *
 * The control plane makes the segment, writes the plan into it and starts this program with the segment open
 * as file N (stage/segment.h), and with the rings of the journal, if there is one, as file M. File K
 * is a session of a journal that is to be lived through again. It ends when
 * the feed does, unless the plan says to hold, and on SIGTERM or SIGINT. Exit status: 0 the feed was read, or
 * it was told to stop; 2 what went wrong is on standard error and in the segment, in one line.
 */
#include "build_config.h"
#include "journal/taps.h"
#include "memory/start.h"
#include "stage/live.h"
#include "stage/segment.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#ifdef HAVE_DPDK
#include <rte_version.h>
#endif

enum { STATUS_FAILED = 2 };

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

static int fail(struct segment *segment, const char *why) {
    segment_fail(segment, why);
    return complain(why);
}

/* Open files that this process was given. */
struct files {
    int segment;
    int taps;   /* -1 = there is no journal */
    int replay; /* -1 = what comes is live */
};

static bool read_file_number(const char *text, int *file) {
    char *end;
    long number = strtol(text, &end, 10);
    if (*end || end == text || number < 0 || number > UINT16_MAX)
        return false;
    *file = (int)number;
    return true;
}

static bool read_files(int count, char **words, struct files *files) {
    *files = (struct files){.segment = -1, .taps = -1, .replay = -1};
    for (int i = 1; i < count; i += 2) {
        int *file = !strcmp(words[i], "--fd")       ? &files->segment
                    : !strcmp(words[i], "--taps")   ? &files->taps
                    : !strcmp(words[i], "--replay") ? &files->replay
                                                    : NULL;
        if (!file || i + 1 == count || !read_file_number(words[i + 1], file))
            return false;
    }
    return files->segment >= 0;
}

/* False: there is nothing (more) to do, and `status` says how it went. */
static bool parse_words(int count, char **words, struct files *files, int *status) {
    static const char usage[] =
        "usage: dataplane --fd N [--taps M] [--replay K] (open files: the segment, the journal's rings, a "
        "session of a journal; `appliance run` does that)\n"
        "       dataplane --version";
    *status = 0;
    if (count == 2 && !strcmp(words[1], "--version")) {
        print_version();
        return false;
    }
    if (count == 2 && !strcmp(words[1], "--help")) {
        puts(usage);
        return false;
    }
    if (read_files(count, words, files))
        return true;
    *status = complain("started with the wrong words; usage: dataplane --fd N, and appliance run does that");
    return false;
}

/* The thread that is to feed the books has its core for itself, if the plan says which. */
static int take_core(int core, char *error) {
    cpu_set_t only;
    if (core < 0)
        return 0;
    CPU_ZERO(&only);
    if (core < CPU_SETSIZE)
        CPU_SET(core, &only);
    if (sched_setaffinity(0, sizeof only, &only) == 0)
        return 0;
    snprintf(error, PORT_ERROR_BYTES, "feed core %d: %s: choose one that this process may run on", core,
             strerror(errno));
    return -1;
}

/* Whatever has been touched stays; what will never be touched takes no memory. */
static int lock_memory(bool must, char *error) {
    if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0 || !must)
        return 0;
    snprintf(error, PORT_ERROR_BYTES,
             "cannot lock its memory (%s): raise the limit (ulimit -l), grant CAP_IPC_LOCK, or turn "
             "memory.lock off",
             strerror(errno));
    return -1;
}

static void report(const struct segment *segment) {
    const struct shm_live *live = &segment->header->live;
    const struct shm_stats *stats = segment->stats;
    printf("messages %" PRIu64 "  events %" PRIu64 "  lost %" PRIu64 "  digest %016" PRIx64
           "  untrusted books %" PRIu64 "%s\n",
           live->messages, stats->books.events, stats->mold.lost, live->digest, stats->books.untrusted_books,
           live->stale_books ? "  stale" : "");
    for (uint32_t i = 0; i < segment->header->views; i++)
        if (!segment->views[i].locate)
            fprintf(stderr, "dataplane: no message names %.8s: its view is empty\n",
                    segment->views[i].symbol);
}

/* NULL: there is no journal, or, with `error` written, none that can be used. */
static struct journal_taps *take_taps(int file, char *error) {
    error[0] = 0;
    return file < 0 ? NULL : journal_taps_map(file, error, PORT_ERROR_BYTES);
}

/* It was told to stop while it started: that is no failure. */
static int stop_early(struct segment *segment) {
    static const char what[] = "stopped before it was ready";
    memcpy(segment->header->message, what, sizeof what);
    segment_set_state(segment, SHM_STOPPED);
    complain(what);
    return 0;
}

static int live_through(struct segment *segment, struct journal_taps *taps, struct replay *replay) {
    char error[PORT_ERROR_BYTES];
    if (take_core(segment->plan->feed_core, error) < 0)
        return fail(segment, error);
    struct live *live = live_open(segment, taps, replay, error);
    if (!live)
        return told_to_stop ? stop_early(segment) : fail(segment, error);
    int result = lock_memory(segment->plan->flags & PLAN_LOCK_MEMORY, error);
    if (result == 0) {
        segment->header->ready_cycles = clock_cycles();
        segment_set_state(segment, SHM_RUNNING);
        result =
            replay ? live_replay(live, replay, &told_to_stop, error) : live_run(live, &told_to_stop, error);
    }
    live_close(live);
    if (result < 0)
        return fail(segment, error);
    segment_set_state(segment, told_to_stop ? SHM_STOPPED : SHM_ENDED);
    report(segment);
    return 0;
}

static int run(struct segment *segment, const struct files *files) {
    char error[PORT_ERROR_BYTES];
    struct replay replay = {0};
    struct journal_taps *taps = take_taps(files->taps, error);
    if (error[0])
        return fail(segment, error);
    if (files->replay >= 0 && replay_open(&replay, files->replay, error, sizeof error) < 0)
        return fail(segment, error);
    int status = live_through(segment, taps, files->replay >= 0 ? &replay : NULL);
    replay_close(&replay);
    if (taps)
        journal_taps_unmap(taps);
    return status;
}

int main(int count, char **words) {
    struct segment segment;
    char error[PORT_ERROR_BYTES];
    struct files files;
    int status;
    if (!parse_words(count, words, &files, &status))
        return status;
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    start_heed(&told_to_stop);
    if (segment_attach(&segment, files.segment, error, sizeof error) < 0)
        return complain(error);
    if (segment.plan->flags & PLAN_DIE_WITH_PARENT) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if ((uint64_t)getppid() != segment.header->parent_pid)
            told_to_stop = 1; /* it died before we asked */
    }
    status = run(&segment, &files);
    segment_detach(&segment);
    return status;
}
