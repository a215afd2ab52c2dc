/* The thread that fetches what is missing: retransmission requests over UDP, snapshots over SoupBinTCP.
 *
 * It lives on a cold core and does all the waiting and all the system calls. The feed's thread talks to it
 * through two rings of records and never waits: it hands over wishes, and takes what came as records. When
 * to ask, how often, and when to give up is decided by wire/recovery.h, not here.
 */
#ifndef APPLIANCE_STAGE_RECOVERER_H
#define APPLIANCE_STAGE_RECOVERER_H

#include "abi.h"

#include <stdbool.h>
#include <stdint.h>

enum recoverer_kind {
    RECOVERER_PACKET = 1, /* a MoldUDP64 packet from the retransmission server, as it came */
    RECOVERER_SNAPSHOT_BEGIN =
        2,                      /* logged in, to the session that `data` names: the books are to be emptied */
    RECOVERER_SNAPSHOT_RUN = 3, /* framed messages of the snapshot, as in an ITCH file */
    RECOVERER_SNAPSHOT_END = 4, /* it is whole; `sequence` is the first live message to apply */
    RECOVERER_SNAPSHOT_FAILED = 5 /* and why, as text; what came of it is worth nothing */
};

/* What the feed's thread takes from the ring; `length` bytes of data follow the header, and RECORDS_SLACK
 * bytes behind them may be read. Of a fetch comes at most one begin, then runs, then one end or one failure;
 * nothing more once a later fetch has cut it off. */
struct recoverer_record {
    uint32_t kind; /* enum recoverer_kind */
    uint32_t length;
    uint64_t sequence;
    uint32_t fetch; /* which snapshot: what recoverer_fetch returned */
    uint32_t reserved;
    uint8_t data[];
};

struct recoverer;

/* Starts the thread, on `core` unless that is -1. `counters` lie in shared memory and outlive it. NULL with
 * one line in `error` (PORT_ERROR_BYTES). */
struct recoverer *recoverer_open(const struct plan_recovery *plan, int core,
                                 struct recoverer_counters *counters, char *error);
/* Stops and joins the thread, within 100 ms whatever the servers do. NULL is none. */
void recoverer_close(struct recoverer *recoverer);

/* From the feed's thread, which makes no system call here. False: the ring of wishes is full. One request
 * holds at most 65,534 messages: of more, those are asked for. */
bool recoverer_ask(struct recoverer *recoverer, const uint8_t session[10], uint64_t first, uint32_t count);
/* The number of the snapshot, which its records carry; 0: the ring is full. A fetch that is under way is cut
 * off, and its records carry another number. The snapshot server's session is its own: that of the live feed
 * says nothing about it. */
uint32_t recoverer_fetch(struct recoverer *recoverer);

/* The oldest record, valid until recoverer_release; NULL when there is none. */
const struct recoverer_record *recoverer_peek(struct recoverer *recoverer);
void recoverer_release(struct recoverer *recoverer);

#endif
