/* The hot side of the journal: a thread appends to its own stream, and never waits.
 *
 *     struct journal_order *to = journal_tap_reserve(&tap, JOURNAL_ORDER, bytes, cycles);
 *     if (!to) { ... no room: what is not journalled must not happen ... }
 *     ...; journal_tap_commit(&tap);
 *
 * A record that was committed is in memory that outlives this process, and the writer brings it to a file: it
 * is neither lost nor doubled when either is killed. No room means that the writer is stopped, or its disk
 * full or broken; each refusal is counted, and the caller stops trading until there is room again. One that
 * must be able to append later asks first: a reservation that is not committed is void.
 */
#ifndef APPLIANCE_JOURNAL_TAP_H
#define APPLIANCE_JOURNAL_TAP_H

#include "abi.h"
#include "ring/records.h"

struct journal_tap {
    struct records *ring;
    struct journal_tap_place *place; /* in the shared segment */
    uint64_t next;                   /* the number of the next record */
    uint32_t stream;
};

/* Takes over a stream; its numbers go on from the last record that is in its ring or in the journal. 0, or -1
 * with errno: EINVAL there is no such stream, EAGAIN no writer has read the journal yet. */
int journal_tap_open(struct journal_tap *tap, struct journal_taps *taps, uint32_t stream);
/* The writer may end once this stream's ring is empty. */
void journal_tap_close(struct journal_tap *tap);

/* Room for a payload of so many bytes, at a multiple of 8; NULL when there is none. */
static inline void *journal_tap_reserve(struct journal_tap *tap, uint16_t kind, uint32_t bytes,
                                        uint64_t cycles) {
    struct journal_record *record =
        (struct journal_record *)records_reserve(tap->ring, (uint32_t)sizeof *record + bytes);
    if (!record) {
        __atomic_store_n(&tap->place->refused, tap->place->refused + 1, __ATOMIC_RELAXED);
        return NULL;
    }
    *record = (struct journal_record){
        .bytes = bytes, .kind = kind, .stream = (uint16_t)tap->stream, .number = tap->next, .cycles = cycles};
    return record + 1;
}

/* The record that was reserved last is the writer's now. */
static inline void journal_tap_commit(struct journal_tap *tap) {
    tap->next++;
    records_commit(tap->ring);
}

#endif
