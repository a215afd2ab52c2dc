/* A fetch under a clock that the test turns: the silence of a server, and a server that is gone while nothing
 * is read. No thread; the server is a socket at the other end of loopback. */
#include "check.h"
#include "ring/records.h"
#include "stage/recoverer.h"
#include "stage/snapshot.h"

#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RING_BYTES = 1 << 20 };

static const uint64_t SECOND_NS = 1000000000;

struct scene {
    struct plan_recovery plan;
    struct recoverer_counters counters;
    struct records *ring;
    struct snapshot snapshot;
    int listener;
    int server; /* the server's end of the connection */
    uint64_t now_ns;
};

static void step(struct scene *scene, bool room) {
    struct pollfd watched = {.fd = scene->snapshot.socket, .events = snapshot_events(&scene->snapshot)};
    bool ready = room && scene->snapshot.socket >= 0 && poll(&watched, 1, 0) > 0;
    snapshot_step(&scene->snapshot, ready, room, scene->now_ns);
}

/* Steps without the clock until the record comes; false = another one came. */
static bool comes(struct scene *scene, enum recoverer_kind kind, const char *text) {
    uint64_t patience = check_patience();
    const struct recoverer_record *record;
    uint32_t bytes;
    while (!(record = (const struct recoverer_record *)records_peek(scene->ring, &bytes))) {
        CHECK(check_now_ns() < patience);
        step(scene, true);
    }
    bool right = record->kind == kind && memmem(record->data, record->length, text, strlen(text));
    if (!right)
        fprintf(stderr, "kind %u: %.*s\n", record->kind, (int)record->length, (const char *)record->data);
    records_release(scene->ring);
    return right;
}

/* Up to the accepted login. */
static void log_in(struct scene *scene) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    memset(scene, 0, sizeof *scene);
    scene->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(bind(scene->listener, (struct sockaddr *)&at, size) == 0 && listen(scene->listener, 1) == 0);
    CHECK(getsockname(scene->listener, (struct sockaddr *)&at, &size) == 0);
    scene->plan = (struct plan_recovery){
        .snapshot_ip = INADDR_LOOPBACK, .snapshot_port = ntohs(at.sin_port), .snapshot_timeout_ms = 3600000};
    scene->ring = records_open(RING_BYTES);
    scene->now_ns = SECOND_NS;
    CHECK(scene->ring);
    snapshot_open(&scene->snapshot, &scene->plan, &scene->counters, scene->ring);
    snapshot_begin(&scene->snapshot, 1, scene->now_ns);
    step(scene, true);
    scene->server = accept4(scene->listener, NULL, NULL, SOCK_CLOEXEC);
    CHECK(scene->server >= 0);
    const char accepted[] = "\0\37A   GLIMPSE                   1";
    CHECK(send(scene->server, accepted, sizeof accepted - 1, 0) == sizeof accepted - 1);
    CHECK(comes(scene, RECOVERER_SNAPSHOT_BEGIN, "GLIMPSE"));
}

static void leave(struct scene *scene) {
    snapshot_close(&scene->snapshot);
    records_close(scene->ring);
    close(scene->server);
    close(scene->listener);
}

static void the_silence_of_a_server_ends_the_fetch_after_15_seconds(void) {
    static struct scene scene;
    log_in(&scene);
    scene.now_ns += 15 * SECOND_NS;
    step(&scene, true);
    CHECK(scene.snapshot.state == SNAPSHOT_OPEN);
    scene.now_ns += 1;
    CHECK(comes(&scene, RECOVERER_SNAPSHOT_FAILED, "said nothing for 15 s"));
    CHECK(scene.counters.timeouts == 1);
    leave(&scene);
}

static void a_heartbeat_of_the_server_breaks_its_silence(void) {
    static struct scene scene;
    log_in(&scene);
    for (int i = 0; i < 5; i++) {
        scene.now_ns += 14 * SECOND_NS;
        CHECK(send(scene.server, "\0\1H", 3, 0) == 3);
        uint64_t patience = check_patience();
        while (scene.snapshot.heard_ns != scene.now_ns) {
            step(&scene, true);
            CHECK(check_now_ns() < patience);
        }
        CHECK(scene.snapshot.state == SNAPSHOT_OPEN);
    }
    leave(&scene);
}

static void while_there_is_no_room_nobody_is_accused_of_silence(void) {
    static struct scene scene;
    log_in(&scene);
    for (int i = 0; i < 60; i++) {
        scene.now_ns += SECOND_NS;
        step(&scene, false);
    }
    step(&scene, true);
    CHECK(scene.snapshot.state == SNAPSHOT_OPEN);
    leave(&scene);
}

/* Heartbeats into a connection that was reset: the signal that comes of it must not end the process. */
static void a_server_gone_while_there_is_no_room_is_noticed_when_there_is(void) {
    static struct scene scene;
    log_in(&scene);
    const struct linger rudely = {.l_onoff = 1};
    setsockopt(scene.server, SOL_SOCKET, SO_LINGER, &rudely, sizeof rudely);
    close(scene.server);
    for (int i = 0; i < 5; i++) {
        scene.now_ns += SECOND_NS;
        step(&scene, false);
    }
    CHECK(comes(&scene, RECOVERER_SNAPSHOT_FAILED, "the connection was cut"));
    CHECK(scene.counters.broken_snapshots == 1);
    scene.server = -1;
    leave(&scene);
}

int main(void) {
    the_silence_of_a_server_ends_the_fetch_after_15_seconds();
    a_heartbeat_of_the_server_breaks_its_silence();
    while_there_is_no_room_nobody_is_accused_of_silence();
    a_server_gone_while_there_is_no_room_is_noticed_when_there_is();
}
