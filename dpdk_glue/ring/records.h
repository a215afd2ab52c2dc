/* A ring of records of any length between one writer and one reader, threads or processes.
 *
 * No lock, no system call, no allocation after open. A record lies in one piece, at a multiple of 8, and
 * RECORDS_SLACK bytes behind it may be read: they belong to it, so nobody writes them meanwhile.
 *
 *     writer                                         reader
 *     uint8_t *to = records_reserve(ring, bytes);    while ((record = records_peek(ring, &bytes)))
 *     if (to) { ...; records_commit(ring); }             { ...; records_release(ring); }
 *
 * The two meet in two words: the writer moves the head, the reader the tail, and each keeps what it last saw
 * of the other's beside its own. So a cache line changes hands only when a side has used up what it knew.
 *
 * The ring holds no pointer and all positions lie in it. Placed in memory that processes share, it outlives
 * each of them: one that attaches goes on where its predecessor was killed. What was reserved and not
 * committed is void; what was peeked at and not released comes again.
 */
#ifndef APPLIANCE_RING_RECORDS_H
#define APPLIANCE_RING_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RECORDS_SLACK = 64, RECORDS_SMALLEST_RING = 4096 };

struct records;

/* `bytes` is a power of two from RECORDS_SMALLEST_RING to 2^31; the longest record is a quarter of it. All of
 * it is touched. NULL with errno: of another size, or without memory. */
struct records *records_open(size_t bytes);
void records_close(struct records *ring);

/* The memory that a ring of such a size takes, which begins on a cache line; 0: there is no such size. */
size_t records_bytes(size_t bytes);
/* Makes an empty ring in the caller's memory; each record has `slack` (up to RECORDS_SLACK) bytes behind it.
 * NULL with errno EINVAL. */
struct records *records_place(void *memory, size_t bytes, uint32_t slack);
/* The ring that another process placed here, in memory of so many bytes. NULL with errno EINVAL: there is no
 * ring in it. */
struct records *records_attach(void *memory, size_t bytes);

/* Writer. NULL when there is no room now; a record that can never fit is refused for ever. A reservation that
 * is not committed is void: the next one takes its place. So reserving asks for room, too. */
uint8_t *records_reserve(struct records *ring, uint32_t bytes);
/* Once for each reservation that was given. */
void records_commit(struct records *ring);
/* The last record that is committed and not released, whatever the reader does meanwhile; NULL: all are. It
 * walks over those that wait. */
const uint8_t *records_youngest(struct records *ring, uint32_t *bytes);

/* Reader. The oldest record, valid until it is released; NULL when there is none. */
const uint8_t *records_peek(struct records *ring, uint32_t *bytes);
/* The record that records_peek has just given. */
void records_release(struct records *ring);

/* Anybody. The bytes that wait, with what goes with them, a moment ago. */
uint64_t records_waiting(const struct records *ring);

#endif
