#include "api.h"
#include "journal/crc32c.h"
#include "journal/flaws.h"
#include "journal/scan.h"
#include "journal/sha256.h"
#include "journal/tap.h"
#include "journal/taps.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint32_t api_crc32c(uint32_t before, const uint8_t *data, uint64_t bytes) {
    return crc32c(before, data, bytes);
}

void api_sha256(const uint8_t *data, uint64_t bytes, uint64_t piece, int plain, uint8_t *digest) {
    struct sha256 hash;
    plain ? sha256_open_plain(&hash) : sha256_open(&hash);
    for (uint64_t at = 0; at < bytes; at += piece)
        sha256_add(&hash, data + at, bytes - at < piece ? bytes - at : piece);
    sha256_close(&hash, digest);
}

uint64_t api_journal_taps_bytes(const uint64_t *ring_bytes) {
    return journal_taps_bytes(ring_bytes);
}

struct journal_taps *api_journal_taps_place(uint8_t *memory, const uint64_t *ring_bytes) {
    return journal_taps_place(memory, ring_bytes);
}

void api_journal_taps_publish(struct journal_taps *taps) {
    journal_taps_publish(taps);
}

struct journal_taps *api_journal_taps_attach(uint8_t *memory, uint64_t bytes, char *error) {
    return journal_taps_attach(memory, bytes, error, API_ERROR_BYTES);
}

struct journal_tap *api_journal_tap_open(struct journal_taps *taps, uint32_t stream, char *error) {
    struct journal_tap *tap = malloc(sizeof *tap);
    if (tap && journal_tap_open(tap, taps, stream) == 0)
        return tap;
    snprintf(error, API_ERROR_BYTES, "stream %u of the journal: %s", stream,
             !tap              ? "no memory"
             : errno == EAGAIN ? "no writer has read the journal yet: start one first"
                               : "there is no such stream");
    free(tap);
    return NULL;
}

void api_journal_tap_close(struct journal_tap *tap) {
    journal_tap_close(tap);
    free(tap);
}

uint64_t api_journal_tap_append(struct journal_tap *tap, uint32_t kind, const uint8_t *payload,
                                uint32_t bytes, uint64_t cycles) {
    void *to = journal_tap_reserve(tap, (uint16_t)kind, bytes, cycles);
    if (!to)
        return 0;
    memcpy(to, payload, bytes);
    journal_tap_commit(tap);
    return tap->next - 1;
}

void api_journal_scan(const uint8_t *data, uint64_t bytes, struct journal_scan *scan) {
    journal_scan(data, bytes, scan);
}

uint32_t api_journal_offsets(const uint8_t *data, uint64_t end, uint64_t *at, uint64_t *offsets,
                             uint32_t room) {
    return journal_offsets(data, end, at, offsets, room);
}

int api_journal_finds_record(const uint8_t *data, uint64_t bytes, uint64_t at) {
    return journal_scan_finds_record(data, bytes, at);
}

const char *api_journal_flaw_name(uint32_t flaw) {
    return journal_flaw_name(flaw);
}
