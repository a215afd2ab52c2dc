#include "journal/writer.h"

#include "abi_hash.h"
#include "journal/crc32c.h"
#include "journal/scan.h"
#include "journal/taps.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

enum {
    HELPING_RECORDS = 256, /* from one ring, before the next one has its turn */
    SEAL_SPAN = sizeof(struct journal_record) + sizeof(struct journal_seal),
};

void journal_writer_say(struct journal_state *state, enum journal_writer_state what, const char *message) {
    snprintf(state->message, sizeof state->message, "%s", message);
    __atomic_store_n(&state->state, what, __ATOMIC_RELEASE);
}

// NOLINTNEXTLINE(readability-non-const-parameter): clang-tidy takes the atomic store for a read
static void count(uint64_t *counter, uint64_t more) {
    __atomic_store_n(counter, *counter + more, __ATOMIC_RELAXED);
}

/* Appends a record for which there is room. Its header comes last: what was begun when the writer is killed
 * has none, and so is none. */
static void append(struct journal_writer *writer, struct journal_record header, const uint8_t *payload) {
    uint8_t *to = writer->current.data + writer->end;
    header.crc32c = 0;
    uint32_t crc = crc32c(0, &header, sizeof header);
    header.crc32c = crc32c_copy(crc, to + sizeof header, payload, header.bytes);
    __atomic_signal_fence(__ATOMIC_RELEASE);
    memcpy(to, &header, sizeof header);
    writer->end += journal_record_span(header.bytes);
}

static void seal(struct journal_writer *writer, enum journal_seal_why why) {
    struct journal_seal seal = {.segment = writer->number, .records = writer->records, .why = why};
    memcpy(seal.next, writer->next, sizeof seal.next);
    append(writer, (struct journal_record){.bytes = sizeof seal, .kind = JOURNAL_SEAL}, (uint8_t *)&seal);
    writer->is_sealed = true;
}

static void write_head(const struct journal_writer *writer, uint8_t *data) {
    static const uint8_t hash[32] = ABI_HASH_BYTES;
    struct timespec now;
    struct journal_head head = {
        .magic = ABI_JOURNAL_MAGIC, .segment = writer->number + 1, .bytes = writer->coming.bytes};
    clock_gettime(CLOCK_REALTIME, &now);
    head.wall_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
    memcpy(head.abi_hash, hash, sizeof hash);
    memcpy(head.first, writer->next, sizeof head.first);
    head.crc32c = journal_head_crc(&head);
    memcpy(data, &head, sizeof head);
}

/* Takes nothing for now. `failure` is an errno; 0 = it will not be long. */
static bool stall(struct journal_writer *writer, int failure, const char *what) {
    char message[sizeof writer->state->message];
    bool is_full = failure == ENOSPC || failure == EDQUOT || failure == EFBIG;
    if (!writer->is_stalled)
        count(&writer->state->stalls, 1);
    writer->is_stalled = writer->stalls = true;
    if (failure) {
        snprintf(message, sizeof message, "%s: %s: %s; trying again, and nothing is lost", writer->path, what,
                 strerror(failure));
        journal_writer_say(writer->state, is_full ? JOURNAL_WRITER_FULL : JOURNAL_WRITER_FAILED, message);
    }
    return false;
}

/* After a round in which nothing was in the way. */
static void go_on(struct journal_writer *writer) {
    writer->is_stalled = false;
    if (writer->state->state != JOURNAL_WRITER_OK)
        journal_writer_say(writer->state, JOURNAL_WRITER_OK, "");
}

/* Begins the next segment; the one before is sealed. */
static bool begin_segment(struct journal_writer *writer) {
    if (writer->coming.file < 0 && !preparer_take(&writer->preparer, &writer->coming))
        return stall(writer, preparer_failure(&writer->preparer), "no room for the next segment");
    if (writer->current.file >= 0 && !writer->is_sealed)
        seal(writer, JOURNAL_SEAL_FULL);
    write_head(writer, writer->coming.data);
    if (segment_file_name_it(&writer->coming, writer->directory, writer->number + 1) < 0)
        return stall(writer, errno, "the next segment cannot be given its name");
    if (!syncer_switch(&writer->syncer, &writer->coming, writer->number + 1, writer->end))
        return stall(writer, 0, "");
    writer->current = writer->coming;
    writer->coming.file = -1;
    preparer_go_on(&writer->preparer);
    writer->number++;
    writer->end = JOURNAL_FIRST_RECORD;
    writer->records = 0;
    writer->is_sealed = writer->must_seal = false;
    __atomic_store_n(&writer->state->segment, writer->number, __ATOMIC_RELAXED);
    __atomic_store_n(&writer->state->segment_room, writer->current.bytes - writer->end, __ATOMIC_RELAXED);
    return true;
}

