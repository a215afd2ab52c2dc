/* The shared segment of taps: where each stream's ring lies, and what the writer says of itself.
 *
 * The control plane lays it out in memory of a file without a name; the data plane and the writer map that
 * file. The rings outlive both, and with them every record that was accepted and is not in a file yet.
 */
#ifndef APPLIANCE_JOURNAL_TAPS_H
#define APPLIANCE_JOURNAL_TAPS_H

#include "abi.h"
#include "ring/records.h"

/* The memory it takes, with room for so many bytes of records in each stream's ring (a power of two from
 * 4096; 0 = it has none). 0: that cannot be. */
size_t journal_taps_bytes(const uint64_t ring_bytes[ABI_JOURNAL_STREAMS]);
/* Lays it out in memory that begins on a cache line; the caller sets segment_bytes and what follows it, and
 * then publishes. NULL with errno EINVAL. */
struct journal_taps *journal_taps_place(void *memory, const uint64_t ring_bytes[ABI_JOURNAL_STREAMS]);
void journal_taps_publish(struct journal_taps *taps);
/* What another process placed here. NULL with one line in `error`: what it is instead. */
struct journal_taps *journal_taps_attach(void *memory, size_t bytes, char *error, size_t room);
/* The file's segment, mapped and all of it touched, so that no page fault is left for later. */
struct journal_taps *journal_taps_map(int file, char *error, size_t room);
void journal_taps_unmap(struct journal_taps *taps);

/* A stream's ring, or NULL. */
struct records *journal_taps_ring(struct journal_taps *taps, uint32_t stream);

#endif
