/* Three threads append to their streams, a writer brings them into files of the smallest size, and is closed
 * and opened again all the while: each record stands there once, whole, in the order of its stream.
 */
#include "check.h"
#include "journal/link.h"
#include "journal/scan.h"
#include "journal/segment_file.h"
#include "journal/tap.h"
#include "journal/taps.h"
#include "journal/writer.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { STREAMS = 3, RING_BYTES = 1 << 14, SEGMENT_BYTES = 1 << 16, LONGEST = 3000 };

struct producer {
    struct journal_taps *taps;
    uint32_t stream;
    uint64_t end_ns;
    uint64_t appended;
};

/* Of record `number` of a stream: so many bytes of this value. */
static uint32_t payload_of(uint32_t stream, uint64_t number, uint8_t *fill) {
    uint64_t state = number * STREAMS + stream;
    uint64_t random = check_random(&state);
    *fill = (uint8_t)(random >> 56);
    return (uint32_t)(random % (random >> 32 & 15 ? 120 : LONGEST));
}

static void *append_records(void *argument) {
    struct producer *producer = argument;
    struct journal_tap tap;
    CHECK(journal_tap_open(&tap, producer->taps, producer->stream) == 0);
    while (check_now_ns() < producer->end_ns) {
        uint8_t fill;
        uint32_t bytes = payload_of(producer->stream, tap.next, &fill);
        void *to = journal_tap_reserve(&tap, JOURNAL_NOTE, bytes, 0);
        if (!to) {
            sched_yield();
            continue;
        }
        memset(to, fill, bytes);
        journal_tap_commit(&tap);
    }
    producer->appended = tap.next - 1;
    journal_tap_close(&tap);
    return NULL;
}

static void open_writer(struct journal_writer *writer, struct journal_taps *taps, const char *directory) {
    char error[512];
    if (journal_writer_open(writer, taps, directory, error, sizeof error) < 0) {
        fprintf(stderr, "%s\n", error);
        CHECK(!"the writer opens");
    }
}

static void check_records(const uint8_t *data, uint64_t end, uint64_t next[ABI_JOURNAL_STREAMS]) {
    uint64_t offset;
    uint64_t at = JOURNAL_FIRST_RECORD;
    while (journal_offsets(data, end, &at, &offset, 1)) {
        const struct journal_record *record = (const void *)(data + offset);
        const uint8_t *payload = (const void *)(record + 1);
        uint8_t fill;
        if (record->kind == JOURNAL_SEAL)
            continue;
        CHECK(record->number == next[record->stream]++);
        CHECK(record->bytes == payload_of(record->stream, record->number, &fill));
        for (uint32_t i = 0; i < record->bytes; i++)
            CHECK(payload[i] == fill);
    }
}

/* The number of segments; each is linked to the one before, and is removed when it has been read. */
static uint64_t check_files(int directory, uint64_t next[ABI_JOURNAL_STREAMS]) {
    struct journal_hashed before = {0};
    for (uint64_t number = 1;; number++) {
        struct journal_scan scan;
        char name[SEGMENT_NAME_BYTES];
        segment_file_name(name, number);
        int file = openat(directory, name, O_RDONLY);
        if (file < 0)
            return number - 1;
        uint64_t bytes = (uint64_t)lseek(file, 0, SEEK_END);
        uint8_t *data = mmap(NULL, bytes, PROT_READ, MAP_SHARED, file, 0);
        CHECK(data != MAP_FAILED);
        journal_scan(data, bytes, &scan);
        CHECK(!scan.flaw && scan.sealed && scan.linked && scan.end == bytes);
        const struct journal_link *link = (const void *)(data + sizeof(struct journal_head));
        CHECK(link->previous == before.number && !memcmp(link->sha256, before.sha256, sizeof before.sha256));
        journal_link_hash(&before, number, data, bytes);
        check_records(data, scan.end, next);
        munmap(data, bytes);
        close(file);
        CHECK(unlinkat(directory, name, 0) == 0);
    }
}

int main(int count, char **words) {
    static struct journal_writer writer;
    const uint64_t rings[ABI_JOURNAL_STREAMS] = {RING_BYTES, RING_BYTES, RING_BYTES};
    char path[] = "/tmp/native-journal-XXXXXX";
    uint64_t end_ns = check_deadline(count, words);
    uint64_t next[ABI_JOURNAL_STREAMS] = {1, 1, 1};
    struct producer producers[STREAMS];
    pthread_t threads[STREAMS];
    int runs = 0;
    CHECK(mkdtemp(path));
    int directory = open(path, O_RDONLY | O_DIRECTORY);
    struct journal_taps *taps = journal_taps_place(aligned_alloc(4096, journal_taps_bytes(rings)), rings);
    CHECK(directory >= 0 && taps);
    taps->segment_bytes = SEGMENT_BYTES;
    taps->sync_ms = 5;
    open_writer(&writer, taps, path);
    for (uint32_t stream = 0; stream < STREAMS; stream++) {
        producers[stream] = (struct producer){taps, stream, end_ns, 0};
        threads[stream] = check_start(append_records, &producers[stream]);
    }
    for (uint64_t reopen_ns = 0; check_now_ns() < end_ns; runs++) {
        reopen_ns = check_now_ns() + 100000000;
        while (check_now_ns() < reopen_ns)
            if (!journal_writer_round(&writer))
                sched_yield();
        CHECK(journal_writer_close(&writer) == 0);
        open_writer(&writer, taps, path);
    }
    for (uint32_t stream = 0; stream < STREAMS; stream++)
        pthread_join(threads[stream], NULL);
    uint64_t patience = check_patience();
    while (journal_writer_lag(&writer)) {
        journal_writer_round(&writer);
        CHECK(check_now_ns() < patience);
    }
    CHECK(journal_writer_close(&writer) == 0);
    uint64_t segments = check_files(directory, next);
    for (uint32_t stream = 0; stream < STREAMS; stream++)
        CHECK(next[stream] == producers[stream].appended + 1 && next[stream] > 50);
    printf("%llu records in %llu segments of %d writers\n", (unsigned long long)taps->state.records,
           (unsigned long long)segments, runs + 1);
    close(directory);
    CHECK(rmdir(path) == 0);
    free(taps);
}
