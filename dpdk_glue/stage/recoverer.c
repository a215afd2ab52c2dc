#include "stage/recoverer.h"

#include "port/port.h"
#include "ring/records.h"
#include "stage/recoverer_record.h"
#include "stage/snapshot.h"
#include "stats/histogram.h"
#include "wire/mold64.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    WISHES_BYTES = 1 << 16,
    RECORDS_BYTES = 1 << 20,
    RECEIVE_BUFFER_BYTES = 1 << 21,
    STACK_BYTES = 1 << 18,    /* locked memory, so not the 8 MB that are usual */
    REPLIES_AT_A_TIME = 64,   /* before the snapshot has its turn */
    LONGEST_REQUEST = 0xFFFE, /* 0xFFFF is a mark in this place */

    /* The feed's thread makes no system call, so it cannot wake us through an eventfd: we look. Half a
     * millisecond is little beside the wait for a gap to be filled by the other line, and costs a cold core
     * about a hundredth of its time; when nothing was wished for long, still less. */
    LOOK_NS = 500000,
    LOOK_WHEN_QUIET_NS = 2000000
};

static const uint64_t QUIET_AFTER_NS = 1000000000;

_Static_assert(SNAPSHOT_STEP_BYTES <= RECORDS_BYTES / 4, "a step's records have room in an empty ring");
_Static_assert((int)MOLD64_LONGEST + (int)sizeof(struct recoverer_record) < (int)SNAPSHOT_STEP_BYTES,
               "so has the longest reply");

enum wish_kind { WISH_PACKETS = 1, WISH_SNAPSHOT = 2 };

struct wish {
    uint32_t kind;
    uint32_t count; /* messages, or the number of the snapshot */
    uint64_t first;
    uint8_t session[10];
};

struct recoverer {
    struct records *wishes; /* from the feed's thread */
    struct records *out;    /* to it */
    uint32_t last_fetch;    /* the feed's thread's own */

    uint32_t stop __attribute__((aligned(64)));
    pthread_t thread;
    struct plan_recovery plan;
    struct recoverer_counters *counters;
    struct sockaddr_in server;
    int socket; /* for requests; -1: the plan names no server */
    bool was_full;
    bool has_asked;
    uint8_t session[10]; /* last asked for */
    uint64_t last_wish_ns;
    struct snapshot snapshot;
    uint8_t packet[65536];
};

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* --- the feed's thread --- */

static bool put_wish(struct recoverer *recoverer, const struct wish *wish) {
    uint8_t *to = records_reserve(recoverer->wishes, sizeof *wish);
    if (!to)
        return false;
    memcpy(to, wish, sizeof *wish);
    records_commit(recoverer->wishes);
    return true;
}

bool recoverer_ask(struct recoverer *recoverer, const uint8_t session[10], uint64_t first, uint32_t count) {
    struct wish wish = {.kind = WISH_PACKETS, .count = count, .first = first};
    memcpy(wish.session, session, sizeof wish.session);
    return put_wish(recoverer, &wish);
}

uint32_t recoverer_fetch(struct recoverer *recoverer) {
    uint32_t fetch = recoverer->last_fetch + 1;
    if (!fetch)
        fetch = 1;
    struct wish wish = {.kind = WISH_SNAPSHOT, .count = fetch};
    if (!put_wish(recoverer, &wish))
        return 0;
    recoverer->last_fetch = fetch;
    return fetch;
}

const struct recoverer_record *recoverer_peek(struct recoverer *recoverer) {
    uint32_t bytes;
    return (const struct recoverer_record *)records_peek(recoverer->out, &bytes);
}

void recoverer_release(struct recoverer *recoverer) {
    records_release(recoverer->out);
}

/* --- our own thread --- */

