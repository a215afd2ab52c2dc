/* Walks a segment of the journal and says what stands in it, up to the first flaw.
 *
 * It believes no byte before it has checked it, reads none outside the segment, and finds every change of a
 * byte and every cut: the head and each record have checksums, numbers go up by one in each stream, and
 * behind the end there are zeros, up to the size that the head names unless a seal says that it is whole.
 */
#ifndef APPLIANCE_JOURNAL_SCAN_H
#define APPLIANCE_JOURNAL_SCAN_H

#include "abi.h"

#include <stdbool.h>

enum { JOURNAL_FIRST_RECORD = sizeof(struct journal_head) + sizeof(struct journal_link) };

/* `data` begins at a multiple of 8. */
void journal_scan(const uint8_t *data, uint64_t bytes, struct journal_scan *scan);

/* Whether there is a whole record anywhere from `at` on, which is a multiple of 8: behind a flaw, it shows
 * that more is broken than a last record that was not finished. */
bool journal_scan_finds_record(const uint8_t *data, uint64_t bytes, uint64_t at);

/* The bytes that a record takes in a file. */
static inline uint64_t journal_record_span(uint32_t payload_bytes) {
    return (sizeof(struct journal_record) + (uint64_t)payload_bytes + 7) & ~(uint64_t)7;
}

uint32_t journal_head_crc(const struct journal_head *head);

/* The offsets of up to `room` records from `*at` on, in a segment that was scanned up to `end`; `*at` moves
 * behind them. How many. */
uint32_t journal_offsets(const uint8_t *data, uint64_t end, uint64_t *at, uint64_t *offsets, uint32_t room);

#endif
