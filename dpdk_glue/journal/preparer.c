#include "journal/preparer.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

static void wait_a_moment(struct preparer *preparer) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += JOURNAL_RETRY_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&preparer->wake, &preparer->lock, &until);
}

static void *prepare(void *argument) {
    struct preparer *preparer = argument;
    pthread_mutex_lock(&preparer->lock);
    while (!preparer->stop) {
        if (preparer->ready.file >= 0 || preparer->taken) {
            pthread_cond_wait(&preparer->wake, &preparer->lock);
            continue;
        }
        pthread_mutex_unlock(&preparer->lock);
        struct segment_file made;
        int failure = segment_file_make(&made, preparer->directory, 0, preparer->bytes) < 0 ? errno : 0;
        pthread_mutex_lock(&preparer->lock);
        preparer->failure = failure;
        if (failure)
            wait_a_moment(preparer);
        else
            preparer->ready = made;
    }
    pthread_mutex_unlock(&preparer->lock);
    return NULL;
}

int preparer_open(struct preparer *preparer, int directory, uint64_t bytes) {
    pthread_condattr_t by_monotonic_clock;
    *preparer = (struct preparer){.directory = directory, .bytes = bytes, .ready.file = -1};
    pthread_mutex_init(&preparer->lock, NULL);
    pthread_condattr_init(&by_monotonic_clock);
    pthread_condattr_setclock(&by_monotonic_clock, CLOCK_MONOTONIC);
    pthread_cond_init(&preparer->wake, &by_monotonic_clock);
    pthread_condattr_destroy(&by_monotonic_clock);
    errno = pthread_create(&preparer->thread, NULL, prepare, preparer);
    return errno ? -1 : 0;
}

bool preparer_take(struct preparer *preparer, struct segment_file *segment) {
    pthread_mutex_lock(&preparer->lock);
    bool is_ready = preparer->ready.file >= 0;
    if (is_ready) {
        *segment = preparer->ready;
        preparer->ready = (struct segment_file){.file = -1};
        preparer->taken = true;
    }
    pthread_mutex_unlock(&preparer->lock);
    return is_ready;
}

void preparer_go_on(struct preparer *preparer) {
    pthread_mutex_lock(&preparer->lock);
    preparer->taken = false;
    pthread_cond_signal(&preparer->wake);
    pthread_mutex_unlock(&preparer->lock);
}

int preparer_failure(struct preparer *preparer) {
    pthread_mutex_lock(&preparer->lock);
    int failure = preparer->ready.file >= 0 ? 0 : preparer->failure;
    pthread_mutex_unlock(&preparer->lock);
    return failure;
}

void preparer_close(struct preparer *preparer) {
    pthread_mutex_lock(&preparer->lock);
    preparer->stop = true;
    pthread_cond_signal(&preparer->wake);
    pthread_mutex_unlock(&preparer->lock);
    pthread_join(preparer->thread, NULL);
    if (preparer->ready.file >= 0) {
        unlinkat(preparer->directory, preparer->ready.name, 0);
        segment_file_close(&preparer->ready, 0);
    }
    pthread_cond_destroy(&preparer->wake);
    pthread_mutex_destroy(&preparer->lock);
}