static void send_request(struct recoverer *recoverer, const struct wish *wish) {
    uint8_t request[MOLD64_HEADER_BYTES];
    uint64_t first = __builtin_bswap64(wish->first);
    uint16_t count =
        __builtin_bswap16(wish->count < LONGEST_REQUEST ? (uint16_t)wish->count : (uint16_t)LONGEST_REQUEST);
    memcpy(request, wish->session, sizeof wish->session);
    memcpy(request + 10, &first, sizeof first);
    memcpy(request + 18, &count, sizeof count);
    memcpy(recoverer->session, wish->session, sizeof recoverer->session);
    recoverer->has_asked = true;
    bool sent = recoverer->socket >= 0 &&
                sendto(recoverer->socket, request, sizeof request, MSG_NOSIGNAL,
                       (struct sockaddr *)&recoverer->server, sizeof recoverer->server) == sizeof request;
    histogram_grow(sent ? &recoverer->counters->requests : &recoverer->counters->send_failures, 1);
}

static void take_wishes(struct recoverer *recoverer, uint64_t now) {
    const uint8_t *record;
    uint32_t bytes;
    while ((record = records_peek(recoverer->wishes, &bytes))) {
        const struct wish *wish = (const struct wish *)record;
        if (wish->kind == WISH_SNAPSHOT)
            snapshot_begin(&recoverer->snapshot, wish->count, now);
        else
            send_request(recoverer, wish);
        records_release(recoverer->wishes);
        recoverer->last_wish_ns = now;
    }
}

/* Nothing is read from a socket before there is room for all that may come of it: what the feed's thread has
 * no time for waits in the kernel, and this thread never does. */
static bool has_room(struct recoverer *recoverer) {
    bool full = !records_reserve(recoverer->out, SNAPSHOT_STEP_BYTES);
    if (full && !recoverer->was_full)
        histogram_grow(&recoverer->counters->waits_for_room, 1);
    recoverer->was_full = full;
    return !full;
}

/* What stands in the packet is for mold64 to judge; here it is only who sent it, and for which session. */
static bool is_ours(const struct recoverer *recoverer, const struct sockaddr_in *from, ssize_t bytes) {
    return from->sin_addr.s_addr == recoverer->server.sin_addr.s_addr &&
           from->sin_port == recoverer->server.sin_port && bytes >= MOLD64_HEADER_BYTES &&
           recoverer->has_asked && !memcmp(recoverer->packet, recoverer->session, sizeof recoverer->session);
}

static void read_replies(struct recoverer *recoverer) {
    for (int taken = 0; taken < REPLIES_AT_A_TIME && has_room(recoverer); taken++) {
        struct sockaddr_in from = {0};
        socklen_t size = sizeof from;
        ssize_t bytes = recvfrom(recoverer->socket, recoverer->packet, sizeof recoverer->packet, 0,
                                 (struct sockaddr *)&from, &size);
        if (bytes < 0)
            return;
        if (is_ours(recoverer, &from, bytes)) {
            struct recoverer_record header = {.kind = RECOVERER_PACKET, .length = (uint32_t)bytes};
            recoverer_put(recoverer->out, &header, recoverer->packet);
            histogram_grow(&recoverer->counters->replies, 1);
        } else {
            histogram_grow(&recoverer->counters->strange_replies, 1);
        }
    }
}

static void *run(void *argument) {
    struct recoverer *recoverer = argument;
    struct snapshot *snapshot = &recoverer->snapshot;
    while (!__atomic_load_n(&recoverer->stop, __ATOMIC_RELAXED)) {
        uint64_t now = now_ns();
        take_wishes(recoverer, now);
        bool quiet = snapshot->state == SNAPSHOT_IDLE && now - recoverer->last_wish_ns > QUIET_AFTER_NS;
        bool room = has_room(recoverer);
        struct pollfd watched[2] = {
            {.fd = room ? recoverer->socket : -1, .events = POLLIN},
            {.fd = room ? snapshot->socket : -1, .events = snapshot_events(snapshot)},
        };
        struct timespec patience = {.tv_nsec = snapshot->state == SNAPSHOT_WANTED && room ? 0
                                               : quiet                                    ? LOOK_WHEN_QUIET_NS
                                                                                          : LOOK_NS};
        ppoll(watched, 2, &patience, NULL);
        if (watched[0].revents)
            read_replies(recoverer);
        snapshot_step(snapshot, watched[1].revents, has_room(recoverer), now_ns());
    }
    return NULL;
}

