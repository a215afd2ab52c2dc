/* The stages behind the books, on as many threads as the plan says.
 *
 *     feed's thread: books -> ticks -+-> strategist -+-> decider -+-> gateway
 *                                                    ^            |
 *                                                    +-executions-+
 *
 * Neighbours on one thread call each other; between threads lies a ring. A ring that is full makes its writer
 * wait, and with it all before it, up to the port: waits are counted, nothing is lost in between. Only the
 * gateway never waits: while the ring of executions is full it leaves the venue's messages in the socket. So
 * orders always find their way out.
 *
 * The threads of the plan's groups behind the first run here. The feed's thread calls trading_feed with
 * messages for the books and trading_poll once a round.
 */
#ifndef APPLIANCE_STAGE_TRADING_H
#define APPLIANCE_STAGE_TRADING_H

#include "abi.h"
#include "stage/replay.h"
#include "stage/segment.h"

struct trading;
struct journal_tap;
struct book_set;

/* NULL with one line in `error` (PORT_ERROR_BYTES). Symbols are by instrument, and outlive it. */
struct trading *trading_open(struct segment *segment, const char (*symbols)[8], uint32_t instruments,
                             struct journal_taps *taps, struct replay *replay, char *error);
/* Stops the threads: what is in the rings is worked off first, and the venue is left in order. */
void trading_close(struct trading *trading);

/* Messages into the books, and what follows from them. */
void trading_feed(struct trading *trading, struct book_set *books, const uint8_t *blocks, size_t bytes);
/* The feed's stream of the journal; NULL = there is none. */
struct journal_tap *trading_tap(struct trading *trading);
/* The feed's stream had no room for a record: no order until there is room again. */
void trading_lose_record(struct trading *trading);
/* A round of the stages that share the feed's thread. */
void trading_poll(struct trading *trading, uint64_t now_cycles);

/* Of a replay: another strategy is loaded and called; 0, or -1 with one line in `error`. And the end: returns
 * when all stages have worked off what there is. */
int trading_replay_switch(struct trading *trading, const struct journal_switch *what, char *error);
void trading_end_replay(struct trading *trading);

#endif
