#include "gateway/session.h"

#include "stats/histogram.h"

#include <string.h>

enum { NOT_KNOWN = UINT32_MAX, NAME_BYTES = 10 };

static bool is_blank(const char name[NAME_BYTES]) {
    return memcmp(name, "          ", NAME_BYTES) == 0;
}

void order_session_open(struct order_session *session, const struct gateway_settings *settings,
                        struct gateway_counters *counters) {
    memset(session, 0, offsetof(struct order_session, soup));
    session->settings = *settings;
    session->counters = counters;
    session->unanswered = settings->queries_unanswered;
    session->next_sequence = settings->next_sequence;
    memcpy(session->name, settings->session, NAME_BYTES);
    soup_open(&session->soup);
}

/* --- what is to be sent --- */

/* NULL: no room. What was sent already makes way only when it must. */
static uint8_t *reserve(struct order_session *session, uint32_t bytes) {
    if (session->out_end + bytes > sizeof session->out && session->out_start) {
        memmove(session->out, session->out + session->out_start, session->out_end - session->out_start);
        session->out_end -= session->out_start;
        session->out_start = 0;
    }
    return session->out_end + bytes > sizeof session->out ? NULL : session->out + session->out_end;
}

const uint8_t *order_session_output(const struct order_session *session, uint32_t *bytes) {
    *bytes = session->out_end - session->out_start;
    return session->out + session->out_start;
}

void order_session_sent(struct order_session *session, uint32_t bytes, uint64_t now_cycles) {
    if (!bytes)
        return;
    session->out_start += bytes;
    session->spoke_cycles = now_cycles;
    histogram_grow(&session->counters->tx_bytes, bytes);
    if (session->out_start == session->out_end)
        session->out_start = session->out_end = 0;
}

static void empty_output(struct order_session *session) {
    session->out_start = session->out_end = 0;
}

enum gateway_send order_session_send(struct order_session *session, const struct ouch_templates *templates,
                                     const struct order *order) {
    if (session->state != SESSION_OPEN)
        return SEND_NOT_OPEN;
    if (order->connection != (uint16_t)session->connection) {
        histogram_grow(&session->counters->late, 1);
        return SEND_LATE;
    }
    if (order->action < ORDER_ENTER || order->action > ORDER_MASS_CANCEL ||
        order->instrument >= templates->instruments)
        return SEND_MALFORMED;
    uint8_t *to = reserve(session, OUCH_PACKET_ROOM);
    if (!to) {
        histogram_grow(&session->counters->full, 1);
        return SEND_FULL;
    }
    session->out_end += ouch_encode(templates, order, to);
    histogram_grow(&session->counters->tx_orders[order->action], 1);
    return SEND_QUEUED;
}

/* --- the life of a connection --- */

void order_session_begin(struct order_session *session, uint64_t now_cycles) {
    if (session->state != SESSION_CLOSED)
        return;
    soup_open(&session->soup);
    empty_output(session);
    session->answers = 0;
    session->untold = CUT_NONE;
    session->caught_up = session->is_held = false;
    session->heard_cycles = session->spoke_cycles = session->now_cycles = now_cycles;
    soup_login_again(session->out, session->settings.user, session->settings.password, session->name,
                     session->next_sequence);
    session->out_end = SOUP_LOGIN_BYTES;
    session->state = SESSION_LOGIN;
}

/* Queries that may be answered in the next connection's replay. */
static void count_unanswered(struct order_session *session) {
    if (session->unanswered != NOT_KNOWN && session->settings.asks_account &&
        session->state == SESSION_REPLAY)
        session->unanswered += 1 - session->answers;
}

