#include "journal/taps.h"
#include "journal/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { SMALLEST_SEGMENT = 8192, PAGE_BYTES = 4096 };

struct told {
    char *error;
    size_t room;
};

__attribute__((format(printf, 2, 3))) static int refuse(const struct told *told, const char *form, ...) {
    va_list values;
    va_start(values, form);
    vsnprintf(told->error, told->room, form, values);
    va_end(values);
    return -1;
}

/* The longest record of any ring, a head and a seal must fit in a segment. */
static bool do_records_fit(const struct journal_taps *taps) {
    uint64_t most = 0;
    for (int stream = 0; stream < ABI_JOURNAL_STREAMS; stream++)
        if (taps->tap[stream].ring_bytes > most)
            most = taps->tap[stream].ring_bytes;
    return taps->segment_bytes % PAGE_BYTES == 0 && taps->segment_bytes >= SMALLEST_SEGMENT &&
           taps->segment_bytes / 2 >= most / 4;
}

static int take_directory(struct journal_writer *writer, const char *directory, const struct told *told) {
    snprintf(writer->path, sizeof writer->path, "%s", directory);
    writer->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (writer->directory < 0)
        return refuse(told, "%s: %s: the journal needs a directory of its own", directory, strerror(errno));
    if (flock(writer->directory, LOCK_EX | LOCK_NB) == 0)
        return 0;
    int failure = errno;
    close(writer->directory);
    return failure == EWOULDBLOCK
               ? refuse(told, "%s: another writer has this journal: stop it, or choose another directory",
                        directory)
               : refuse(told, "%s: %s", directory, strerror(failure));
}

static void go_on_from(struct journal_writer *writer, const struct journal_recovered *found) {
    writer->current = found->segment;
    writer->number = found->number;
    writer->end = found->end;
    writer->records = found->records;
    writer->coming.file = -1;
    memcpy(writer->next, found->next, sizeof writer->next);
    for (uint32_t stream = 0; stream < ABI_JOURNAL_STREAMS; stream++)
        writer->ring[stream] = journal_taps_ring(writer->taps, stream);
}

/* From here on producers may take up their numbers. */
static void publish(struct journal_writer *writer, const struct journal_recovered *found) {
    struct journal_state *state = writer->state;
    for (int stream = 0; stream < ABI_JOURNAL_STREAMS; stream++)
        __atomic_store_n(&state->written[stream], found->next[stream] - 1, __ATOMIC_RELEASE);
    state->segment = found->number;
    state->segment_room = found->segment.file < 0 ? 0 : found->segment.bytes - found->end;
    state->cut_bytes += found->cut_bytes;
    state->pid = (uint32_t)getpid();
    __atomic_store_n(&state->starts, state->starts + 1, __ATOMIC_RELEASE);
}

static int start_threads(struct journal_writer *writer, const struct journal_hashed *hashed) {
    if (preparer_open(&writer->preparer, writer->directory, writer->taps->segment_bytes) < 0)
        return -1;
    if (syncer_open(&writer->syncer, writer->directory, writer->taps->sync_ms, writer->state, hashed) == 0)
        return 0;
    int failure = errno;
    preparer_close(&writer->preparer);
    errno = failure;
    return -1;
}

int journal_writer_open(struct journal_writer *writer, struct journal_taps *taps, const char *directory,
                        char *error, size_t room) {
    const struct told told = {error, room};
    struct journal_recovered found;
    *writer = (struct journal_writer){.taps = taps, .state = &taps->state, .is_stalled = true};
    if (!do_records_fit(taps))
        return refuse(&told,
                      "segments of %llu bytes: they must be a multiple of 4096, 8192 at least, and half "
                      "as large as the largest ring",
                      (unsigned long long)taps->segment_bytes);
    if (take_directory(writer, directory, &told) < 0)
        return -1;
    if (journal_recover(&found, writer->directory, directory, error, room) < 0) {
        close(writer->directory);
        return -1;
    }
    go_on_from(writer, &found);
    if (start_threads(writer, &found.hashed) < 0) {
        segment_file_close(&writer->current, 0);
        close(writer->directory);
        return refuse(&told, "%s: no threads for the journal: %s", directory, strerror(errno));
    }
    if (writer->current.file >= 0)
        syncer_switch(&writer->syncer, &writer->current, writer->number, 0);
    if (found.is_foreign)
        writer->must_seal = true;
    publish(writer, &found);
    return 0;
}
