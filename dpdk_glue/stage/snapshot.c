#include "stage/snapshot.h"

#include "stage/recoverer.h"
#include "stage/recoverer_record.h"
#include "stats/histogram.h"
#include "wire/itch.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_BYTES = 16384, TEXT_WHERE_BYTES = 64, FIRST_MESSAGE = 1 };

_Static_assert((int)READ_BYTES + 2 + UINT16_MAX + SNAPSHOT_TEXT_BYTES + 16 * 1024 < (int)SNAPSHOT_STEP_BYTES,
               "what one step can write, with the headers of its records");

static const uint64_t SECOND_NS = 1000000000;

void snapshot_open(struct snapshot *snapshot, const struct plan_recovery *plan,
                   struct recoverer_counters *counters, struct records *out) {
    snapshot->plan = plan;
    snapshot->counters = counters;
    snapshot->out = out;
    snapshot->state = SNAPSHOT_IDLE;
    snapshot->socket = -1;
    snapshot->fetch = 0;
}

static void hang_up(struct snapshot *snapshot) {
    if (snapshot->socket >= 0)
        close(snapshot->socket);
    snapshot->socket = -1;
    snapshot->state = SNAPSHOT_IDLE;
}

void snapshot_close(struct snapshot *snapshot) {
    hang_up(snapshot);
}

void snapshot_begin(struct snapshot *snapshot, uint32_t fetch, uint64_t now_ns) {
    hang_up(snapshot);
    snapshot->fetch = fetch;
    snapshot->messages = 0;
    snapshot->run_bytes = 0;
    snapshot->end_ns = now_ns + (uint64_t)snapshot->plan->snapshot_timeout_ms * 1000000;
    snapshot->state = SNAPSHOT_WANTED;
}

short snapshot_events(const struct snapshot *snapshot) {
    return snapshot->state == SNAPSHOT_CONNECTING ? POLLOUT : POLLIN;
}

static void put(struct snapshot *snapshot, enum recoverer_kind kind, uint64_t sequence, const void *data,
                uint32_t length) {
    struct recoverer_record header = {
        .kind = kind, .length = length, .sequence = sequence, .fetch = snapshot->fetch};
    recoverer_put(snapshot->out, &header, data);
}

/* Ends the fetch, with what happened as text and one more on its counter. */
static void __attribute__((format(printf, 3, 4)))
fail(struct snapshot *snapshot, uint64_t *counter, const char *format, ...) {
    char text[SNAPSHOT_TEXT_BYTES] = {0};
    uint32_t ip = snapshot->plan->snapshot_ip;
    int length = snprintf(text, TEXT_WHERE_BYTES, "snapshot server %u.%u.%u.%u:%u: ", ip >> 24,
                          ip >> 16 & 255, ip >> 8 & 255, ip & 255, snapshot->plan->snapshot_port);
    va_list words;
    va_start(words, format);
    vsnprintf(text + length, sizeof text - (size_t)length, format, words);
    va_end(words);
    hang_up(snapshot);
    histogram_grow(counter, 1);
    put(snapshot, RECOVERER_SNAPSHOT_FAILED, 0, text, (uint32_t)strlen(text));
    /* For the operator, once: the same may come again every second for hours. */
    if (snapshot->said != format)
        fprintf(stderr, "dataplane: %s\n", text);
    snapshot->said = format;
}

static void fail_to_connect(struct snapshot *snapshot, int reason) {
    fail(snapshot, &snapshot->counters->connect_failures,
         "cannot connect (%s): check its address, and that it runs and can be reached from here",
         strerror(reason));
}

static void connect_to_server(struct snapshot *snapshot) {
    struct sockaddr_in server = recoverer_address(snapshot->plan->snapshot_ip, snapshot->plan->snapshot_port);
    soup_open(&snapshot->soup);
    if (!snapshot->plan->snapshot_ip) {
        fail(snapshot, &snapshot->counters->connect_failures,
             "there is none in the plan: name one, or what is missing stays missing");
        return;
    }
    snapshot->socket = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (snapshot->socket < 0 ||
        (connect(snapshot->socket, (struct sockaddr *)&server, sizeof server) && errno != EINPROGRESS))
        fail_to_connect(snapshot, errno);
    else
        snapshot->state = SNAPSHOT_CONNECTING;
}

/* False if the server does not take it all at once: these packets are a few bytes on a connection that
 * carries nothing else our way. */
static bool say(struct snapshot *snapshot, const uint8_t *packet, uint32_t bytes, uint64_t now_ns) {
    snapshot->spoke_ns = now_ns;
    return send(snapshot->socket, packet, bytes, MSG_NOSIGNAL) == (ssize_t)bytes;
}

