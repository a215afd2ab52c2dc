/* What to do about messages that are missing, and when: a state machine without input, output or clock.
 *
 * The caller shows it what it sees of the stream (struct recovery_sight) at a time in cycles, and then takes
 * wishes until there are none:
 *
 *     recovery_see(&sight, mold);
 *     sight.snapshot = ...; sight.need_snapshot = ...;
 *     recovery_look(recovery, &sight, now_cycles);
 *     while (recovery_next(recovery, &wish))
 *         ... enum recovery_action says what each is ...
 *
 * after each burst, and in every idle round of the loop. Wishes are not kept: one that could not be granted
 * (a ring is full) is as good as lost on the way, and comes again after its timeout.
 *
 *     state     sees                                                             wish     becomes
 *     STARTING  a packet, nothing missing                                        -        WHOLE
 *     STARTING  a packet, messages missing                                       -        WAITING
 *     WHOLE     messages missing                                                 -        WAITING
 *     WHOLE     a snapshot is needed, and there is a server                      FETCH    JOINING
 *     WHOLE     a snapshot is needed, and there is no server                     -        LOST
 *     WHOLE     silence                                                          LEAVE    LOST
 *     WHOLE     silence after the end of the session                             -        WHOLE
 *     WHOLE     another session's packets, none of ours, for gap_wait            -        LOST
 *     WHOLE     another session's packets among ours                             -        WHOLE
 *     WAITING   nothing missing                                                  -        WHOLE
 *     WAITING   gap_wait is not over                                             -        WAITING
 *     WAITING   gap_wait is over, and the gap can be asked for                   ASK      ASKING
 *     WAITING   gap_wait is over, it cannot, and there is a snapshot server      FETCH    JOINING
 *     WAITING   gap_wait is over, it cannot, and there is none                   GIVE_UP  LOST
 *     WAITING   the window is full, and there is a snapshot server               FETCH    JOINING
 *     ASKING    nothing missing                                                  -        WHOLE
 *     ASKING    a reply with all of one request                                  -        ASKING
 *     ASKING    a reply with less                                                -        ASKING
 *     ASKING    nothing more after a reply with less                             ASK      ASKING
 *     ASKING    request_timeout is over, and tries are left                      ASK      ASKING
 *     ASKING    another gap, and gap_wait is over for it                         ASK      ASKING
 *     ASKING    a request has failed, and there is a snapshot server             FETCH    JOINING
 *     ASKING    all requests for the first gap have failed, and there is none    GIVE_UP  LOST
 *     ASKING    the window is full, and there is a snapshot server               FETCH    JOINING
 *     JOINING   messages missing, however long                                   -        JOINING
 *     JOINING   the snapshot has joined, nothing missing                         -        WHOLE
 *     JOINING   the snapshot has joined, messages missing                        -        WAITING
 *     JOINING   the snapshot failed before it had begun                          GO_ON    LOST
 *     JOINING   the snapshot failed after it had begun                           -        LOST
 *     JOINING   snapshot_timeout is over before it had begun                     GO_ON    LOST
 *     JOINING   snapshot_timeout is over after it had begun                      -        LOST
 *     LOST      snapshot_retry is not over, messages missing                     -        LOST
 *     LOST      snapshot_retry is over, and the gap can be asked for             ASK      ASKING
 *     LOST      snapshot_retry is over, and it cannot                            FETCH    JOINING
 *     LOST      snapshot_retry is over, and the books are void                   FETCH    JOINING
 *     LOST      nothing missing, and the books are as they were                  -        WHOLE
 *     LOST      nothing missing, and the books are void                          -        LOST
 *     LOST      messages were given up, nothing missing                          -        LOST
 *     LOST      messages were given up, others are missing                       -        WAITING
 *     LOST      a packet after silence, nothing missing                          -        WHOLE
 *     LOST      a packet after silence, messages missing                         -        WAITING
 *     LOST      a packet of ours after another session's                         -        WHOLE
 *     any       another session, nothing missing                                 -        WHOLE
 *     any       another session, messages missing                                -        WAITING
 *
 * A gap can be asked for when there is a retransmission server and the gap is not longer than
 * request_longest (nor all gaps together, where there is a snapshot server). All gaps known for gap_wait are
 * asked for at once, in up to RECOVERY_REQUESTS requests of up to request_messages. A request has failed
 * when request_tries in a row brought nothing, or when RECOVERY_PATIENCE times their time has not brought
 * all: a bound for servers that trickle. Snapshots are fetched at least snapshot_retry apart; who wants one
 * sooner is LOST until then. Where WHOLE is to come and messages were given up, or a snapshot is needed, it
 * is LOST: for good, or until a snapshot or another session heals it. In LOST no more is held than
 * what stands behind a gap, unless the books are void: a snapshot had begun, so they were emptied for it, and
 * then it failed. A gap is given up only where there is no snapshot server: where there is one, the packets
 * behind the gap wait for it, as many as the window holds.
 */
#ifndef APPLIANCE_WIRE_RECOVERY_H
#define APPLIANCE_WIRE_RECOVERY_H

#include "abi.h"

#include <stdbool.h>

struct mold64;
struct recovery;

enum { RECOVERY_REQUESTS = 64, RECOVERY_PATIENCE = 8 };

/* `counters` may lie in shared memory, and outlive it. NULL when there is no memory, or a limit is 0 that
 * must not be (request_tries and request_messages, if there are requests). */
struct recovery *recovery_open(const struct recovery_limits *limits, struct recovery_counters *counters);
void recovery_close(struct recovery *recovery);

/* What there is to see of the stream; `snapshot` and `need_snapshot` are left to the caller, as 0. */
void recovery_see(struct recovery_sight *sight, const struct mold64 *mold);
void recovery_look(struct recovery *recovery, const struct recovery_sight *sight, uint64_t now_cycles);
/* False, and RECOVERY_NOTHING, when there are no more wishes. */
bool recovery_next(struct recovery *recovery, struct recovery_wish *wish);

/* What comes of a snapshot counts only while it is RECOVERY_JOINING: before that is looked at, a caller drops
 * it. */
enum recovery_state recovery_state(const struct recovery *recovery);
/* Messages are missing, or may be, as they are before the first packet: the books are not to be trusted. */
bool recovery_is_stale(const struct recovery *recovery);
const char *recovery_state_name(unsigned state);

#endif
