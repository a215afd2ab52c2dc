#include "bench/journal.h"

#include "journal/tap.h"
#include "stats/clock.h"

#include <string.h>

enum { PATIENCE_S = 60 };

static uint64_t deadline(void) {
    return clock_cycles() + (uint64_t)(PATIENCE_S * 1e9 * clock_cycles_per_ns());
}

/* A payload as it would be encoded: written in place, a word after the other. */
static inline bool append(struct journal_tap *tap, uint32_t payload_bytes, uint64_t cycles) {
    uint64_t *to = journal_tap_reserve(tap, JOURNAL_PACKET, payload_bytes, cycles);
    if (!to)
        return false;
    for (uint32_t at = 0; at < payload_bytes / 8; at++)
        to[at] = cycles + at;
    journal_tap_commit(tap);
    return true;
}

/* Until all that was appended is in files. */
static bool wait_for_writer(const struct journal_tap *tap, const struct journal_state *state,
                            uint64_t until) {
    while (__atomic_load_n(&state->written[tap->stream], __ATOMIC_ACQUIRE) + 1 < tap->next) {
        if (clock_cycles() > until)
            return false;
        __builtin_ia32_pause();
    }
    return true;
}

int bench_journal_hot(struct journal_tap *tap, const struct journal_state *state, uint32_t payload_bytes,
                      uint32_t bursts, uint32_t burst_records, float *record_ns) {
    double cycles_per_ns = clock_cycles_per_ns();
    uint64_t until = deadline();
    for (uint32_t burst = 0; burst < bursts; burst++) {
        uint32_t records = 0;
        uint64_t start = clock_cycles_fenced();
        while (records < burst_records && append(tap, payload_bytes, start))
            records++;
        uint64_t cycles = clock_cycles_fenced() - start;
        if (!wait_for_writer(tap, state, until) || records < burst_records)
            return -1;
        record_ns[burst] = (float)((double)cycles / cycles_per_ns / records);
    }
    return 0;
}

double bench_journal_rate(struct journal_tap *tap, const struct journal_state *state, uint32_t payload_bytes,
                          uint64_t records) {
    uint64_t until = deadline();
    uint64_t start = clock_cycles_fenced();
    for (uint64_t done = 0; done < records;) {
        if (append(tap, payload_bytes, start + done)) {
            done++;
        } else {
            if (clock_cycles() > until)
                return -1;
            __builtin_ia32_pause();
        }
    }
    if (!wait_for_writer(tap, state, until))
        return -1;
    return (double)(clock_cycles_fenced() - start) / clock_cycles_per_ns();
}