static void log_in(struct snapshot *snapshot, uint64_t now_ns) {
    uint8_t login[SOUP_LOGIN_BYTES];
    int reason = 0;
    socklen_t size = sizeof reason;
    getsockopt(snapshot->socket, SOL_SOCKET, SO_ERROR, &reason, &size);
    if (reason) {
        fail_to_connect(snapshot, reason);
        return;
    }
    histogram_grow(&snapshot->counters->connections, 1);
    soup_login(login, snapshot->plan->user, snapshot->plan->password, FIRST_MESSAGE);
    if (say(snapshot, login, sizeof login, now_ns)) {
        snapshot->state = SNAPSHOT_OPEN;
        snapshot->heard_ns = now_ns;
    } else {
        fail_to_connect(snapshot, errno);
    }
}

static void hand_on_run(struct snapshot *snapshot) {
    if (snapshot->run_bytes)
        put(snapshot, RECOVERER_SNAPSHOT_RUN, 0, snapshot->run, snapshot->run_bytes);
    snapshot->run_bytes = 0;
}

/* The end is written after the last run, and the server told that we leave. */
static void finish(struct snapshot *snapshot, const struct soup_message *message, uint64_t now_ns) {
    uint8_t logout[SOUP_LOGOUT_BYTES];
    uint64_t sequence;
    if (!glimpse_end(message->data, message->length, &sequence)) {
        fail(snapshot, &snapshot->counters->broken_snapshots,
             "the message that ends the snapshot is malformed (%u bytes, number '%.*s'): is it a GLIMPSE 5.0 "
             "server?",
             message->length, message->length == GLIMPSE_END_BYTES ? GLIMPSE_END_BYTES - 1 : 0,
             (const char *)message->data + 1);
        return;
    }
    hand_on_run(snapshot);
    put(snapshot, RECOVERER_SNAPSHOT_END, sequence, "", 0);
    soup_logout(logout);
    say(snapshot, logout, sizeof logout, now_ns);
    /* A socket closed on unread bytes would reset the connection, and the logout might never be read. */
    shutdown(snapshot->socket, SHUT_WR);
    snapshot->state = SNAPSHOT_LEAVING;
    snapshot->end_ns = now_ns + SECOND_NS;
}

static void take_message(struct snapshot *snapshot, const struct soup_message *message, uint64_t now_ns) {
    uint8_t type = message->length ? message->data[0] : 0;
    if (type == GLIMPSE_END_TYPE) {
        finish(snapshot, message, now_ns);
        return;
    }
    snapshot->messages++;
    /* The books would count a message of a type that they do not know, and go on. */
    if (!message->length || (itch_shapes[type].length && itch_shapes[type].length != message->length)) {
        fail(snapshot, &snapshot->counters->broken_snapshots,
             "message %llu of the snapshot has type '%c' and %u bytes instead of %u: is it a GLIMPSE 5.0 "
             "server?",
             (unsigned long long)snapshot->messages, type >= ' ' && type <= '~' ? type : '?', message->length,
             itch_shapes[type].length);
        return;
    }
    histogram_grow(&snapshot->counters->snapshot_messages, 1);
    histogram_grow(&snapshot->counters->snapshot_bytes, message->length);
    if (snapshot->run_bytes + 2 + message->length > SNAPSHOT_RUN_BYTES)
        hand_on_run(snapshot);
    uint8_t *at = snapshot->run + snapshot->run_bytes;
    at[0] = (uint8_t)(message->length >> 8);
    at[1] = (uint8_t)message->length;
    memcpy(at + 2, message->data, message->length);
    snapshot->run_bytes += 2 + message->length;
}

static void fail_refused(struct snapshot *snapshot) {
    char reason = snapshot->soup.reason;
    fail(snapshot, &snapshot->counters->logins_refused, "refused the login of '%.*s' (%c: %s)",
         (int)strnlen(snapshot->plan->user, sizeof snapshot->plan->user), snapshot->plan->user,
         reason >= ' ' && reason <= '~' ? reason : '?',
         reason == 'A'   ? "not authorised; check user and password"
         : reason == 'S' ? "it has no session; try again when it has, or check its address"
                         : "a reason that the protocol does not know");
}

static void begin(struct snapshot *snapshot) {
    const struct soup *soup = &snapshot->soup;
    if (soup->next_sequence == FIRST_MESSAGE)
        put(snapshot, RECOVERER_SNAPSHOT_BEGIN, 0, soup->session, sizeof soup->session);
    else
        fail(snapshot, &snapshot->counters->broken_snapshots,
             "it starts with message %llu, and was asked for all from message %d on: is it a GLIMPSE server?",
             (unsigned long long)soup->next_sequence, FIRST_MESSAGE);
}

