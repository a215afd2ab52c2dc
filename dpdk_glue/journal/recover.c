#include "journal/recover.h"

#include "abi_hash.h"
#include "journal/flaws.h"
#include "journal/relink.h"
#include "journal/scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MODE = 0640 };

struct place {
    int directory;
    const char *path;
    char name[SEGMENT_NAME_BYTES]; /* of the segment */
    char *error;
    size_t room;
};

__attribute__((format(printf, 2, 3))) static int fail(const struct place *place, const char *form, ...) {
    va_list values;
    int length = snprintf(place->error, place->room, "%s/%s: ", place->path, place->name);
    va_start(values, form);
    if (length >= 0 && (size_t)length < place->room)
        vsnprintf(place->error + length, place->room - (size_t)length, form, values);
    va_end(values);
    return -1;
}

/* The number in the name of a segment file, or 0. */
static uint64_t number_in(const char *name) {
    char *end;
    char again[SEGMENT_NAME_BYTES];
    if (strncmp(name, "journal-", 8) != 0)
        return 0;
    uint64_t number = strtoull(name + 8, &end, 10);
    segment_file_name(again, number);
    return strcmp(name, again) == 0 ? number : 0;
}

static int find_last(int directory, uint64_t *last) {
    int again = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = again < 0 ? NULL : fdopendir(again);
    const struct dirent *entry;
    *last = 0;
    if (!listing) {
        if (again >= 0)
            close(again);
        return -1;
    }
    while ((entry = readdir(listing))) {
        uint64_t number = number_in(entry->d_name);
        *last = number > *last ? number : *last;
    }
    closedir(listing);
    return 0;
}

static int write_all(int file, const uint8_t *data, uint64_t bytes) {
    while (bytes) {
        ssize_t written = write(file, data, bytes);
        if (written < 0)
            return -1;
        data += written;
        bytes -= (uint64_t)written;
    }
    return fsync(file);
}

/* Keeps what lies behind the last whole record, up to `bytes`. */
static int keep_rest(const struct place *place, const uint8_t *rest, uint64_t bytes, uint64_t at) {
    char name[2 * SEGMENT_NAME_BYTES];
    snprintf(name, sizeof name, "%.14s-from-%" PRIu64 ".rest", place->name, at);
    int file = openat(place->directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, MODE);
    int result = file < 0 ? -1 : write_all(file, rest, bytes);
    int failure = errno;
    if (file >= 0)
        close(file);
    return result == 0 ? 0
                       : fail(place, "whole records stand behind damage, and cannot be kept in %s: %s", name,
                              strerror(failure));
}

/* The bytes up to the last one that is not 0. */
static uint64_t without_zeros(const uint8_t *data, uint64_t bytes) {
    while (bytes && !data[bytes - 1])
        bytes--;
    return bytes;
}

/* Cuts off what is not whole, in memory of the file: from the end of the records on there are zeros. */
static int cut(struct journal_recovered *found, const struct place *place) {
    uint8_t *rest = found->segment.data + found->end;
    uint64_t bytes = without_zeros(rest, found->segment.bytes - found->end);
    if (!bytes)
        return 0;
    if (journal_scan_finds_record(rest, bytes, 8) && keep_rest(place, rest, bytes, found->end) < 0)
        return -1;
    memset(rest, 0, bytes);
    found->cut_bytes = bytes;
    return 0;
}

static bool may_be_torn(enum journal_flaw flaw) {
    return flaw == JOURNAL_FINE || flaw == JOURNAL_CUT_OFF || flaw == JOURNAL_BAD_LENGTH ||
           flaw == JOURNAL_BAD_CRC || flaw == JOURNAL_BAD_REST || flaw == JOURNAL_BAD_LINK;
}