static bool make_room(struct journal_writer *writer, uint64_t span) {
    if (writer->current.file >= 0 && !writer->is_sealed && !writer->must_seal &&
        writer->end + span + SEAL_SPAN <= writer->current.bytes)
        return true;
    return begin_segment(writer);
}

/* A record in a ring that cannot be there: somebody wrote over it, or two produce for one stream. */
static bool refuse(struct journal_writer *writer, uint32_t stream, const char *what, uint64_t number) {
    char message[sizeof writer->state->message];
    snprintf(message, sizeof message,
             "stream %" PRIu32 ": %s %" PRIu64 " where %" PRIu64
             " comes next: the ring is damaged, and nothing more is taken",
             stream, what, number, writer->next[stream]);
    journal_writer_say(writer->state, JOURNAL_WRITER_FAILED, message);
    writer->has_failed = writer->is_stalled = writer->stalls = true;
    return false;
}

/* True if the record may be released. */
static bool take(struct journal_writer *writer, uint32_t stream, const uint8_t *record, uint32_t bytes) {
    struct journal_record header;
    memcpy(&header, record, sizeof header);
    if (bytes < sizeof header || header.bytes != bytes - sizeof header || header.stream != stream ||
        !header.kind || header.kind == JOURNAL_SEAL || header.reserved)
        return refuse(writer, stream, "no record, where a record should be, number", header.number);
    /* Only the first can be in the file already: the last writer was killed before it released it. */
    bool is_double = header.number && header.number + 1 == writer->next[stream] && !writer->has_taken[stream];
    if (!is_double && header.number != writer->next[stream])
        return refuse(writer, stream, "record", header.number);
    if (is_double) {
        count(&writer->state->doubles, 1);
        return true;
    }
    uint64_t span = journal_record_span(header.bytes);
    if (!make_room(writer, span))
        return false;
    append(writer, header, record + sizeof header);
    writer->records++;
    writer->next[stream]++;
    count(&writer->state->records, 1);
    count(&writer->state->bytes, span);
    __atomic_store_n(&writer->state->segment_room, writer->current.bytes - writer->end, __ATOMIC_RELAXED);
    /* Release: who sees the number finds the record, and how far the segment is written. */
    __atomic_store_n(&writer->state->written[stream], header.number, __ATOMIC_RELEASE);
    return true;
}

static uint32_t help_yourself(struct journal_writer *writer, uint32_t stream) {
    const uint8_t *record;
    uint32_t bytes;
    uint32_t taken = 0;
    while (taken < HELPING_RECORDS && (record = records_peek(writer->ring[stream], &bytes))) {
        if (!take(writer, stream, record, bytes))
            break;
        records_release(writer->ring[stream]);
        writer->has_taken[stream] = true;
        taken++;
    }
    return taken;
}

static bool may_write(struct journal_writer *writer) {
    if (writer->has_failed)
        return false;
    int failure = syncer_failure(&writer->syncer);
    return !failure || stall(writer, failure, "what is written does not reach the disk");
}

uint32_t journal_writer_round(struct journal_writer *writer) {
    uint32_t taken = 0;
    writer->stalls = false;
    if (!may_write(writer) || !make_room(writer, 0))
        return 0;
    for (uint32_t stream = 0; stream < ABI_JOURNAL_STREAMS && !writer->stalls; stream++) {
        if (writer->ring[stream])
            taken += help_yourself(writer, stream);
    }
    if (!writer->stalls)
        go_on(writer);
    return taken;
}

bool journal_writer_is_stalled(const struct journal_writer *writer) {
    return writer->is_stalled;
}

uint64_t journal_writer_lag(const struct journal_writer *writer) {
    uint64_t bytes = 0;
    for (int stream = 0; stream < ABI_JOURNAL_STREAMS; stream++)
        bytes += writer->ring[stream] ? records_waiting(writer->ring[stream]) : 0;
    return bytes;
}

int journal_writer_close(struct journal_writer *writer) {
    if (writer->current.file >= 0 && !writer->is_sealed)
        seal(writer, JOURNAL_SEAL_END);
    if (writer->coming.file >= 0) {
        unlinkat(writer->directory, writer->coming.name, 0);
        segment_file_close(&writer->coming, 0);
    }
    preparer_close(&writer->preparer);
    int result = syncer_close(&writer->syncer, writer->end);
    int failure = errno;
    close(writer->directory);
    errno = failure;
    return result;
}