static void take_event(struct snapshot *snapshot, enum soup_event event, const struct soup_message *message,
                       uint64_t now_ns) {
    switch (event) {
    case SOUP_ACCEPTED:
        begin(snapshot);
        break;
    case SOUP_MESSAGE:
        take_message(snapshot, message, now_ns);
        break;
    case SOUP_REFUSED:
        fail_refused(snapshot);
        break;
    case SOUP_ENDED:
        fail(snapshot, &snapshot->counters->broken_snapshots,
             "ended its session after %llu messages, before the end of the snapshot: try again",
             (unsigned long long)snapshot->messages);
        break;
    default:
        fail(snapshot, &snapshot->counters->broken_snapshots,
             "broke the SoupBinTCP protocol (%s): check that its address is that of a GLIMPSE server",
             snapshot->soup.broken);
        break;
    }
}

static void fail_cut(struct snapshot *snapshot, ssize_t got) {
    const char *how = got ? strerror(errno) : "it hung up";
    if (snapshot->soup.state == SOUP_NEW)
        fail(snapshot, &snapshot->counters->broken_snapshots,
             "the connection was cut (%s) before it answered the login: is it a GLIMPSE server?", how);
    else
        fail(snapshot, &snapshot->counters->broken_snapshots,
             "the connection was cut (%s) after %llu messages, before the end of the snapshot: try again",
             how, (unsigned long long)snapshot->messages);
}

static void read_on(struct snapshot *snapshot, uint64_t now_ns) {
    struct soup_message message;
    enum soup_event event;
    uint32_t bytes;
    uint8_t *to = soup_room(&snapshot->soup, &bytes);
    ssize_t got = recv(snapshot->socket, to, bytes < READ_BYTES ? bytes : READ_BYTES, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        fail_cut(snapshot, got);
        return;
    }
    snapshot->heard_ns = now_ns;
    soup_arrived(&snapshot->soup, (uint32_t)got);
    while (snapshot->state == SNAPSHOT_OPEN && (event = soup_next(&snapshot->soup, &message)) != SOUP_MORE)
        take_event(snapshot, event, &message, now_ns);
    if (snapshot->state == SNAPSHOT_OPEN)
        hand_on_run(snapshot);
}

/* Reads what nobody wants any more, until the server hangs up too. */
static void leave(struct snapshot *snapshot, bool ready, uint64_t now_ns) {
    ssize_t got = ready ? recv(snapshot->socket, snapshot->run, READ_BYTES, 0) : 1;
    if (now_ns > snapshot->end_ns || !got || (got < 0 && errno != EAGAIN && errno != EINTR))
        hang_up(snapshot);
}

static void heed_time(struct snapshot *snapshot, uint64_t now_ns) {
    if (snapshot->state == SNAPSHOT_OPEN && now_ns - snapshot->heard_ns > SNAPSHOT_SILENCE_S * SECOND_NS)
        fail(snapshot, &snapshot->counters->timeouts,
             "said nothing for %d s, not even a heartbeat, after %llu messages: check the server and the way "
             "to it",
             SNAPSHOT_SILENCE_S, (unsigned long long)snapshot->messages);
    else if (now_ns > snapshot->end_ns)
        fail(snapshot, &snapshot->counters->timeouts,
             "%s after %u ms: check the server and the way to it, or allow a snapshot more time",
             snapshot->state == SNAPSHOT_CONNECTING ? "no connection"
             : snapshot->soup.state == SOUP_NEW     ? "the login was not answered"
                                                    : "the snapshot was not whole",
             snapshot->plan->snapshot_timeout_ms);
}

static void send_heartbeat(struct snapshot *snapshot, uint64_t now_ns) {
    uint8_t heartbeat[SOUP_HEARTBEAT_BYTES];
    soup_heartbeat(heartbeat);
    /* If it cannot be sent, reading will say why. */
    say(snapshot, heartbeat, sizeof heartbeat, now_ns);
}

void snapshot_step(struct snapshot *snapshot, bool ready, bool room, uint64_t now_ns) {
    if (snapshot->state == SNAPSHOT_OPEN && now_ns - snapshot->spoke_ns >= SECOND_NS)
        send_heartbeat(snapshot, now_ns);
    if (!room) {
        snapshot->heard_ns = now_ns; /* it is we who do not listen */
        return;
    }
    switch (snapshot->state) {
    case SNAPSHOT_WANTED:
        connect_to_server(snapshot);
        break;
    case SNAPSHOT_CONNECTING:
        if (ready)
            log_in(snapshot, now_ns);
        break;
    case SNAPSHOT_OPEN:
        if (ready)
            read_on(snapshot, now_ns);
        break;
    case SNAPSHOT_LEAVING:
        leave(snapshot, ready, now_ns);
        return;
    case SNAPSHOT_IDLE:
        return;
    }
    if (snapshot->state == SNAPSHOT_CONNECTING || snapshot->state == SNAPSHOT_OPEN)
        heed_time(snapshot, now_ns);
}
