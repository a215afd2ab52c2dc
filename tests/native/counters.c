/* The words of the segment that one thread counts up and others read: none goes back, none is lost. */
#include "check.h"
#include "stats/histogram.h"

enum { TIMES = 4096 };

static struct shm_live live;
static struct histogram histogram;
static uint64_t end_ns;
static uint32_t done;

static void *count_up(void *unused) {
    (void)unused;
    uint64_t state = 1;
    do {
        for (int i = 0; i < TIMES; i++) {
            histogram_add(&histogram, check_random(&state) >> (32 + i % 32));
            histogram_grow(&live.messages, 3);
            histogram_grow(&live.loops, 1);
        }
    } while (check_now_ns() < end_ns);
    __atomic_store_n(&done, 1, __ATOMIC_RELEASE);
    return NULL;
}

static uint64_t look(const uint64_t *word, uint64_t before) {
    uint64_t now = __atomic_load_n(word, __ATOMIC_RELAXED);
    CHECK(now >= before);
    return now;
}

static void *read_counts(void *unused) {
    (void)unused;
    static __thread uint64_t bucket[ABI_HISTOGRAM_BUCKETS];
    uint64_t messages = 0;
    uint64_t loops = 0;
    uint64_t total = 0;
    uint64_t longest = 0;
    while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE)) {
        messages = look(&live.messages, messages);
        loops = look(&live.loops, loops);
        total = look(&histogram.count, total);
        longest = look(&histogram.max_cycles, longest);
        for (uint32_t i = 0; i < ABI_HISTOGRAM_BUCKETS; i++)
            bucket[i] = look(&histogram.bucket[i], bucket[i]);
    }
    return NULL;
}

/* After the threads: what was counted must add up, and it can be worked out again. */
static void check_sums(void) {
    uint64_t in_buckets = 0;
    uint64_t cycles = 0;
    uint64_t longest = 0;
    uint64_t state = 1;
    for (uint32_t i = 0; i < ABI_HISTOGRAM_BUCKETS; i++)
        in_buckets += histogram.bucket[i];
    CHECK(in_buckets == histogram.count);
    CHECK(live.loops > 0 && live.loops % TIMES == 0 && live.messages == 3 * live.loops);
#ifndef APPLIANCE_NO_STATS
    CHECK(histogram.count == live.loops);
    for (uint64_t i = 0; i < live.loops; i++) {
        uint64_t time = check_random(&state) >> (32 + i % TIMES % 32);
        cycles += time;
        longest = time > longest ? time : longest;
    }
#endif
    CHECK(histogram.cycles == cycles && histogram.max_cycles == longest && state);
    printf("%llu times counted\n", (unsigned long long)histogram.count);
}

int main(int count, char **words) {
    end_ns = check_deadline(count, words);
    pthread_t threads[] = {check_start(count_up, NULL), check_start(read_counts, NULL),
                           check_start(read_counts, NULL)};
    for (unsigned i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    check_sums();
}
