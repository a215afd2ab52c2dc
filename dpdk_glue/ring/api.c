#include "api.h"
#include "ring/records.h"
#include "ring/spsc.h"

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

uint64_t api_records_bytes(uint64_t bytes) {
    return records_bytes(bytes);
}

struct records *api_records_place(uint8_t *memory, uint64_t bytes, uint32_t slack) {
    return records_place(memory, bytes, slack);
}

struct records *api_records_attach(uint8_t *memory, uint64_t bytes) {
    return records_attach(memory, bytes);
}

const uint8_t *api_records_youngest(struct records *ring, uint32_t *bytes) {
    return records_youngest(ring, bytes);
}

uint64_t api_records_waiting(const struct records *ring) {
    return records_waiting(ring);
}

uint64_t api_spsc_bytes(uint64_t items, uint32_t item_bytes) {
    return spsc_bytes(items, item_bytes);
}

struct spsc *api_spsc_place(uint8_t *memory, uint64_t items, uint32_t item_bytes, uint64_t position) {
    return spsc_place(memory, items, item_bytes, position);
}

struct spsc *api_spsc_attach(uint8_t *memory, uint64_t bytes) {
    return spsc_attach(memory, bytes);
}

uint8_t *api_spsc_reserve(struct spsc *ring, uint32_t want, uint32_t *count) {
    return spsc_reserve(ring, want, count);
}

void api_spsc_commit(struct spsc *ring, uint32_t count) {
    spsc_commit(ring, count);
}

const uint8_t *api_spsc_peek(struct spsc *ring, uint32_t want, uint32_t *count) {
    return spsc_peek(ring, want, count);
}

void api_spsc_release(struct spsc *ring, uint32_t count) {
    spsc_release(ring, count);
}

uint64_t api_spsc_waiting(const struct spsc *ring) {
    return spsc_waiting(ring);
}

uint32_t api_spsc_item_bytes(const struct spsc *ring) {
    return (uint32_t)ring->item_bytes;
}
