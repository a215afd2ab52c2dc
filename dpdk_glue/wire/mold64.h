/* MoldUDP64: the messages of one feed, once each and in order, out of the packets of its lines.
 *
 * Push every packet, then take runs until there are none:
 *
 *     mold64_push(mold, payload, length, line);
 *     while (mold64_next(mold, &run))
 *         ... run.blocks: framed messages, exactly as in an ITCH file ...
 *
 * and once more after mold64_finish, mold64_give_up, mold64_join and mold64_release. A run is valid until the
 * next push; 64 bytes behind it may be read if 64 bytes behind every pushed payload may be.
 *
 * Arbitration is by sequence number. The first copy of a message wins, whatever line it came on and however
 * the sender cut the stream into packets. A packet ahead of the next message is copied into a window of fixed
 * size and waits for the gap to be filled by any line. run.gap_before says how many messages are given up
 * before a run; one without messages tells of a gap at the very end or, live, that another session has begun
 * of which no message has come. Heartbeats count as proof that messages exist.
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
 * Of a file (mold64_open) every packet is believed, the first says where the stream starts, and a gap is
 * given up when the window is full, the session changes or the input ends: nobody can be asked. Sequence
 * numbers start at 1; captures that were made anonymous carry 0 in every packet: if the first data packet of
 * a session has sequence 0, its packets are numbered as they arrive on line 0, and heartbeats say nothing.
 * After any other start a sequence of 0 is malformed.
 *
 * A live feed (mold64_open_live) starts at sequence 1: whatever it is joined at, what came before is a gap
 * like any other. Nothing is given up unless the caller says so (wire/recovery.h decides), but for the gaps
 * of a session that has been left. A packet that finds the window full takes the place of the one that is
 * furthest ahead (which is dropped), or is itself the furthest: MOLD64_NO_ROOM. Its messages are missing
 * like others. Besides the states above:
 *
 *     ended     same session, further than    -> live: the end was none
 *               the sequence of the end
 *     left      same session                  -> live
 *     left      other session                 as when ended
 *
 * Far ahead: of a packet that starts more than `far` messages ahead of all that is known (or of sequence 1,
 * at the start) the first is not believed, whatever it is: MOLD64_FAR_AHEAD, and nothing of it is kept. The
 * next one on the same line is, when it fits: data or an end that starts where the first ended, a heartbeat
 * there or a little later; and when no packet nearer to us came on either live line between them. So a forged
 * packet harms nothing, however often it is sent, and after a long blackout the feed is believed again.
 * Forged packets that fit each other are believed, and a snapshot undoes that: mold64_join forgets what is
 * far ahead of it, and an end of the session that was, if a line has since told otherwise.
 */
#ifndef APPLIANCE_WIRE_MOLD64_H
#define APPLIANCE_WIRE_MOLD64_H

#include "abi.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    MOLD64_HEADER_BYTES = 20,
    MOLD64_SESSION_BYTES = 10,
    MOLD64_LINES = 4,
    MOLD64_LINE_ASKED = 2,  /* packets of the retransmission server; below it are the live lines, A and B */
    MOLD64_LONGEST = 65507, /* the payload of the longest UDP datagram */
    MOLD64_WINDOW_MAX = 65536
};

struct mold64;

/* For a file. `window`: packets that can wait, 1 .. MOLD64_WINDOW_MAX. Memory is reserved for the longest
 * packets, but only what is used is ever touched. `settle`: packets to collect before the first is
 * delivered, at most `window`; 0 = the first packet says where the stream starts. Returns NULL when there
 * is no memory or the arguments are out of range. */
struct mold64 *mold64_open(uint32_t window, uint32_t settle);
/* For a live feed. Of the packets that wait, MOLD64_JUMBOS may be longer than MOLD64_SLOT_LONGEST.
 * `far_messages`: 0 = every packet is believed. `prefault`: all memory is touched now. */