void order_session_cut(struct order_session *session, enum gateway_cut why) {
    if (!order_session_is_up(session))
        return;
    if (session->state == SESSION_LEAVING && why == CUT_CLOSED)
        why = CUT_LEFT;
    count_unanswered(session);
    bool for_good = why == CUT_ENDED || why == CUT_NOT_AUTHORISED || session->state == SESSION_LEAVING;
    session->state = for_good ? SESSION_OVER : SESSION_CLOSED;
    session->untold = why;
    session->caught_up = session->is_held = false;
    empty_output(session);
    histogram_grow(&session->counters->cuts[why], 1);
}

void order_session_tick(struct order_session *session, uint64_t now_cycles) {
    if (!order_session_is_up(session))
        return;
    if (now_cycles - session->heard_cycles > session->settings.silence_cycles) {
        session->now_cycles = now_cycles;
        order_session_cut(session, CUT_SILENT);
        return;
    }
    if (session->out_start != session->out_end ||
        now_cycles - session->spoke_cycles < session->settings.second_cycles)
        return;
    soup_heartbeat(session->out);
    session->out_end = SOUP_HEARTBEAT_BYTES;
    session->spoke_cycles = now_cycles;
    histogram_grow(&session->counters->tx_heartbeats, 1);
}

void order_session_leave(struct order_session *session) {
    if (!order_session_is_up(session)) {
        session->state = SESSION_OVER;
        return;
    }
    uint8_t *to = reserve(session, SOUP_LOGOUT_BYTES);
    if (session->state == SESSION_LEAVING || !to)
        return;
    soup_logout(to);
    session->out_end += SOUP_LOGOUT_BYTES;
    count_unanswered(session);
    session->state = SESSION_LEAVING;
}

/* --- what arrives --- */

uint8_t *order_session_room(struct order_session *session, uint32_t *bytes) {
    return soup_room(&session->soup, bytes);
}

void order_session_arrived(struct order_session *session, uint32_t bytes, uint64_t now_cycles) {
    session->now_cycles = session->heard_cycles = now_cycles;
    histogram_grow(&session->counters->rx_bytes, bytes);
    soup_arrived(&session->soup, bytes);
}

static bool tell(struct order_session *session, struct execution *execution, enum execution_kind kind) {
    *execution = (struct execution){.kind = kind, .rx_cycles = session->now_cycles};
    return true;
}

static bool tell_cut(struct order_session *session, struct execution *execution) {
    enum gateway_cut why = session->untold;
    session->untold = CUT_NONE;
    tell(session, execution, why == CUT_ENDED ? EXECUTION_ENDED : EXECUTION_DISCONNECTED);
    execution->reason = why;
    return true;
}

static bool tell_caught_up(struct order_session *session, struct execution *execution) {
    session->caught_up = false;
    session->unanswered = 0;
    if (session->state == SESSION_REPLAY)
        session->state = SESSION_OPEN;
    histogram_grow(&session->counters->caught_up, 1);
    tell(session, execution, EXECUTION_CAUGHT_UP);
    execution->connection = session->connection;
    return true;
}

/* The spaces around a name are written in more ways than one. */
static bool is_same_name(const char one[NAME_BYTES], const char other[NAME_BYTES]) {
    int at = 0;
    int against = 0;
    while (at < NAME_BYTES && one[at] == ' ')
        at++;
    while (against < NAME_BYTES && other[against] == ' ')
        against++;
    while (at < NAME_BYTES && against < NAME_BYTES && one[at] == other[against])
        at++, against++;
    while (at < NAME_BYTES && one[at] == ' ')
        at++;
    while (against < NAME_BYTES && other[against] == ' ')
        against++;
    return at == NAME_BYTES && against == NAME_BYTES;
}

