/* MoldUDP64: the messages of one feed, once each and in order, out of the packets of its lines.
 *
 * Push every packet, then take runs until there are none:
 *
 *     mold64_push(mold, payload, length, line);
 *     while (mold64_next(mold, &run))
 *         ... run.blocks: framed messages, exactly as in an ITCH file ...
 *
 * and once more after mold64_finish, at the end of the input. A run is valid until the next push; 64 bytes
 * behind it may be read if 64 bytes behind every pushed payload may be.
 *
 * Arbitration is by sequence number. The first copy of a message wins, whatever line it came on and however
 * the sender cut the stream into packets. A packet ahead of the next message is copied into a window of fixed
 * size and waits for the gap to be filled by any line. When the window is full, the session is over and
 * another begins, or the input ends, the gap is given up: run.gap_before says how many messages are lost, and
 * delivery goes on behind it. A run without messages tells of a gap at the very end. Heartbeats count as
 * proof that messages exist.
 *
 * Sessions:
 *
 *     state     packet                        what happens
 *     waiting   any well-formed               its session is ours; -> live, or settling
 *     settling  data                          held, until as many as asked for have come; then the lowest
 *                                             sequence seen is the first (a reordered start loses nothing)
 *                                             -> live
 *     settling  heartbeat, end of session     the lowest sequence seen is the first -> live, ended
 *     live      same session                  arbitration as above
 *     live      end of session                -> ended; a gap before its sequence may still be filled
 *     live      other session                 dropped, counted: a session is left only after its end
 *     ended     same session                  as live: the other line may still be behind
 *     ended     other session                 open gaps are given up; its session is ours, from sequence 1
 *                                             -> live
 *
 * Sequence numbers start at 1. Captures that were made anonymous carry 0 in every packet: if the first data
 * packet of a session has sequence 0, its packets are numbered as they arrive on line 0, and heartbeats say
 * nothing. After any other start a sequence of 0 is malformed.
 */
#ifndef APPLIANCE_WIRE_MOLD64_H
#define APPLIANCE_WIRE_MOLD64_H

#include "abi.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    MOLD64_HEADER_BYTES = 20,
    MOLD64_LINES = 4,
    MOLD64_LONGEST = 65507, /* the payload of the longest UDP datagram */
    MOLD64_WINDOW_MAX = 32768
};

struct mold64;

/* `window`: packets that can wait, 1 .. MOLD64_WINDOW_MAX. Memory is reserved for the longest packets, but
 * only what is used is ever touched. `settle`: packets to collect before the first is delivered, at most
 * `window`; 0 = the first packet says where the stream starts. Returns NULL when there is no memory or the
 * arguments are out of range. */
struct mold64 *mold64_open(uint32_t window, uint32_t settle);
void mold64_close(struct mold64 *mold);

/* `line` is below MOLD64_LINES. All runs of the packet before must have been taken. */
enum mold64_verdict mold64_push(struct mold64 *mold, const uint8_t *payload, uint32_t length, unsigned line);
bool mold64_next(struct mold64 *mold, struct mold64_run *run);
/* Gives up every gap: nothing more will come. */
void mold64_finish(struct mold64 *mold);

const struct mold64_counters *mold64_read_counters(const struct mold64 *mold);

/* True if the bytes are a MoldUDP64 packet, of whatever session. */
bool mold64_is_well_formed(const uint8_t *payload, uint32_t length);
const char *mold64_verdict_name(unsigned verdict);

#endif
