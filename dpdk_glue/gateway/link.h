/* The order session's connection: a TCP socket that never waits.
 *
 * order_link_poll does what can be done now: it connects, reads once, sends what is there, and heeds the
 * time. An order is sent in the call that hands it over, as far as the socket takes it; the rest waits for
 * the next poll. Every system call is counted; there are no others.
 *
 *     state       what is waited for                  what follows
 *     waiting     the time to call again              -> connecting
 *     connecting  the connection                      session begun -> up; refused or silent -> waiting
 *     up          anything                            session closed -> waiting; over -> over
 *     over                                            nothing: the session has ended, or nobody lets us in
 *
 * The time between calls begins at `retry_cycles` and doubles up to `retry_limit_cycles`, until a session has
 * been caught up. A venue that has no such session is called again; one that does not know us is not.
 */
#ifndef APPLIANCE_GATEWAY_LINK_H
#define APPLIANCE_GATEWAY_LINK_H

#include "gateway/session.h"

enum order_link_state { LINK_WAITING = 0, LINK_CONNECTING = 1, LINK_UP = 2, LINK_OVER = 3 };

struct order_link {
    enum order_link_state state;
    int socket;              /* -1: none */
    int reason;              /* why the last connection failed: an error number, or 0 */
    uint64_t call_cycles;    /* when to call again */
    uint64_t wait_cycles;    /* how long to wait then */
    uint64_t gave_up_cycles; /* when to stop waiting for a connection */
    struct order_session session;
};

/* The counters must outlive it. It calls at the first poll. */
void order_link_open(struct order_link *link, const struct gateway_settings *settings,
                     struct gateway_counters *counters);
/* Hangs up, as it is. */
void order_link_close(struct order_link *link);

void order_link_poll(struct order_link *link, uint64_t now_cycles);
/* What has come of it; false: nothing is left. To be called until then, after each poll. */
bool order_link_next(struct order_link *link, struct execution *execution);
enum gateway_send order_link_send(struct order_link *link, const struct ouch_templates *templates,
                                  const struct order *order, uint64_t now_cycles);
/* Logs out; polls go on until the link is over. */
void order_link_leave(struct order_link *link);

#endif
