/* Bytes -> a segment of the journal -> the walk over it, and what a writer would do with it.
 *
 * The input is a byte that says which checksums are made right before, and the segment. Bit 0: that of the
 * head, with its magic; bit 1: that of the link; bit 2: those of all records in a row, as far as their
 * lengths lead, so that what stands behind a checksum is reached too. Bit 3: the head names the size that
 * the input has.
 *
 * What the walk calls whole is whole: cut there, and filled with zeros to the size that the head names, the
 * segment is without a flaw and says the same.
 */
#include "journal/crc32c.h"
#include "journal/flaws.h"
#include "journal/link.h"
#include "journal/scan.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

enum { RIGHT_HEAD = 1, RIGHT_LINK = 2, RIGHT_RECORDS = 4, RIGHT_SIZE = 8, MOST_BYTES = 1 << 20 };

static void require(bool holds) {
    if (!holds)
        abort();
}

static void make_head_right(uint8_t *data, uint64_t bytes, uint8_t how) {
    struct journal_head *head = (void *)data;
    struct journal_link *link = (void *)(head + 1);
    if (bytes < JOURNAL_FIRST_RECORD)
        return;
    if (how & RIGHT_SIZE)
        head->bytes = bytes;
    if (how & RIGHT_HEAD) {
        head->magic = ABI_JOURNAL_MAGIC;
        head->crc32c = journal_head_crc(head);
    }
    if (how & RIGHT_LINK)
        link->crc32c = crc32c(0, link, offsetof(struct journal_link, crc32c));
}

static void make_records_right(uint8_t *data, uint64_t bytes) {
    uint64_t at = JOURNAL_FIRST_RECORD;
    while (at + sizeof(struct journal_record) <= bytes) {
        struct journal_record *record = (void *)(data + at);
        uint64_t span = journal_record_span(record->bytes);
        if (!record->kind || span > bytes - at)
            break;
        record->crc32c = 0;
        record->crc32c = crc32c(0, record, span);
        at += span;
    }
}

static void check_what_is_found(const struct journal_scan *scan, uint64_t bytes) {
    require(scan->end <= bytes && scan->flaw_at <= bytes);
    require(journal_flaw_name(scan->flaw) != NULL);
    require(!scan->end || scan->end >= JOURNAL_FIRST_RECORD);
    require(scan->end || scan->flaw);
    require(!scan->sealed || scan->end > JOURNAL_FIRST_RECORD);
    /* Each record takes its header at least. */
    require(!scan->end ||
            scan->records <= (scan->end - JOURNAL_FIRST_RECORD) / sizeof(struct journal_record));
}

static void check_offsets(const uint8_t *data, const struct journal_scan *scan) {
    uint64_t at = JOURNAL_FIRST_RECORD;
    uint64_t offsets[7];
    uint64_t found = 0;
    uint32_t count;
    while ((count = journal_offsets(data, scan->end, &at, offsets, 7)))
        found += count;
    require(at == scan->end && found == scan->records + (scan->sealed ? 1 : 0));
}

/* As a writer leaves it that starts on it. */
static void check_cut(const uint8_t *data, const struct journal_scan *scan) {
    const struct journal_head *head = (const void *)data;
    struct journal_scan again;
    uint64_t bytes = scan->sealed ? scan->end : head->bytes;
    if (bytes > MOST_BYTES || bytes < scan->end)
        return;
    uint8_t *cut = calloc(1, bytes);
    require(cut != NULL);
    memcpy(cut, data, scan->end);
    journal_scan(cut, bytes, &again);
    require(again.flaw == JOURNAL_FINE || again.flaw == JOURNAL_BAD_LINK);
    require(again.end == scan->end && again.records == scan->records && again.sealed == scan->sealed);
    require(!memcmp(again.next, scan->next, sizeof again.next));
    free(cut);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size) {
    struct journal_scan scan;
    if (!size)
        return 0;
    /* On the heap without slack: whoever reads past the end is seen. */
    uint64_t bytes = size - 1;
    uint8_t *data = malloc(bytes ? bytes : 1);
    require(data != NULL);
    memcpy(data, input + 1, bytes);
    if (input[0] & RIGHT_RECORDS)
        make_records_right(data, bytes);
    make_head_right(data, bytes, input[0]);
    journal_scan(data, bytes, &scan);
    check_what_is_found(&scan, bytes);
    if (scan.end) {
        check_offsets(data, &scan);
        check_cut(data, &scan);
        journal_scan_finds_record(data, bytes, scan.end);
    }
    free(data);
    return 0;
}
