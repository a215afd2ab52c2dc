/* One fetch of a GLIMPSE snapshot over SoupBinTCP, as records for the feed's thread.
 *
 * It never waits: snapshot_step does what can be done now, and is told the time. Whatever the server does, a
 * fetch comes to one end, RECOVERER_SNAPSHOT_END or RECOVERER_SNAPSHOT_FAILED with a text that says what
 * happened, where, and what to do; unless another begins or it is closed. One snapshot is fetched at a time.
 *
 *     state       what is waited for, and what follows
 *     wanted      room for records                      -> connecting, or failed
 *     connecting  the connection                        -> open (login sent), or failed
 *     open        login accepted: a begin; messages: runs; the message of the end: an end (logout sent)
 *                                                       -> leaving; anything else: failed
 *     leaving     the server hanging up, for a second   -> idle
 *
 * It fails when it is not whole after the plan's snapshot_timeout_ms, and when the server says nothing for
 * SNAPSHOT_SILENCE_S, though it must send heartbeats. Ours go out each second.
 */
#ifndef APPLIANCE_STAGE_SNAPSHOT_H
#define APPLIANCE_STAGE_SNAPSHOT_H

#include "abi.h"
#include "ring/records.h"
#include "wire/soup.h"

#include <stdbool.h>

enum {
    SNAPSHOT_SILENCE_S = 15,
    SNAPSHOT_TEXT_BYTES = 512,
    SNAPSHOT_RUN_BYTES = 16384, /* of a run, unless one message alone is longer */
    /* The most that one step writes: what had arrived of one packet, what a read brings, and a text. */
    SNAPSHOT_STEP_BYTES = 131072
};

enum snapshot_state {
    SNAPSHOT_IDLE = 0,
    SNAPSHOT_WANTED = 1,
    SNAPSHOT_CONNECTING = 2,
    SNAPSHOT_OPEN = 3,
    SNAPSHOT_LEAVING = 4
};

struct snapshot {
    const struct plan_recovery *plan;
    struct recoverer_counters *counters;
    struct records *out;
    enum snapshot_state state;
    int socket; /* -1: none */
    uint32_t fetch;
    uint32_t run_bytes;
    uint64_t messages;
    uint64_t end_ns;   /* of all patience */
    uint64_t heard_ns; /* when the server last said anything */
    uint64_t spoke_ns; /* and when we did */
    const char *said;  /* the kind of failure that was printed last */
    struct soup soup;
    uint8_t run[SNAPSHOT_RUN_BYTES + 2 + UINT16_MAX];
};

void snapshot_open(struct snapshot *snapshot, const struct plan_recovery *plan,
                   struct recoverer_counters *counters, struct records *out);
void snapshot_close(struct snapshot *snapshot);

/* Cuts off what is under way. */
void snapshot_begin(struct snapshot *snapshot, uint32_t fetch, uint64_t now_ns);
/* What to poll the socket for. */
short snapshot_events(const struct snapshot *snapshot);
/* `ready`: the socket has something to say. `room`: SNAPSHOT_STEP_BYTES can be reserved in the ring; without
 * it only heartbeats are sent, and nothing is read. */
void snapshot_step(struct snapshot *snapshot, bool ready, bool room, uint64_t now_ns);

#endif
