#include "journal/preparer.h"

#include "journal/wait.h"

#include <errno.h>
#include <unistd.h>

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
            wait_for(&preparer->wake, &preparer->lock, wait_now_ns() + JOURNAL_RETRY_MS * 1000000UL);
        else
            preparer->ready = made;
    }
    pthread_mutex_unlock(&preparer->lock);
    return NULL;
}

int preparer_open(struct preparer *preparer, int directory, uint64_t bytes) {
    *preparer = (struct preparer){.directory = directory, .bytes = bytes, .ready.file = -1};
    wait_open(&preparer->wake, &preparer->lock);
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
    wait_close(&preparer->wake, &preparer->lock);
}
