/* The sender of the simulated exchange, as a program: `appliance venue` starts it.
 *
 *     venue-feed --segment FD --day FD
 *
 * Both are files in memory that it inherits: the plan with room for what it did (struct venue_segment), and
 * the day. It ends after the last session, or when the segment or SIGTERM says so. Exit status: 0; or 2, and
 * the reason stands in the segment and in one line on standard error.
 */
#include "abi_hash.h"
#include "build_config.h"
#include "stats/clock.h"
#include "venue/sender.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STATUS_FAILED = 2, TIMER_SLACK_NS = 1000 };

static struct venue_segment *segment;
static struct venue_sender sender;

static void stop(int signal_number) {
    (void)signal_number;
    __atomic_store_n(&segment->control.stop, 1, __ATOMIC_RELEASE);
}

static int fail(const char *what) {
    fprintf(stderr, "venue-feed: %s\n", what);
    if (segment) {
        snprintf(segment->live.message, sizeof segment->live.message, "%s", what);
        __atomic_store_n(&segment->live.state, VENUE_FAILED, __ATOMIC_RELEASE);
    }
    return STATUS_FAILED;
}

static void *map(const char *text, int protection, uint64_t least, uint64_t *bytes) {
    char *end;
    long file = strtol(text, &end, 10);
    struct stat status;
    if (*end || end == text || file < 0 || file > INT32_MAX || fstat((int)file, &status) < 0 ||
        (uint64_t)status.st_size < least)
        return NULL;
    *bytes = (uint64_t)status.st_size;
    void *at = mmap(NULL, *bytes, protection, MAP_SHARED, (int)file, 0);
    return at == MAP_FAILED ? NULL : at;
}

static bool are_faults_possible(const struct venue_faults *faults) {
    const uint32_t certain = 1000000000;
    return faults->loss_ppb <= certain && faults->duplicate_ppb <= certain &&
           faults->reorder_ppb <= certain && faults->loss_burst >= 1 &&
           faults->loss_burst <= VENUE_DEPTH_MAX && faults->reorder_depth >= 1 &&
           faults->reorder_depth <= VENUE_DEPTH_MAX;
}

/* The control plane has checked all of it before; what follows must only hold what the code relies on. */
static bool is_possible(const struct venue_plan *plan) {
    char name[VENUE_SESSION_BYTES];
    return are_faults_possible(&plan->faults[0]) && are_faults_possible(&plan->faults[1]) && plan->days &&
           plan->days <= UINT16_MAX && venue_session_name(plan->session, plan->days - 1, name) &&
           plan->same_gap_ppb <= 1000000000 && plan->same_gap_burst >= 1 &&
           plan->same_gap_burst <= VENUE_DEPTH_MAX && plan->packet_messages &&
           plan->packet_messages <= VENUE_PAYLOAD_BYTES && plan->blackouts <= VENUE_BLACKOUTS &&
           (plan->pace != PLAN_PACE_RATE || plan->rate) &&
           (plan->pace != PLAN_PACE_RECORDED || plan->speed_ppm);
}

static void take_signals(void) {
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    action.sa_handler = SIG_IGN; /* a control-C is for the parent, which then tells us */
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS);
}

/* After the ports are open: DPDK puts the thread where it likes. */
static int pin(int core) {
    cpu_set_t cores;
    if (core < 0)
        return 0;
    CPU_ZERO(&cores);
    CPU_SET(core, &cores);
    return sched_setaffinity(0, sizeof cores, &cores);
}

static int run(const uint8_t *day) {
    char error[PORT_ERROR_BYTES];
    segment->live.pid = (uint32_t)getpid();
    segment->cycles_per_s = (uint64_t)(clock_cycles_per_ns() * 1e9);
    if (venue_sender_open(&sender, segment, day, error) < 0)
        return fail(error);
    int status = 0;
    if (pin(segment->plan.plan.feed_core) < 0) {
        snprintf(error, sizeof error, "core %d: %s: choose one that this process may use",
                 segment->plan.plan.feed_core, strerror(errno));
        status = fail(error);
    } else {
        venue_sender_run(&sender);
    }
    venue_sender_close(&sender);
    return status;
}

static int complain(const char *what) {
    segment = NULL;
    return fail(what);
}

int main(int count, char **words) {
    static const uint8_t hash[32] = ABI_HASH_BYTES;
    uint64_t bytes;
    uint64_t day_bytes;
    if (count == 2 && !strcmp(words[1], "--version")) {
#ifdef HAVE_DPDK
        puts("venue-feed " APPLIANCE_VERSION ", with DPDK");
#else
        puts("venue-feed " APPLIANCE_VERSION ", without DPDK");
#endif
        return 0;
    }
    if (count != 5 || strcmp(words[1], "--segment") != 0 || strcmp(words[3], "--day") != 0)
        return complain("it is started by appliance venue, with --segment FD --day FD");
    segment = map(words[2], PROT_READ | PROT_WRITE, sizeof *segment, &bytes);
    const uint8_t *day = map(words[4], PROT_READ, 1, &day_bytes);
    if (!segment || !day)
        return complain("these files are no segment and no day: start it with appliance venue");
    if (segment->magic != ABI_MAGIC || memcmp(segment->abi_hash, hash, sizeof hash) != 0)
        return complain("the segment was made by another build: install both parts of one build");
    if (day_bytes < segment->plan.day_bytes || segment->control.bytes + PORT_SLACK > day_bytes ||
        !is_possible(&segment->plan))
        return fail("the plan cannot be: start it with appliance venue");
    take_signals();
    if ((uint64_t)getppid() != segment->parent_pid)
        return fail("the process that started it is gone");
    return run(day);
}
