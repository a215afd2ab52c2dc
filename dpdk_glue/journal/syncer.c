#include "journal/syncer.h"

#include "journal/wait.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { RETRY_MS = 100, LAST_TRIES = 20, LOW_PRIORITY = 15 };

/* What one attempt is about: taken with the lock held, worked on without it, since nobody else closes. The
 * last segment has the bytes that are written by now. */
struct attempt {
    struct syncer_segment segment[SYNCER_SEGMENTS];
    uint32_t count;
    uint64_t written[ABI_JOURNAL_STREAMS];
};

static void begin(struct syncer *syncer, struct attempt *attempt) {
    pthread_mutex_lock(&syncer->lock);
    attempt->count = syncer->count;
    memcpy(attempt->segment, syncer->segment, syncer->count * sizeof *syncer->segment);
    /* Acquire: these records stand in the segments, and in what of the last one is written. */
    for (int stream = 0; stream < ABI_JOURNAL_STREAMS; stream++)
        attempt->written[stream] = __atomic_load_n(&syncer->state->written[stream], __ATOMIC_ACQUIRE);
    if (attempt->count) {
        struct syncer_segment *last = &attempt->segment[attempt->count - 1];
        last->bytes = last->segment.bytes - __atomic_load_n(&syncer->state->segment_room, __ATOMIC_RELAXED);
    }
    pthread_mutex_unlock(&syncer->lock);
}

static int sync_all(const struct syncer *syncer, const struct attempt *attempt) {
    for (uint32_t i = 0; i < attempt->count; i++)
        if (segment_file_sync(&attempt->segment[i].segment, attempt->segment[i].bytes) < 0)
            return errno;
    return fsync(syncer->directory) < 0 ? errno : 0;
}

static void publish(struct syncer *syncer, const struct attempt *attempt) {
    for (int stream = 0; stream < ABI_JOURNAL_STREAMS; stream++)
        __atomic_store_n(&syncer->state->synced[stream], attempt->written[stream], __ATOMIC_RELEASE);
    __atomic_store_n(&syncer->state->syncs, syncer->state->syncs + 1, __ATOMIC_RELAXED);
}

static int try_once(struct syncer *syncer) {
    struct attempt attempt;
    begin(syncer, &attempt);
    int failure = sync_all(syncer, &attempt);
    if (!failure)
        publish(syncer, &attempt);
    for (uint32_t i = 0; failure && i < attempt.count; i++)
        segment_file_dirty(&attempt.segment[i].segment, attempt.segment[i].bytes);
    pthread_mutex_lock(&syncer->lock);
    syncer->failure = failure;
    pthread_mutex_unlock(&syncer->lock);
    return failure;
}

/* Closes the oldest segment, whose hash the next one has. */
static void close_oldest(struct syncer *syncer) {
    pthread_mutex_lock(&syncer->lock);
    struct syncer_segment oldest = syncer->segment[0];
    syncer->count--;
    memmove(syncer->segment, syncer->segment + 1, syncer->count * sizeof *syncer->segment);
    pthread_mutex_unlock(&syncer->lock);
    segment_file_close(&oldest.segment, oldest.bytes);
}

static bool is_told_to_stop(struct syncer *syncer) {
    pthread_mutex_lock(&syncer->lock);
    bool stop = syncer->stop;
    pthread_mutex_unlock(&syncer->lock);
    return stop;
}

/* One step along the chain: links the oldest segment, and if it is sealed hashes it, links the next and
 * closes it. False: there is nothing to do. */
static bool chain_once(struct syncer *syncer) {
    struct attempt attempt;
    begin(syncer, &attempt);
    if (!attempt.count)
        return false;
    struct syncer_segment *oldest = &attempt.segment[0];
    if (!journal_link_is_there(oldest->segment.data))
        journal_link_put(oldest->segment.data, &syncer->hashed);
    if (attempt.count < 2)
        return false;
    journal_link_hash(&syncer->hashed, oldest->number, oldest->segment.data, oldest->bytes);
    journal_link_put(attempt.segment[1].segment.data, &syncer->hashed);
    close_oldest(syncer);
    return true;
}

static bool has_time(struct syncer *syncer, uint64_t until_ns) {
    return !syncer->sync_ms || wait_now_ns() < until_ns || is_told_to_stop(syncer);
}

/* Until it is time for another attempt. */
static void wait_until_due(struct syncer *syncer, uint64_t until_ns) {
    pthread_mutex_lock(&syncer->lock);
    while (!syncer->stop && syncer->count < SYNCER_SEGMENTS / 2) {
        if (!syncer->failure && !syncer->sync_ms && syncer->count > 1)
            break;
        bool is_endless = !syncer->failure && !syncer->sync_ms;
        if (!wait_for(&syncer->wake, &syncer->lock, is_endless ? UINT64_MAX : until_ns))
            break;
    }
    pthread_mutex_unlock(&syncer->lock);
}

static void *keep_in_sync(void *argument) {
    struct syncer *syncer = argument;
    setpriority(PRIO_PROCESS, (id_t)gettid(), LOW_PRIORITY);
    bool stop = false;
    while (!stop) {
        uint64_t begun_ns = wait_now_ns();
        uint64_t interval_ns = (uint64_t)(syncer->failure ? RETRY_MS : syncer->sync_ms) * 1000000;
        wait_until_due(syncer, begun_ns + interval_ns);
        stop = is_told_to_stop(syncer);
        if (try_once(syncer))
            continue;
        uint64_t due_ns = wait_now_ns() + (uint64_t)syncer->sync_ms * 1000000;
        while (chain_once(syncer) && has_time(syncer, due_ns))
            ;
    }
    return NULL;
}

int syncer_open(struct syncer *syncer, int directory, uint32_t sync_ms, struct journal_state *state,
                const struct journal_hashed *hashed) {
    *syncer = (struct syncer){.directory = directory, .sync_ms = sync_ms, .state = state, .hashed = *hashed};
    wait_open(&syncer->wake, &syncer->lock);
    errno = pthread_create(&syncer->thread, NULL, keep_in_sync, syncer);
    return errno ? -1 : 0;
}

bool syncer_switch(struct syncer *syncer, const struct segment_file *next, uint64_t number, uint64_t bytes) {
    pthread_mutex_lock(&syncer->lock);
    bool has_room = syncer->count < SYNCER_SEGMENTS;
    if (has_room) {
        if (syncer->count)
            syncer->segment[syncer->count - 1].bytes = bytes;
        syncer->segment[syncer->count++] = (struct syncer_segment){*next, number, 0};
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
    int failure = syncer->failure;
    for (int tries = 1; failure && tries < LAST_TRIES; tries++) {
        nanosleep(&(struct timespec){.tv_nsec = RETRY_MS * 1000000L}, NULL);
        failure = try_once(syncer);
    }
    while (!failure && chain_once(syncer))
        ;
    if (!failure && syncer->count == 1)
        segment_file_close(&syncer->segment[0].segment, bytes);
    wait_close(&syncer->wake, &syncer->lock);
    errno = failure;
    return errno ? -1 : 0;
}
