#include "journal/tap.h"

#include "journal/taps.h"

#include <errno.h>
#include <unistd.h>

/* The ring is asked first: what the writer has taken from it by then, it has counted before. */
static uint64_t last_number(struct journal_tap *tap, const struct journal_taps *taps) {
    uint32_t bytes;
    const struct journal_record *record = (const void *)records_youngest(tap->ring, &bytes);
    return record ? record->number : __atomic_load_n(&taps->state.written[tap->stream], __ATOMIC_RELAXED);
}

int journal_tap_open(struct journal_tap *tap, struct journal_taps *taps, uint32_t stream) {
    struct records *ring = journal_taps_ring(taps, stream);
    if (!ring) {
        errno = EINVAL;
        return -1;
    }
    if (!__atomic_load_n(&taps->state.starts, __ATOMIC_ACQUIRE)) {
        errno = EAGAIN;
        return -1;
    }
    *tap = (struct journal_tap){.ring = ring, .place = &taps->tap[stream], .stream = stream};
    tap->next = last_number(tap, taps) + 1;
    __atomic_store_n(&tap->place->pid, (uint32_t)getpid(), __ATOMIC_RELEASE);
    return 0;
}

void journal_tap_close(struct journal_tap *tap) {
    __atomic_store_n(&tap->place->pid, 0, __ATOMIC_RELEASE);
}