static bool take_login(struct order_session *session, struct execution *execution) {
    const struct soup *soup = &session->soup;
    if (!is_blank(session->name) && !is_same_name(session->name, soup->session)) {
        order_session_cut(session, CUT_ANOTHER_SESSION);
        return tell_cut(session, execution);
    }
    if (soup->next_sequence > session->next_sequence) {
        order_session_cut(session, CUT_MISSED);
        return tell_cut(session, execution);
    }
    memcpy(session->name, soup->session, NAME_BYTES);
    session->connection++;
    session->state = SESSION_REPLAY;
    histogram_grow(&session->counters->logins, 1);
    if (session->settings.asks_account) {
        ouch_account_query(reserve(session, OUCH_QUERY_BYTES)); /* behind a login there is room */
        session->out_end += OUCH_QUERY_BYTES;
    }
    tell(session, execution, EXECUTION_CONNECTED);
    execution->sequence = soup->next_sequence;
    execution->connection = session->connection;
    return true;
}

/* False: it had been seen. */
static bool take_message(struct order_session *session, const struct soup_message *message,
                         struct execution *execution) {
    uint64_t sequence = session->soup.next_sequence - 1;
    if (sequence < session->next_sequence) {
        histogram_grow(&session->counters->repeats, 1);
        return false;
    }
    session->next_sequence = sequence + 1;
    enum ouch_verdict verdict = ouch_decode(message->data, message->length, execution);
    execution->sequence = sequence;
    execution->rx_cycles = session->now_cycles;
    if (verdict != OUCH_TAKEN) {
        execution->reason = verdict;
        histogram_grow(&session->counters->unreadable[verdict], 1);
        return true;
    }
    histogram_grow(&session->counters->rx_messages[execution->kind & 255], 1);
    if (execution->kind == EXECUTION_ACCOUNT && session->state == SESSION_REPLAY) {
        session->answers++;
        session->caught_up = session->unanswered != NOT_KNOWN && session->answers > session->unanswered;
    }
    return true;
}

/* A heartbeat of the venue has passed: it had nothing to say for a second. */
static bool ends_replay(const struct order_session *session) {
    return session->state == SESSION_REPLAY && (session->answers || !session->settings.asks_account);
}

/* False: it was nothing to tell of. */
static bool take_event(struct order_session *session, enum soup_event event,
                       const struct soup_message *message, struct execution *execution) {
    switch (event) {
    case SOUP_ACCEPTED:
        return take_login(session, execution);
    case SOUP_MESSAGE:
        return take_message(session, message, execution);
    case SOUP_REFUSED:
        order_session_cut(session, session->soup.reason == 'S' ? CUT_NO_SUCH_SESSION : CUT_NOT_AUTHORISED);
        break;
    case SOUP_ENDED:
        order_session_cut(session, CUT_ENDED);
        break;
    default:
        order_session_cut(session, CUT_PROTOCOL);
    }
    return tell_cut(session, execution);
}

static enum soup_event next_event(struct order_session *session, struct soup_message *message) {
    if (session->is_held) {
        session->is_held = false;
        *message = session->held_message;
        return session->held;
    }
    uint64_t heartbeats = session->soup.heartbeats;
    bool was_open = session->soup.state == SOUP_OPEN;
    enum soup_event event = soup_next(&session->soup, message);
    heartbeats = session->soup.heartbeats - heartbeats;
    histogram_grow(&session->counters->rx_heartbeats, heartbeats);
    if (heartbeats && was_open && ends_replay(session)) {
        session->caught_up = session->is_held = true;
        session->held = event;
        session->held_message = *message;
    }
    return event;
}

bool order_session_next(struct order_session *session, struct execution *execution) {
    if (session->untold)
        return tell_cut(session, execution);
    while (order_session_is_up(session)) {
        struct soup_message message = {0};
        if (session->caught_up)
            return tell_caught_up(session, execution);
        enum soup_event event = next_event(session, &message);
        if (session->caught_up) /* before what came behind the heartbeat */
            continue;
        if (event == SOUP_MORE)
            return false;
        if (take_event(session, event, &message, execution))
            return true;
    }
    return false;
}

const char *order_session_state_name(enum order_session_state state) {
    static const char *const names[] = {"closed", "login", "replay", "open", "leaving", "over"};
    return (unsigned)state < sizeof names / sizeof *names ? names[state] : NULL;
}
