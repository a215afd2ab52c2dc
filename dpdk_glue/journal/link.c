#include "journal/link.h"

#include "journal/crc32c.h"

#include <string.h>

static const struct journal_link *link_of(const uint8_t *data) {
    return (const void *)(data + sizeof(struct journal_head));
}

static uint32_t link_crc(const struct journal_link *link) {
    return crc32c(0, link, offsetof(struct journal_link, crc32c));
}

bool journal_link_is_there(const uint8_t *data) {
    static const struct journal_link nothing;
    return memcmp(link_of(data), &nothing, sizeof nothing) != 0;
}

bool journal_link_is_fine(const uint8_t *data) {
    const struct journal_link *link = link_of(data);
    return !journal_link_is_there(data) ||
           (link->crc32c == link_crc(link) &&
            link->previous + 1 == ((const struct journal_head *)data)->segment);
}

void journal_link_put(uint8_t *data, const struct journal_hashed *before) {
    struct journal_link link = {.previous = before->number};
    memcpy(link.sha256, before->sha256, sizeof link.sha256);
    link.crc32c = link_crc(&link);
    memcpy(data + sizeof(struct journal_head), &link, sizeof link);
}

void journal_link_hash(struct journal_hashed *hashed, uint64_t number, const uint8_t *data, uint64_t bytes) {
    struct sha256 hash;
    sha256_open(&hash);
    sha256_add(&hash, data, bytes);
    sha256_close(&hash, hashed->sha256);
    hashed->number = number;
}
