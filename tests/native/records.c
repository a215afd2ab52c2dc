/* A writer and a reader on a ring of records, both flat out: each record comes once, whole, and in order. */
#include "ring/records.h"
#include "check.h"

#include <string.h>

enum { SEED = 7 };

struct pair {
    struct records *ring;
    uint32_t longest;
    uint64_t end_ns;
    uint64_t written; /* the writer's own until it is joined */
};

/* The next record of the sequence: its length, and the byte that fills it. Many are short, a few are long. */
static uint32_t next_record(const struct pair *pair, uint64_t *state, uint8_t *fill) {
    uint64_t random = check_random(state);
    *fill = (uint8_t)(random >> 56);
    uint32_t bound = random & 15 ? 200 : pair->longest;
    return (uint32_t)(random >> 8 & 0xffffffff) % (bound + 1);
}

static void *write_records(void *argument) {
    struct pair *pair = argument;
    uint64_t state = SEED;
    uint64_t dice = 1;
    uint8_t fill;
    while (check_now_ns() < pair->end_ns) {
        for (int turn = 0; turn < 256; turn++) {
            uint32_t bytes = next_record(pair, &state, &fill);
            uint8_t *to;
            if (!(check_random(&dice) & 7)) /* thinks better of it */
                records_reserve(pair->ring, (uint32_t)(check_random(&dice) % pair->longest));
            while (!(to = records_reserve(pair->ring, bytes)))
                sched_yield();
            memset(to, fill, bytes + RECORDS_SLACK);
            records_commit(pair->ring);
            pair->written++;
        }
    }
    return NULL;
}

static uint64_t read_records(struct pair *pair, uint64_t *state) {
    const uint8_t *record;
    uint64_t count = 0;
    uint32_t bytes;
    uint8_t fill;
    while ((record = records_peek(pair->ring, &bytes))) {
        CHECK(bytes == next_record(pair, state, &fill));
        for (uint32_t at = 0; at < bytes + RECORDS_SLACK; at++)
            CHECK(record[at] == fill);
        records_release(pair->ring);
        count++;
    }
    return count;
}

static void run_pair(uint32_t bytes, uint64_t end_ns) {
    struct pair pair = {.ring = records_open(bytes), .longest = bytes / 4, .end_ns = end_ns};
    CHECK(pair.ring);
    pthread_t writer = check_start(write_records, &pair);
    uint64_t state = SEED;
    uint64_t read = 0;
    while (check_now_ns() < end_ns) {
        read += read_records(&pair, &state);
        sched_yield();
    }
    /* The writer may still wait for room. */
    uint64_t patience = check_patience();
    while (pthread_tryjoin_np(writer, NULL)) {
        read += read_records(&pair, &state);
        CHECK(check_now_ns() < patience);
    }
    read += read_records(&pair, &state);
    CHECK(read == pair.written && read > 256);
    records_close(pair.ring);
    printf("ring of %u bytes: %llu records\n", bytes, (unsigned long long)read);
}

int main(int count, char **words) {
    uint64_t start_ns = check_now_ns();
    uint64_t share_ns = (check_deadline(count, words) - start_ns) / 3;
    run_pair(RECORDS_SMALLEST_RING, start_ns + share_ns);
    run_pair(1 << 16, start_ns + 2 * share_ns);
    run_pair(1 << 20, start_ns + 3 * share_ns);
}
