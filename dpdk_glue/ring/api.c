#include "api.h"
#include "ring/records.h"

struct records *api_records_open(uint64_t bytes) {
    return records_open(bytes);
}

void api_records_close(struct records *ring) {
    records_close(ring);
}

uint8_t *api_records_reserve(struct records *ring, uint32_t bytes) {
    return records_reserve(ring, bytes);
}

void api_records_commit(struct records *ring) {
    records_commit(ring);
}

const uint8_t *api_records_peek(struct records *ring, uint32_t *bytes) {
    return records_peek(ring, bytes);
}

void api_records_release(struct records *ring) {
    records_release(ring);
}