/* --- opening and closing --- */

static int open_socket(struct recoverer *recoverer) {
    const int bytes = RECEIVE_BUFFER_BYTES;
    recoverer->socket = -1;
    if (!recoverer->plan.request_ip)
        return 0;
    recoverer->server = recoverer_address(recoverer->plan.request_ip, recoverer->plan.request_port);
    recoverer->socket = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    /* As much as the system allows: the replies to a request come at once. */
    if (recoverer->socket >= 0)
        setsockopt(recoverer->socket, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    return recoverer->socket < 0 ? -1 : 0;
}

/* With all signals blocked: they are for the program, not for this thread. Returns an error number. */
static int start_thread(struct recoverer *recoverer, int core) {
    pthread_attr_t attributes;
    sigset_t all;
    sigset_t before;
    cpu_set_t cores;
    CPU_ZERO(&cores);
    if (core >= CPU_SETSIZE)
        return EINVAL;
    int reason = pthread_attr_init(&attributes);
    if (reason)
        return reason;
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    if (core >= 0) {
        CPU_SET(core, &cores);
        reason = pthread_attr_setaffinity_np(&attributes, sizeof cores, &cores);
    }
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    if (!reason)
        reason = pthread_create(&recoverer->thread, &attributes, run, recoverer);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (!reason)
        pthread_setname_np(recoverer->thread, "recoverer");
    return reason;
}

static void give_back(struct recoverer *recoverer) {
    snapshot_close(&recoverer->snapshot);
    if (recoverer->socket >= 0)
        close(recoverer->socket);
    records_close(recoverer->wishes);
    records_close(recoverer->out);
    free(recoverer);
}

struct recoverer *recoverer_open(const struct plan_recovery *plan, int core,
                                 struct recoverer_counters *counters, char *error) {
    struct recoverer *recoverer = aligned_alloc(64, sizeof *recoverer);
    if (!recoverer) {
        snprintf(error, PORT_ERROR_BYTES, "no memory for the recoverer");
        return NULL;
    }
    memset(recoverer, 0, sizeof *recoverer);
    recoverer->plan = *plan;
    recoverer->counters = counters;
    recoverer->wishes = records_open(WISHES_BYTES);
    recoverer->out = records_open(RECORDS_BYTES);
    recoverer->last_wish_ns = now_ns();
    snapshot_open(&recoverer->snapshot, &recoverer->plan, counters, recoverer->out);
    int reason;
    if (open_socket(recoverer) < 0) {
        snprintf(error, PORT_ERROR_BYTES, "recoverer: cannot open a UDP socket for requests: %s",
                 strerror(errno));
    } else if (!recoverer->wishes || !recoverer->out) {
        snprintf(error, PORT_ERROR_BYTES, "no memory for the recoverer's rings");
    } else if ((reason = start_thread(recoverer, core))) {
        snprintf(error, PORT_ERROR_BYTES, "recoverer: cannot start its thread on core %d: %s", core,
                 reason == EINVAL
                     ? "there is no such core, or it is not ours to use: choose another cold core"
                     : strerror(reason));
    } else {
        return recoverer;
    }
    give_back(recoverer);
    return NULL;
}

void recoverer_close(struct recoverer *recoverer) {
    if (!recoverer)
        return;
    __atomic_store_n(&recoverer->stop, 1, __ATOMIC_RELAXED);
    pthread_join(recoverer->thread, NULL);
    give_back(recoverer);
}
