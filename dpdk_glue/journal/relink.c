#include "journal/relink.h"

#include "journal/flaws.h"
#include "journal/scan.h"
#include "journal/segment_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
    int directory;
    const char *path;
    char *error;
    size_t room;
};

static int fail(const struct place *place, uint64_t number, const char *what) {
    char name[SEGMENT_NAME_BYTES];
    segment_file_name(name, number);
    snprintf(place->error, place->room, "%s/%s: %s: the next segment cannot be chained to it", place->path,
             name, what);
    return -1;
}

static int open_segment(const struct place *place, uint64_t number) {
    char name[SEGMENT_NAME_BYTES];
    segment_file_name(name, number);
    return openat(place->directory, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
}

/* 1 or 0; -1 with errno: it cannot be read. */
static int is_linked(const struct place *place, uint64_t number) {
    uint64_t start[JOURNAL_FIRST_RECORD / 8];
    const uint8_t *data = (const uint8_t *)start;
    int file = open_segment(place, number);
    if (file < 0)
        return -1;
    ssize_t count = pread(file, start, sizeof start, 0);
    close(file);
    if (count != (ssize_t)sizeof start) {
        errno = EIO;
        return -1;
    }
    return journal_link_is_there(data) && journal_link_is_fine(data);
}

static int put_link(const struct place *place, uint64_t number, const struct journal_hashed *before) {
    uint64_t start[JOURNAL_FIRST_RECORD / 8];
    const size_t at = sizeof(struct journal_head);
    int file = open_segment(place, number);
    if (file < 0)
        return fail(place, number, strerror(errno));
    journal_link_put((uint8_t *)start, before);
    ssize_t count = pwrite(file, (uint8_t *)start + at, sizeof start - at, (off_t)at);
    close(file);
    return count == (ssize_t)(sizeof start - at) ? 0 : fail(place, number, strerror(errno));
}

static int hash_data(struct journal_hashed *hashed, const struct place *place, uint64_t number, int file,
                     const uint8_t *data, uint64_t bytes) {
    struct journal_scan scan;
    journal_scan(data, bytes, &scan);
    if (scan.flaw || !scan.sealed)
        return fail(place, number, scan.flaw ? journal_flaw_name(scan.flaw) : "it is not sealed");
    journal_link_hash(hashed, number, data, scan.end);
    if (bytes > scan.end && ftruncate(file, (off_t)scan.end) < 0)
        return fail(place, number, strerror(errno));
    return 0;
}

static int hash_segment(struct journal_hashed *hashed, const struct place *place, uint64_t number) {
    struct stat status;
    int file = open_segment(place, number);
    if (file < 0)
        return fail(place, number, strerror(errno));
    uint64_t bytes = fstat(file, &status) < 0 ? 0 : (uint64_t)status.st_size;
    void *data = bytes ? mmap(NULL, bytes, PROT_READ, MAP_SHARED, file, 0) : MAP_FAILED;
    int result = data == MAP_FAILED ? fail(place, number, "it cannot be mapped")
                                    : hash_data(hashed, place, number, file, data, bytes);
    if (data != MAP_FAILED)
        munmap(data, bytes);
    close(file);
    return result;
}

int journal_relink(struct journal_hashed *hashed, int directory, const char *path, uint64_t last,
                   bool is_sealed, char *error, size_t room) {
    struct place place = {.directory = directory, .path = path, .room = room};
    uint64_t number = last;
    int linked;
    place.error = error;
    memset(hashed, 0, sizeof *hashed);
    while ((linked = is_linked(&place, number)) == 0 && number > 1)
        number--;
    if (linked < 0)
        return fail(&place, number, strerror(errno));
    if (!linked && put_link(&place, number, hashed) < 0)
        return -1;
    /* The one before the last may be linked to and not cut yet; it may also be archived. */
    if (number == last && number > 1 && is_linked(&place, number - 1) == 1)
        number--;
    for (; number < last; number++) {
        if (hash_segment(hashed, &place, number) < 0)
            return -1;
        if (!is_linked(&place, number + 1) && put_link(&place, number + 1, hashed) < 0)
            return -1;
    }
    return is_sealed ? hash_segment(hashed, &place, last) : 0;
}
