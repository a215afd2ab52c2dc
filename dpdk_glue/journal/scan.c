#include "journal/scan.h"

#include "journal/crc32c.h"
#include "journal/link.h"

enum { HEADER_BYTES = sizeof(struct journal_record) };

uint32_t journal_head_crc(const struct journal_head *head) {
    return crc32c(0, head, offsetof(struct journal_head, crc32c));
}

static enum journal_flaw head_flaw(const struct journal_head *head, uint64_t bytes) {
    if (bytes < JOURNAL_FIRST_RECORD || head->magic != ABI_JOURNAL_MAGIC)
        return JOURNAL_NO_HEAD;
    return head->crc32c == journal_head_crc(head) ? JOURNAL_FINE : JOURNAL_HEAD_CRC;
}

/* The checksum over a record that lies within the segment. */
static uint32_t record_crc(const struct journal_record *record) {
    struct journal_record header = *record;
    header.crc32c = 0;
    uint32_t crc = crc32c(0, &header, sizeof header);
    return crc32c(crc, record + 1, journal_record_span(record->bytes) - sizeof header);
}

/* Of what may be anything. Most of that is told apart without reading far. */
static bool is_whole(const struct journal_record *record, uint64_t room) {
    bool is_likely = record->kind && record->stream < ABI_JOURNAL_STREAMS && !record->reserved;
    return is_likely && journal_record_span(record->bytes) <= room && record->crc32c == record_crc(record);
}

static uint64_t first_byte(const uint8_t *data, uint64_t bytes, uint64_t at) {
    for (; at % 8 == 0 && at + 8 <= bytes; at += 8) {
        uint64_t word;
        memcpy(&word, data + at, sizeof word);
        if (word)
            break;
    }
    while (at < bytes && !data[at])
        at++;
    return at;
}

static void flaw_at(struct journal_scan *scan, enum journal_flaw flaw, uint64_t at) {
    scan->flaw = flaw;
    scan->flaw_at = at;
}

/* Behind the last record: nothing, up to the size of the file as it was made. A sealed one may be cut to its
 * length, or not yet. */
static void check_rest(struct journal_scan *scan, const uint8_t *data, uint64_t bytes, uint64_t full_bytes) {
    uint64_t at = first_byte(data, bytes, scan->end);
    if (at < bytes)
        flaw_at(scan, JOURNAL_BAD_REST, at);
    else if (!scan->sealed && bytes != full_bytes)
        flaw_at(scan, bytes < full_bytes ? JOURNAL_CUT_OFF : JOURNAL_BAD_REST, bytes);
}

static bool is_end(const uint8_t *data, uint64_t bytes, uint64_t at) {
    uint64_t header_end = bytes - at < HEADER_BYTES ? bytes : at + HEADER_BYTES;
    return first_byte(data, header_end, at) == header_end;
}

static enum journal_flaw check_seal(struct journal_scan *scan, const struct journal_head *head,
                                    const struct journal_record *record) {
    const struct journal_seal *seal = (const void *)(record + 1);
    if (record->bytes != sizeof *seal || record->stream || record->number || seal->segment != head->segment ||
        seal->records != scan->records || memcmp(seal->next, scan->next, sizeof scan->next) != 0 ||
        (seal->why != JOURNAL_SEAL_FULL && seal->why != JOURNAL_SEAL_END))
        return JOURNAL_BAD_SEAL;
    scan->sealed = seal->why;
    return JOURNAL_FINE;
}

/* One that begins at the end of what is scanned, and is no end. */
static enum journal_flaw check_record(struct journal_scan *scan, const uint8_t *data, uint64_t bytes) {
    const struct journal_head *head = (const void *)data;
    const struct journal_record *record = (const void *)(data + scan->end);
    if (bytes - scan->end < HEADER_BYTES)
        return JOURNAL_CUT_OFF;
    uint64_t span = journal_record_span(record->bytes);
    if (span > bytes - scan->end)
        return head->bytes > scan->end && span <= head->bytes - scan->end ? JOURNAL_CUT_OFF
                                                                          : JOURNAL_BAD_LENGTH;
    if (record->crc32c != record_crc(record))
        return JOURNAL_BAD_CRC;
    if (record->kind == JOURNAL_SEAL)
        return check_seal(scan, head, record);
    if (!record->kind || record->stream >= ABI_JOURNAL_STREAMS)
        return JOURNAL_BAD_STREAM;
    scan->expected = scan->next[record->stream];
    scan->found = record->number;
    if (scan->expected != scan->found)
        return JOURNAL_BAD_NUMBER;
    scan->next[record->stream]++;
    scan->records++;
    return JOURNAL_FINE;
}

void journal_scan(const uint8_t *data, uint64_t bytes, struct journal_scan *scan) {
    const struct journal_head *head = (const void *)data;
    memset(scan, 0, sizeof *scan);
    scan->flaw = head_flaw(head, bytes);
    if (scan->flaw)
        return;
    memcpy(scan->next, head->first, sizeof scan->next);
    scan->end = JOURNAL_FIRST_RECORD;
    scan->linked = journal_link_is_there(data) && journal_link_is_fine(data);
    while (!scan->sealed && !is_end(data, bytes, scan->end)) {
        enum journal_flaw flaw = check_record(scan, data, bytes);
        if (flaw) {
            flaw_at(scan, flaw, scan->end);
            return;
        }
        scan->end += journal_record_span(((const struct journal_record *)(data + scan->end))->bytes);
    }
    check_rest(scan, data, bytes, head->bytes);
    if (!scan->flaw && !journal_link_is_fine(data))
        flaw_at(scan, JOURNAL_BAD_LINK, sizeof *head);
}

bool journal_scan_finds_record(const uint8_t *data, uint64_t bytes, uint64_t at) {
    for (; at + HEADER_BYTES <= bytes; at += 8)
        if (is_whole((const void *)(data + at), bytes - at))
            return true;
    return false;
}

uint32_t journal_offsets(const uint8_t *data, uint64_t end, uint64_t *at, uint64_t *offsets, uint32_t room) {
    uint32_t count = 0;
    while (count < room && *at < end) {
        offsets[count++] = *at;
        *at += journal_record_span(((const struct journal_record *)(data + *at))->bytes);
    }
    return count;
}
