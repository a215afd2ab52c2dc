#include "gateway/link.h"

#include "stats/histogram.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_BYTES = 65536 };

void order_link_open(struct order_link *link, const struct gateway_settings *settings,
                     struct gateway_counters *counters) {
    link->state = LINK_WAITING;
    link->socket = -1;
    link->reason = 0;
    link->call_cycles = link->gave_up_cycles = 0;
    link->wait_cycles = settings->retry_cycles;
    order_session_open(&link->session, settings, counters);
}

static void count_call(const struct order_link *link) {
    histogram_grow(&link->session.counters->syscalls, 1);
}

static void hang_up(struct order_link *link) {
    if (link->socket >= 0) {
        count_call(link);
        close(link->socket);
    }
    link->socket = -1;
}

void order_link_close(struct order_link *link) {
    hang_up(link);
    link->state = LINK_OVER;
}

static void wait_to_call(struct order_link *link, uint64_t now_cycles) {
    const struct gateway_settings *settings = &link->session.settings;
    hang_up(link);
    link->state = LINK_WAITING;
    link->call_cycles = now_cycles + link->wait_cycles;
    link->wait_cycles *= 2;
    if (link->wait_cycles > settings->retry_limit_cycles)
        link->wait_cycles = settings->retry_limit_cycles;
}

/* --- connecting --- */

static void set_option(const struct order_link *link, int level, int option, int value, uint64_t *refused) {
    count_call(link);
    if (setsockopt(link->socket, level, option, &value, sizeof value) && refused)
        histogram_grow(refused, 1);
}

static void fail_to_connect(struct order_link *link, int reason, uint64_t now_cycles) {
    link->reason = reason;
    histogram_grow(&link->session.counters->cuts[CUT_NO_CONNECTION], 1);
    wait_to_call(link, now_cycles);
}

static void call(struct order_link *link, uint64_t now_cycles) {
    const struct gateway_settings *settings = &link->session.settings;
    struct sockaddr_in venue = {
        .sin_family = AF_INET, .sin_port = htons(settings->port), .sin_addr.s_addr = htonl(settings->ip)};
    count_call(link);
    link->socket = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (link->socket < 0) {
        fail_to_connect(link, errno, now_cycles);
        return;
    }
    set_option(link, IPPROTO_TCP, TCP_NODELAY, 1, NULL);
    if (settings->busy_poll_us)
        set_option(link, SOL_SOCKET, SO_BUSY_POLL, settings->busy_poll_us,
                   &link->session.counters->busy_poll_refused);
    count_call(link);
    if (connect(link->socket, (struct sockaddr *)&venue, sizeof venue) && errno != EINPROGRESS) {
        fail_to_connect(link, errno, now_cycles);
        return;
    }
    link->gave_up_cycles = now_cycles + settings->silence_cycles;
    link->state = LINK_CONNECTING;
}

static void look_for_connection(struct order_link *link, uint64_t now_cycles) {
    struct pollfd watched = {.fd = link->socket, .events = POLLOUT};
    int reason = 0;
    socklen_t size = sizeof reason;
    count_call(link);
    if (poll(&watched, 1, 0) <= 0) {
        if (now_cycles > link->gave_up_cycles)
            fail_to_connect(link, ETIMEDOUT, now_cycles);
        return;
    }
    count_call(link);
    if (getsockopt(link->socket, SOL_SOCKET, SO_ERROR, &reason, &size) || reason) {
        fail_to_connect(link, reason ? reason : errno, now_cycles);
        return;
    }
    histogram_grow(&link->session.counters->connects, 1);
    link->reason = 0;
    link->state = LINK_UP;
    order_session_begin(&link->session, now_cycles);
}

/* --- carrying --- */

static void cut(struct order_link *link, enum gateway_cut why, int reason) {
    link->reason = reason;
    order_session_cut(&link->session, why);
}

static void send_on(struct order_link *link, uint64_t now_cycles) {
    uint32_t bytes;
    const uint8_t *from = order_session_output(&link->session, &bytes);
    if (!bytes)
        return;
    count_call(link);
    ssize_t sent = send(link->socket, from, bytes, MSG_NOSIGNAL);
    if (sent > 0)
        order_session_sent(&link->session, (uint32_t)sent, now_cycles);
    if (sent >= 0 ? (uint32_t)sent < bytes : errno == EAGAIN)
        histogram_grow(&link->session.counters->would_block, 1);
    /* Of a connection that is no more, what the venue said last may still be there: reading will tell. */
}

/* What is read is whole before the connection's end is heard of. */
static void read_on(struct order_link *link, uint64_t now_cycles) {
    uint32_t bytes;
    uint8_t *to = order_session_room(&link->session, &bytes);
    count_call(link);
    ssize_t got = recv(link->socket, to, bytes < READ_BYTES ? bytes : READ_BYTES, 0);
    if (got > 0)
        order_session_arrived(&link->session, (uint32_t)got, now_cycles);
    else if (!got)
        cut(link, CUT_CLOSED, 0);
    else if (errno != EAGAIN && errno != EINTR)
        cut(link, CUT_ERROR, errno);
}

static void follow_session(struct order_link *link, uint64_t now_cycles) {
    if (link->session.state == SESSION_OVER)
        order_link_close(link);
    else if (link->session.state == SESSION_CLOSED)
        wait_to_call(link, now_cycles);
    else if (link->session.state == SESSION_OPEN)
        link->wait_cycles = link->session.settings.retry_cycles;
}

void order_link_poll(struct order_link *link, uint64_t now_cycles) {
    switch (link->state) {
    case LINK_WAITING:
        if (link->session.state == SESSION_OVER)
            link->state = LINK_OVER;
        else if (now_cycles >= link->call_cycles)
            call(link, now_cycles);
        break;
    case LINK_CONNECTING:
        look_for_connection(link, now_cycles);
        break;
    case LINK_UP:
        follow_session(link, now_cycles);
        if (link->state != LINK_UP)
            break;
        read_on(link, now_cycles);
        order_session_tick(&link->session, now_cycles);
        send_on(link, now_cycles);
        break;
    case LINK_OVER:
        break;
    }
}

bool order_link_next(struct order_link *link, struct execution *execution) {
    return order_session_next(&link->session, execution);
}

enum gateway_send order_link_send(struct order_link *link, const struct ouch_templates *templates,
                                  const struct order *order, uint64_t now_cycles) {
    enum gateway_send verdict = order_session_send(&link->session, templates, order);
    if (verdict == SEND_QUEUED)
        send_on(link, now_cycles);
    return verdict;
}

void order_link_leave(struct order_link *link) {
    order_session_leave(&link->session);
    if (link->state == LINK_CONNECTING)
        order_link_close(link);
}
