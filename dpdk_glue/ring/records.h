/* A ring of records of any length between one writer and one reader, threads or processes.
 *
 * No lock, no system call, no allocation after open. A record lies in one piece, at a multiple of 8, and
 * RECORDS_SLACK bytes behind it may be read.
 *
 *     writer                                         reader
 *     uint8_t *to = records_reserve(ring, bytes);    while ((record = records_peek(ring, &bytes)))
 *     if (to) { ...; records_commit(ring); }             { ...; records_release(ring); }
 */
#ifndef APPLIANCE_RING_RECORDS_H
#define APPLIANCE_RING_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RECORDS_SLACK = 64 };

struct records;

/* `bytes` is a power of two of at least 4096; the longest record is a quarter of it. NULL without memory. */
struct records *records_open(size_t bytes);
void records_close(struct records *ring);

/* Writer. NULL when there is no room now; a record that can never fit is refused for ever. */
uint8_t *records_reserve(struct records *ring, uint32_t bytes);
void records_commit(struct records *ring);

/* Reader. The oldest record, valid until it is released; NULL when there is none. */
const uint8_t *records_peek(struct records *ring, uint32_t *bytes);
void records_release(struct records *ring);

#endif
