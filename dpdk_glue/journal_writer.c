/* The writer of the journal, as a program: the control plane starts it.
 *
 *     journal-writer --taps FD --directory PATH
 *
 * FD is the open file of the taps (struct journal_taps), which it inherits; what it does stands in its state
 * there. On SIGTERM, or when its parent ends and the taps name one, it empties the rings, waits a moment for
 * producers that live, seals the segment and ends. Exit status: 0; or 2, and the reason stands in the state
 * and in one line on standard error. It may be killed at any time: the next one goes on.
 */
#include "journal/taps.h"
#include "journal/writer.h"
#include "stats/clock.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum {
    STATUS_FAILED = 2,
    IDLE_ROUNDS = 2000,
    IDLE_NS = 50000,
    STALLED_NS = 200000,
    HEARTBEAT_ROUNDS = 64,
    PATIENCE_S = 5 /* when it is told to stop, for producers to end and for a full disk */
};

static volatile sig_atomic_t told_to_stop;
static struct journal_state *state;
static struct journal_writer writer;

static void stop(int signal_number) {
    (void)signal_number;
    told_to_stop = 1;
}

static int fail(const char *what) {
    fprintf(stderr, "journal-writer: %s\n", what);
    if (state)
        journal_writer_say(state, JOURNAL_WRITER_FAILED, what);
    return STATUS_FAILED;
}

/* A page of a segment that the disk, or whoever cut the file, does not give: nothing can be written there. */
static void lose_page(int signal_number) {
    static const char what[] = "a page of the segment is gone: the disk fails, or somebody cut the file";
    static const char end[] = "\n";
    (void)signal_number;
    memcpy(state->message, what, sizeof what);
    __atomic_store_n(&state->state, JOURNAL_WRITER_FAILED, __ATOMIC_RELEASE);
    if (write(STDERR_FILENO, what, sizeof what - 1) < 0 || write(STDERR_FILENO, end, 1) < 0)
        _exit(STATUS_FAILED);
    _exit(STATUS_FAILED);
}

static void take_signals(uint64_t parent) {
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    action.sa_handler = SIG_IGN; /* a control-C is for the parent, which then tells us */
    sigaction(SIGINT, &action, NULL);
    action.sa_handler = lose_page;
    sigaction(SIGBUS, &action, NULL);
    if (parent) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if ((uint64_t)getppid() != parent)
            told_to_stop = 1; /* it died before we asked */
    }
}

/* Before there are threads: they all stay there. */
static int pin(int core) {
    cpu_set_t cores;
    if (core < 0)
        return 0;
    CPU_ZERO(&cores);
    if (core < CPU_SETSIZE)
        CPU_SET(core, &cores);
    return sched_setaffinity(0, sizeof cores, &cores);
}

static void rest(long ns) {
    nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
}

static bool is_any_producer_alive(const struct journal_taps *taps) {
    for (int stream = 0; stream < ABI_JOURNAL_STREAMS; stream++) {
        uint32_t pid = __atomic_load_n(&taps->tap[stream].pid, __ATOMIC_ACQUIRE);
        if (pid && (kill((pid_t)pid, 0) == 0 || errno == EPERM))
            return true;
    }
    return false;
}

static void tell(uint32_t rounds) {
    if (rounds % HEARTBEAT_ROUNDS)
        return;
    __atomic_store_n(&state->heartbeat_cycles, clock_cycles(), __ATOMIC_RELAXED);
    __atomic_store_n(&state->lag_bytes, journal_writer_lag(&writer), __ATOMIC_RELAXED);
}

static void run_until_told(void) {
    uint32_t idle = 0;
    for (uint32_t rounds = 0; !told_to_stop; rounds++) {
        uint32_t taken = journal_writer_round(&writer);
        tell(rounds);
        idle = taken ? 0 : idle + 1;
        if (journal_writer_is_stalled(&writer))
            rest(STALLED_NS);
        else if (idle > IDLE_ROUNDS)
            rest(IDLE_NS);
        else if (idle)
            __builtin_ia32_pause();
    }
}

/* Until the rings are empty and nobody is there to fill them. False: it took too long. */
static bool run_until_empty(void) {
    uint64_t patience_cycles = (uint64_t)(PATIENCE_S * 1e9 * clock_cycles_per_ns());
    uint64_t begun = clock_cycles();
    while (true) {
        bool is_alive = is_any_producer_alive(writer.taps);
        while (journal_writer_round(&writer))
            tell(0);
        uint64_t lag = journal_writer_lag(&writer);
        if (!lag && !is_alive)
            return true;
        if (writer.has_failed || clock_cycles() - begun > patience_cycles)
            return !lag;
        tell(0);
        rest(STALLED_NS);
    }
}

static int run(struct journal_taps *taps, const char *directory) {
    char error[sizeof state->message];
    journal_writer_say(state, JOURNAL_WRITER_STARTING, "");
    if (pin(taps->writer_core) < 0) {
        snprintf(error, sizeof error, "core %d: %s: choose one that this process may use", taps->writer_core,
                 strerror(errno));
        return fail(error);
    }
    if (journal_writer_open(&writer, taps, directory, error, sizeof error) < 0)
        return fail(error);
    run_until_told();
    bool is_empty = run_until_empty();
    if (journal_writer_close(&writer) < 0) {
        snprintf(error, sizeof error, "%s: the end of the journal did not reach the disk: %s", directory,
                 strerror(errno));
        return fail(error);
    }
    if (writer.has_failed)
        return fail(state->message);
    if (!is_empty)
        return fail("told to stop, but records are left in the rings: start it again when there is room");
    tell(0);
    journal_writer_say(state, JOURNAL_WRITER_STOPPED, "");
    return 0;
}

int main(int count, char **words) {
    char error[512];
    char *end = NULL;
    if (count == 2 && !strcmp(words[1], "--version")) {
        puts("journal-writer " APPLIANCE_VERSION);
        return 0;
    }
    if (count != 5 || strcmp(words[1], "--taps") != 0 || strcmp(words[3], "--directory") != 0)
        return fail("it is started by the control plane, with --taps FD --directory PATH");
    long file = strtol(words[2], &end, 10);
    if (*end || end == words[2] || file < 0 || file > INT32_MAX)
        return fail("--taps wants the number of an open file");
    struct journal_taps *taps = journal_taps_map((int)file, error, sizeof error);
    if (!taps)
        return fail(error);
    state = &taps->state;
    take_signals(taps->parent_pid);
    return run(taps, words[4]);
}
