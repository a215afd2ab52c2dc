#include "api.h"
#include "bench/journal.h"
#include "bench/ring.h"

double api_bench_ring(uint32_t what, uint64_t count, int32_t core, int32_t other_core) {
    return bench_ring((enum bench_ring_what)what, count, core, other_core);
}

int api_bench_journal_hot(struct journal_tap *tap, const struct journal_taps *taps, uint32_t payload_bytes,
                          uint32_t bursts, uint32_t burst_records, float *record_ns) {
    return bench_journal_hot(tap, &taps->state, payload_bytes, bursts, burst_records, record_ns);
}

double api_bench_journal_rate(struct journal_tap *tap, const struct journal_taps *taps,
                              uint32_t payload_bytes, uint64_t records) {
    return bench_journal_rate(tap, &taps->state, payload_bytes, records);
}
