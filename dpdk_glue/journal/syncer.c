#include "journal/syncer.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { RETRY_MS = 100, LAST_TRIES = 20 };

/* What one attempt is about: taken with the lock held, worked on without it. */
struct attempt {
    struct syncer_sealed sealed[SYNCER_SEGMENTS];
    uint32_t sealed_count;
    struct segment_file current;
    uint64_t written[ABI_JOURNAL_STREAMS];
};

static void begin(const struct syncer *syncer, struct attempt *attempt) {
    attempt->sealed_count = syncer->sealed_count;
    memcpy(attempt->sealed, syncer->sealed, syncer->sealed_count * sizeof *syncer->sealed);
    attempt->current = syncer->current;
    /* Acquire: these records stand in the segments. */
    for (int stream = 0; stream < ABI_JOURNAL_STREAMS; stream++)
        attempt->written[stream] = __atomic_load_n(&syncer->state->written[stream], __ATOMIC_ACQUIRE);
}

static int sync_all(const struct syncer *syncer, const struct attempt *attempt) {
    for (uint32_t i = 0; i < attempt->sealed_count; i++)
        if (segment_file_sync(&attempt->sealed[i].segment) < 0)
            return errno;
    if (attempt->current.file >= 0 && segment_file_sync(&attempt->current) < 0)
        return errno;
    return fsync(syncer->directory) < 0 ? errno : 0;
}

static void mark_again(const struct attempt *attempt) {
    for (uint32_t i = 0; i < attempt->sealed_count; i++)
        segment_file_dirty(&attempt->sealed[i].segment, attempt->sealed[i].bytes);
    if (attempt->current.file >= 0)
        segment_file_dirty(&attempt->current, attempt->current.bytes);
}

static int try_once(struct syncer *syncer) {
    struct attempt attempt;
    pthread_mutex_lock(&syncer->lock);
    begin(syncer, &attempt);
    pthread_mutex_unlock(&syncer->lock);
    int failure = sync_all(syncer, &attempt);
    if (failure) {
        mark_again(&attempt);
    } else {
        for (uint32_t i = 0; i < attempt.sealed_count; i++)
            segment_file_close(&attempt.sealed[i].segment, attempt.sealed[i].bytes);
        for (int stream = 0; stream < ABI_JOURNAL_STREAMS; stream++)
            __atomic_store_n(&syncer->state->synced[stream], attempt.written[stream], __ATOMIC_RELEASE);
        __atomic_store_n(&syncer->state->syncs, syncer->state->syncs + 1, __ATOMIC_RELAXED);
    }
    pthread_mutex_lock(&syncer->lock);
    if (!failure) {
        syncer->sealed_count -= attempt.sealed_count;
        memmove(syncer->sealed, syncer->sealed + attempt.sealed_count,
                syncer->sealed_count * sizeof *syncer->sealed);
    }
    syncer->failure = failure;
    pthread_mutex_unlock(&syncer->lock);
    return failure;
}

/* Until it is time for another attempt, and never when the disk is to be reached at the ends of segments. */
static void wait_until_due(struct syncer *syncer) {
    struct timespec until;
    uint32_t wait_ms = syncer->failure ? RETRY_MS : syncer->sync_ms;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait_ms / 1000;
    until.tv_nsec += wait_ms % 1000 * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    while (!syncer->stop && (syncer->failure || syncer->sealed_count < SYNCER_SEGMENTS / 2)) {
        if (!wait_ms && syncer->sealed_count)
            break;
        int result = wait_ms ? pthread_cond_timedwait(&syncer->wake, &syncer->lock, &until)
                             : pthread_cond_wait(&syncer->wake, &syncer->lock);
        if (result == ETIMEDOUT)
            break;
    }
}

static void *keep_in_sync(void *argument) {
    struct syncer *syncer = argument;
    bool stop;
    do {
        pthread_mutex_lock(&syncer->lock);
        wait_until_due(syncer);
        stop = syncer->stop;
        pthread_mutex_unlock(&syncer->lock);
        try_once(syncer);
    } while (!stop);
    return NULL;
}

int syncer_open(struct syncer *syncer, int directory, uint32_t sync_ms, struct journal_state *state) {
    pthread_condattr_t by_monotonic_clock;
    *syncer = (struct syncer){.directory = directory, .sync_ms = sync_ms, .state = state, .current.file = -1};
    pthread_mutex_init(&syncer->lock, NULL);
    pthread_condattr_init(&by_monotonic_clock);
    pthread_condattr_setclock(&by_monotonic_clock, CLOCK_MONOTONIC);
    pthread_cond_init(&syncer->wake, &by_monotonic_clock);
    pthread_condattr_destroy(&by_monotonic_clock);
    errno = pthread_create(&syncer->thread, NULL, keep_in_sync, syncer);
    return errno ? -1 : 0;
}

bool syncer_switch(struct syncer *syncer, const struct segment_file *next, uint64_t bytes) {
    pthread_mutex_lock(&syncer->lock);
    bool has_room = syncer->sealed_count < SYNCER_SEGMENTS;
    if (has_room) {
        if (syncer->current.file >= 0)
            syncer->sealed[syncer->sealed_count++] = (struct syncer_sealed){syncer->current, bytes};
        syncer->current = *next;
        pthread_cond_signal(&syncer->wake);
    }
    pthread_mutex_unlock(&syncer->lock);
    return has_room;
}

int syncer_failure(struct syncer *syncer) {
    pthread_mutex_lock(&syncer->lock);
    int failure = syncer->failure;
    pthread_mutex_unlock(&syncer->lock);
    return failure;
}

int syncer_close(struct syncer *syncer, uint64_t bytes) {
    pthread_mutex_lock(&syncer->lock);
    syncer->stop = true;
    pthread_cond_signal(&syncer->wake);
    pthread_mutex_unlock(&syncer->lock);
    pthread_join(syncer->thread, NULL);
    for (int tries = 1; syncer->failure && tries < LAST_TRIES; tries++) {
        nanosleep(&(struct timespec){.tv_nsec = RETRY_MS * 1000000L}, NULL);
        try_once(syncer);
    }
    if (!syncer->failure && syncer->current.file >= 0)
        segment_file_close(&syncer->current, bytes);
    pthread_cond_destroy(&syncer->wake);
    pthread_mutex_destroy(&syncer->lock);
    errno = syncer->failure;
    return errno ? -1 : 0;
}
