#include "stage/live.h"

#include <string.h>

/* Readers see each word whole; the words of one struct may be of two moments. */
static void tell_words(void *to, const void *from, size_t bytes) {
    uint64_t *words = to;
    const uint64_t *fresh = from;
    for (size_t i = 0; i < bytes / sizeof *words; i++)
        __atomic_store_n(&words[i], fresh[i], __ATOMIC_RELAXED);
}

static uint32_t recovery_state_of(const struct live *live) {
    if (live->recovery)
        return recovery_state(live->recovery);
    return live->flagged ? RECOVERY_LOST : RECOVERY_WHOLE;
}

static void tell_live(struct live *live) {
    struct shm_live *shown = &live->segment->header->live;
    __atomic_store_n(&shown->messages, live->books->counters.messages, __ATOMIC_RELAXED);
    __atomic_store_n(&shown->sequence, live->books->sequence - 1, __ATOMIC_RELAXED);
    __atomic_store_n(&shown->digest, live->books->counters.digest, __ATOMIC_RELAXED);
    __atomic_store_n(&shown->recovery_state, recovery_state_of(live), __ATOMIC_RELAXED);
    __atomic_store_n(&shown->stale_books, book_stale_count(live->books), __ATOMIC_RELAXED);
}

static void tell_counters(struct live *live) {
    struct shm_stats *stats = live->segment->stats;
    struct book_counters books;
    for (uint32_t i = 0; i < live->plan->ports && live->ports[i]; i++) /* a replay has none */
        tell_words(&stats->port[i], &live->ports[i]->counters, sizeof stats->port[i]);
    tell_words(&stats->recovery, &live->recovery_counters, sizeof stats->recovery);
    tell_words(&stats->frames, &live->frames, sizeof stats->frames);
    tell_words(&stats->mold, mold64_read_counters(live->mold), sizeof stats->mold);
    book_read_counters(live->books, &books);
    tell_words(&stats->books, &books, sizeof stats->books);
    uint64_t other = live->other_destination + live->found_lines.other;
    __atomic_store_n(&stats->other_destination, other, __ATOMIC_RELAXED);
    live->told = live->now;
}

void live_tell(struct live *live) {
    struct shm_live *shown = &live->segment->header->live;
    histogram_grow(&shown->loops, 1);
    if (live->books->dirty_count || live->publisher.session != live->books->session) {
        live_enter(live, STAGE_PUBLISH);
        uint64_t since = histogram_stamp();
        publisher_write(&live->publisher, live->books);
        histogram_add(&live->segment->stats->stage[STAGE_PUBLISH], histogram_stamp() - since);
    }
    tell_live(live);
    if (live->now - live->told > live->cycles_per_ms) {
        publisher_step(&live->publisher, live->books); /* it may know more symbols by now */
        tell_counters(live);
    }
    __atomic_store_n(&shown->heartbeat_cycles, live->now, __ATOMIC_RELEASE);
}

void live_tell_all(struct live *live) {
    publisher_step(&live->publisher, live->books);
    tell_live(live);
    tell_counters(live);
}

void live_tell_depth(struct live *live) {
    uint64_t digest = book_depth_digest(live->books);
    __atomic_store_n(&live->segment->header->live.depth_digest, digest, __ATOMIC_RELAXED);
}