/* Opens the last segment to go on in it. */
static int go_on(struct journal_recovered *found, const struct place *place,
                 const struct journal_head *head) {
    static const uint8_t hash[32] = ABI_HASH_BYTES;
    found->is_foreign = memcmp(head->abi_hash, hash, sizeof hash) != 0;
    if (segment_file_open(&found->segment, place->directory, found->number, head->bytes) < 0)
        return fail(place, "%s: the journal cannot go on in it", strerror(errno));
    if (cut(found, place) < 0)
        return -1;
    if (found->segment.bytes > head->bytes) { /* of what stood there too much there are only zeros now */
        found->segment.bytes = head->bytes;
        if (ftruncate(found->segment.file, (off_t)head->bytes) < 0)
            return fail(place, "%s", strerror(errno));
    }
    return segment_file_sync(&found->segment, head->bytes) < 0 ? fail(place, "%s", strerror(errno)) : 0;
}

static int look_into(struct journal_recovered *found, const struct place *place, const uint8_t *data,
                     uint64_t bytes) {
    struct journal_scan scan;
    journal_scan(data, bytes, &scan);
    if (!may_be_torn((enum journal_flaw)scan.flaw))
        return fail(place, "byte %" PRIu64 ": %s: look at it with appliance journal verify, and move it away",
                    scan.flaw_at, journal_flaw_name(scan.flaw));
    found->end = scan.end;
    found->records = scan.records;
    memcpy(found->next, scan.next, sizeof found->next);
    if (scan.sealed && scan.flaw && scan.flaw != JOURNAL_BAD_LINK)
        return fail(place, "byte %" PRIu64 ": %s, and it is sealed: look at it with appliance journal verify",
                    scan.flaw_at, journal_flaw_name(scan.flaw));
    if (!scan.sealed && go_on(found, place, (const void *)data) < 0)
        return -1;
    return journal_relink(&found->hashed, place->directory, place->path, found->number, scan.sealed,
                          place->error, place->room);
}

/* One whose head never came to the disk: the machine went down as it was begun. 1 if the name is free now. */
static int set_aside(const struct place *place, const uint8_t *data, uint64_t bytes) {
    static const uint8_t nothing[sizeof(struct journal_head)];
    char name[SEGMENT_NAME_BYTES];
    if (bytes >= sizeof nothing && memcmp(data, nothing, sizeof nothing) != 0)
        return 0;
    snprintf(name, sizeof name, "%.14s.rest", place->name);
    if (renameat(place->directory, place->name, place->directory, name) < 0)
        return fail(place, "it has no head, and cannot be set aside: %s", strerror(errno));
    return 1;
}

/* 1: there was something in its place that is out of the way now. */
static int look_at_last(struct journal_recovered *found, const struct place *place) {
    struct stat status;
    int file = openat(place->directory, place->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0)
        return fail(place, "%s", strerror(errno));
    uint64_t bytes = fstat(file, &status) < 0 ? 0 : (uint64_t)status.st_size;
    void *data = bytes ? mmap(NULL, bytes, PROT_READ, MAP_SHARED, file, 0) : NULL;
    close(file);
    if (data == MAP_FAILED)
        return fail(place, "%s", strerror(errno));
    int result = set_aside(place, data, bytes);
    if (!result && data)
        result = look_into(found, place, data, bytes);
    if (data)
        munmap(data, bytes);
    return result;
}

int journal_recover(struct journal_recovered *found, int directory, const char *path, char *error,
                    size_t room) {
    struct place place = {.directory = directory, .path = path, .room = room};
    int result;
    place.error = error;
    do {
        memset(found, 0, sizeof *found);
        found->segment.file = -1;
        for (int stream = 0; stream < ABI_JOURNAL_STREAMS; stream++)
            found->next[stream] = 1;
        if (find_last(directory, &found->number) < 0)
            return fail(&place, "%s", strerror(errno));
        segment_file_name(place.name, found->number);
        result = found->number ? look_at_last(found, &place) : 0;
    } while (result > 0);
    if (result < 0)
        segment_file_close(&found->segment, 0);
    return result;
}
