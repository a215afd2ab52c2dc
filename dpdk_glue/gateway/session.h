/* The order session: OUCH over SoupBinTCP, without a socket and without a clock.
 *
 * Bytes of the venue come in, in any cut, and executions go out; orders come in, and bytes for the venue wait
 * in a buffer to be sent. Whoever owns the socket and the clock (gateway/link.h) carries them. Nothing is
 * ever half done: an order's bytes are in the buffer whole, or the order is not taken.
 *
 *     state    what happens                         what follows
 *     closed   a connection stands                  login queued                          -> login
 *     login    accepted                             CONNECTED; account query queued       -> replay
 *              rejected                             DISCONNECTED                          -> closed, or over
 *              accepted behind what we have seen    DISCONNECTED                          -> closed
 *     replay   a sequenced message                  its execution
 *              all is replayed                      CAUGHT_UP                             -> open
 *     open     a sequenced message                  its execution
 *              an order                             bytes queued
 *     leaving  a sequenced message                  its execution
 *     any of these four but closed:
 *              we log out                           logout queued                         -> leaving
 *              end of session                       ENDED                                 -> over
 *              cut, silence, broken protocol        DISCONNECTED                          -> closed, or over
 *                                                                                         if leaving
 *
 * After a cut the login asks for the same session and the message behind the last one seen. Should the venue
 * repeat what was seen, it is counted and passed over: no message is told twice. A message that cannot be
 * read keeps its number and comes out as EXECUTION_NONE, as it might have been a fill.
 *
 * When is all replayed? The login's answer does not say: it has the number of the first message that follows,
 * not of the last. So behind the login goes an Account Query, which the venue answers behind all that it has
 * to say of the past (and with the next user reference, which is wanted anyway). Answers to earlier queries
 * may stand in the replay: those of cut connections that were never seen are counted, and so many answers
 * more are waited for. If that number is not known (after a crash), or those queries never reached the venue,
 * what ends the wait is a heartbeat behind any answer: the venue has had nothing to say for a second. A venue
 * that takes no such query is caught up with its first heartbeat.
 *
 * Heartbeats go out when nothing else did for a second. A venue that says nothing, not even that, for
 * `silence_cycles` is given up.
 */
#ifndef APPLIANCE_GATEWAY_SESSION_H
#define APPLIANCE_GATEWAY_SESSION_H

#include "abi.h"
#include "wire/ouch.h"
#include "wire/soup.h"

#include <stdbool.h>

enum { ORDER_SESSION_OUT_BYTES = 1 << 16 };

enum order_session_state {
    SESSION_CLOSED = 0,
    SESSION_LOGIN = 1,
    SESSION_REPLAY = 2,
    SESSION_OPEN = 3,
    SESSION_LEAVING = 4,
    SESSION_OVER = 5 /* for good */
};

struct order_session {
    enum order_session_state state;
    uint32_t connection;     /* counts logins */
    uint32_t unanswered;     /* queries of earlier connections; UINT32_MAX = not known */
    uint32_t answers;        /* on this connection */
    enum gateway_cut untold; /* why the connection is no more, to be told */
    bool caught_up;          /* to be told */
    bool is_held;
    enum soup_event held; /* what came behind the heartbeat that ended the replay */
    struct soup_message held_message;
    uint64_t next_sequence; /* to be seen */
    uint64_t now_cycles;    /* when something arrived last */
    uint64_t heard_cycles;
    uint64_t spoke_cycles;
    char name[10]; /* blank = none yet */
    struct gateway_settings settings;
    struct gateway_counters *counters;
    uint32_t out_start;
    uint32_t out_end;
    struct soup soup;
    uint8_t out[ORDER_SESSION_OUT_BYTES];
};

/* The counters must outlive it. */
void order_session_open(struct order_session *session, const struct gateway_settings *settings,
                        struct gateway_counters *counters);

/* A connection stands. */
void order_session_begin(struct order_session *session, uint64_t now_cycles);
/* The connection is no more. */
void order_session_cut(struct order_session *session, enum gateway_cut why);
/* Time has gone on: heartbeats, patience. */
void order_session_tick(struct order_session *session, uint64_t now_cycles);
/* We want to leave. */
void order_session_leave(struct order_session *session);
static inline bool order_session_is_up(const struct order_session *session) {
    return session->state != SESSION_CLOSED && session->state != SESSION_OVER;
}

/* Where to put what arrives, and how much did. All that came of it is taken before more is put there. */
uint8_t *order_session_room(struct order_session *session, uint32_t *bytes);
void order_session_arrived(struct order_session *session, uint32_t bytes, uint64_t now_cycles);
/* False: nothing is left. */
bool order_session_next(struct order_session *session, struct execution *execution);

enum gateway_send order_session_send(struct order_session *session, const struct ouch_templates *templates,
                                     const struct order *order);
/* What is to be sent, and how much of it was. */
const uint8_t *order_session_output(const struct order_session *session, uint32_t *bytes);
void order_session_sent(struct order_session *session, uint32_t bytes, uint64_t now_cycles);

const char *order_session_state_name(enum order_session_state state);

#endif
