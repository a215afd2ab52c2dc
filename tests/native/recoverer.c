/* A feed's thread, a recoverer and two servers in one program: opened, asked, fetched from and closed, over
 * and over. Replies and snapshots come whole; a fetch that is cut off does no harm to the next. */
#include "stage/recoverer.h"
#include "check.h"
#include "port/port.h"
#include "wire/bytes.h"
#include "wire/mold64.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    REQUESTS = 20,
    SNAPSHOT_MESSAGES = 3000,
    DELETE_BYTES = 19,
    LOGIN_BYTES = 49,
    NEXT_SEQUENCE = 4711,
    PACKET_BYTES = 3 + DELETE_BYTES
};

static const uint8_t session[10] = "NATIVE0001";
static uint32_t stop;
static struct recoverer_counters counters; /* of all recoverers, as in a segment */

static int server_socket(int type, uint16_t *port) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    const struct timeval wake = {.tv_usec = 50000};
    int server = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    CHECK(server >= 0 && bind(server, (struct sockaddr *)&at, size) == 0);
    CHECK(getsockname(server, (struct sockaddr *)&at, &size) == 0);
    setsockopt(server, SOL_SOCKET, SO_RCVTIMEO, &wake, sizeof wake);
    *port = ntohs(at.sin_port);
    return server;
}

/* Answers each request with its own header: a packet whose count lies, which the recoverer is to hand on. */
static void *serve_requests(void *argument) {
    int server = *(int *)argument;
    uint8_t packet[64];
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        struct sockaddr_in client;
        socklen_t size = sizeof client;
        ssize_t bytes = recvfrom(server, packet, sizeof packet, 0, (struct sockaddr *)&client, &size);
        if (bytes == MOLD64_HEADER_BYTES)
            sendto(server, packet, (size_t)bytes, 0, (struct sockaddr *)&client, size);
    }
    return NULL;
}

static uint8_t *put_packet(uint8_t *at, char type, const void *payload, uint32_t bytes) {
    at[0] = (uint8_t)((bytes + 1) >> 8);
    at[1] = (uint8_t)(bytes + 1);
    at[2] = (uint8_t)type;
    memcpy(at + 3, payload, bytes);
    return at + 3 + bytes;
}

static void serve_snapshot(int client) {
    static uint8_t stream[64 + SNAPSHOT_MESSAGES * PACKET_BYTES];
    char text[64];
    uint8_t *at = stream;
    snprintf(text, sizeof text, "%10s%20d", "GLIMPSE", 1);
    at = put_packet(at, 'A', text, 30);
    for (uint32_t i = 0; i < SNAPSHOT_MESSAGES; i++) {
        uint8_t message[DELETE_BYTES] = {'D'};
        memcpy(message + 11, &i, sizeof i);
        at = put_packet(at, 'S', message, sizeof message);
    }
    snprintf(text, sizeof text, "G%20d", NEXT_SEQUENCE);
    at = put_packet(at, 'S', text, 21);
    uint8_t login[LOGIN_BYTES];
    if (recv(client, login, sizeof login, MSG_WAITALL) == LOGIN_BYTES &&
        send(client, stream, (size_t)(at - stream), MSG_NOSIGNAL) > 0)
        while (recv(client, login, sizeof login, 0) > 0)
            ;
}

static void *serve_snapshots(void *argument) {
    int server = *(int *)argument;
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        int client = accept4(server, NULL, NULL, SOCK_CLOEXEC);
        if (client < 0)
            continue;
        const struct timeval patience = {.tv_sec = 60};
        setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        serve_snapshot(client);
        close(client);
    }
    return NULL;
}

static const struct recoverer_record *wait_for_record(struct recoverer *recoverer) {
    const struct recoverer_record *record;
    uint64_t patience = check_patience();
    while (!(record = recoverer_peek(recoverer)))
        CHECK(check_now_ns() < patience);
    return record;
}

/* The messages of a run are numbered on from those before. */
static uint32_t check_run(const struct recoverer_record *record, uint32_t next) {
    CHECK(record->length % (2 + DELETE_BYTES) == 0);
    for (uint32_t at = 0; at < record->length; at += 2 + DELETE_BYTES, next++) {
        CHECK(bytes_be16(record->data + at) == DELETE_BYTES);
        CHECK(!memcmp(record->data + at + 2 + 11, &next, sizeof next));
    }
    return next;
}

/* Takes records until all replies and the snapshot have come. */
static void take_all(struct recoverer *recoverer, uint32_t fetch) {
    uint64_t expected = 1;
    uint32_t messages = 0;
    bool whole = false;
    while (!whole || expected <= REQUESTS) {
        const struct recoverer_record *record = wait_for_record(recoverer);
        CHECK(record->kind != RECOVERER_SNAPSHOT_FAILED);
        if (record->kind == RECOVERER_PACKET)
            CHECK(record->length == MOLD64_HEADER_BYTES && bytes_be64(record->data + 10) == expected++);
        if (record->kind == RECOVERER_SNAPSHOT_BEGIN)
            messages = 0;
        if (record->kind == RECOVERER_SNAPSHOT_RUN)
            messages = check_run(record, messages);
        if (record->kind == RECOVERER_SNAPSHOT_END) {
            CHECK(messages == SNAPSHOT_MESSAGES && record->sequence == NEXT_SEQUENCE);
            whole = record->fetch == fetch;
        }
        recoverer_release(recoverer);
    }
}

static void run_once(const struct plan_recovery *plan, uint32_t turn) {
    char error[PORT_ERROR_BYTES];
    struct recoverer *recoverer = recoverer_open(plan, -1, &counters, error);
    CHECK(recoverer);
    uint32_t fetch = 0;
    for (uint32_t i = 0; i <= turn % 3; i++)
        CHECK((fetch = recoverer_fetch(recoverer)));
    for (uint64_t first = 1; first <= REQUESTS; first++)
        CHECK(recoverer_ask(recoverer, session, first, 1));
    if (turn % 4)
        take_all(recoverer, fetch);
    recoverer_close(recoverer); /* every fourth time in the middle of it all */
}

int main(int count, char **words) {
    uint64_t end_ns = check_deadline(count, words);
    struct plan_recovery plan = {.request_ip = INADDR_LOOPBACK,
                                 .snapshot_ip = INADDR_LOOPBACK,
                                 .user = "native",
                                 .password = "secret",
                                 .snapshot_timeout_ms = 60000};
    int requests = server_socket(SOCK_DGRAM, &plan.request_port);
    int snapshots = server_socket(SOCK_STREAM, &plan.snapshot_port);
    CHECK(listen(snapshots, 8) == 0);
    pthread_t threads[] = {check_start(serve_requests, &requests), check_start(serve_snapshots, &snapshots)};
    uint32_t turn = 0;
    while (check_now_ns() < end_ns || turn < 4)
        run_once(&plan, turn++);
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    close(requests);
    close(snapshots);
    printf("opened and closed %u times, %llu replies, %llu messages of snapshots\n", turn,
           (unsigned long long)counters.replies, (unsigned long long)counters.snapshot_messages);
}