enum { MOLD64_JUMBOS = 64, MOLD64_SLOT_LONGEST = 1984 + MOLD64_HEADER_BYTES };
struct mold64 *mold64_open_live(uint32_t window, uint32_t far_messages, bool prefault);
void mold64_close(struct mold64 *mold);
/* What was allocated; of a file's window most is never touched. */
uint64_t mold64_bytes(const struct mold64 *mold);

/* `line` is below MOLD64_LINES. All runs of the packet before must have been taken. */
enum mold64_verdict mold64_push(struct mold64 *mold, const uint8_t *payload, uint32_t length, unsigned line);
bool mold64_next(struct mold64 *mold, struct mold64_run *run);
/* Whether the pushed packet has been dealt with. Runs of held packets may be left for later: they keep. */
bool mold64_may_push(const struct mold64 *mold);
/* Gives up every gap: nothing more will come. */
void mold64_finish(struct mold64 *mold);

/* ---- What is missing. ---- */

/* The next message; messages from there to the known end exist, for all that is known. Both are 0 before the
 * first packet. */
uint64_t mold64_expected(const struct mold64 *mold);
uint64_t mold64_known_end(const struct mold64 *mold);
/* How many messages are missing, in no time. 0 before the first packet. */
uint64_t mold64_missing(const struct mold64 *mold);
/* The first gaps, lowest first, at most `room` of them; the last may be one that nothing held ends. Returns
 * how many. It walks over what is held, and stops when all that is missing is found. */
uint32_t mold64_gaps(const struct mold64 *mold, struct mold64_gap *gaps, uint32_t room);
bool mold64_is_full(const struct mold64 *mold);
/* The session's MOLD64_SESSION_BYTES, or NULL before the first packet. */
const uint8_t *mold64_session(const struct mold64 *mold);
/* Its end was announced, and nothing came that was later. */
bool mold64_has_ended(const struct mold64 *mold);
/* Packets of the session that were believed, from the live lines: stands still when they are silent. */
uint64_t mold64_heard(const struct mold64 *mold);
/* Packets of another session on the live lines since the last of ours. */
uint32_t mold64_strangers(const struct mold64 *mold);

/* ---- Live: what the caller decides. ---- */

/* The first gap is given up: the next run has it in `gap_before`. Nothing while all is held. */
void mold64_give_up(struct mold64 *mold);
/* From now on nothing is delivered: all that comes is held, and when the window is full the oldest is dropped
 * for it (only one that is older than all that waits has MOLD64_NO_ROOM). May be called before the first
 * packet. It ends with mold64_join, mold64_release, or the session. */
void mold64_hold_all(struct mold64 *mold);
/* A snapshot stands, and `sequence` is the first message to follow it: what is held below is dropped, and
 * delivery goes on from there. What is known to exist only by packets from before mold64_hold_all, and was
 * not delivered, is missing; when the next snapshot does not come up to it either, and the line that told of
 * it has since told less, it is forgotten. False, and nothing is changed, if the session (NULL = ours,
 * whichever it is) is not ours, or `sequence` is 0 or more than `far` messages ahead of all that is known
 * (the image of another session, behind which all that comes would be late), or as far behind the last
 * packet of the lines (an old image). Before the first packet any session becomes ours, and any sequence
 * will do. */
bool mold64_join(struct mold64 *mold, const uint8_t *session, uint64_t sequence);
/* Delivery goes on where it stopped. */
void mold64_release(struct mold64 *mold);
/* The session has been silent for too long: the next packet of another one starts that. */
void mold64_leave(struct mold64 *mold);

/* by_verdict, of each line: `delivered` and `partial` came first; `late` and `duplicate` came second, however
 * often; `held` came first, and out of order; `gap_messages` of a live line are those that it skipped,
 * even if they come later on it or on the other (the line's loss). The retransmission server's line has no
 * gaps. */
const struct mold64_counters *mold64_read_counters(const struct mold64 *mold);

/* True if the bytes are a MoldUDP64 packet, of whatever session. */
bool mold64_is_well_formed(const uint8_t *payload, uint32_t length);
const char *mold64_verdict_name(unsigned verdict);

#endif
