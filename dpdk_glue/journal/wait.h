/* Waiting for a word from another thread, until a time by a clock that nobody sets. */
#ifndef APPLIANCE_JOURNAL_WAIT_H
#define APPLIANCE_JOURNAL_WAIT_H

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

static inline uint64_t wait_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static inline void wait_open(pthread_cond_t *wake, pthread_mutex_t *lock) {
    pthread_condattr_t by_monotonic_clock;
    pthread_mutex_init(lock, NULL);
    pthread_condattr_init(&by_monotonic_clock);
    pthread_condattr_setclock(&by_monotonic_clock, CLOCK_MONOTONIC);
    pthread_cond_init(wake, &by_monotonic_clock);
    pthread_condattr_destroy(&by_monotonic_clock);
}

static inline void wait_close(pthread_cond_t *wake, pthread_mutex_t *lock) {
    pthread_cond_destroy(wake);
    pthread_mutex_destroy(lock);
}

/* With the lock held. False when the time has come; UINT64_MAX: it never does. */
static inline bool wait_for(pthread_cond_t *wake, pthread_mutex_t *lock, uint64_t until_ns) {
    struct timespec until = {.tv_sec = (time_t)(until_ns / 1000000000),
                             .tv_nsec = (long)(until_ns % 1000000000)};
    if (until_ns == UINT64_MAX)
        return pthread_cond_wait(wake, lock) == 0;
    return pthread_cond_timedwait(wake, lock, &until) != ETIMEDOUT;
}

#endif
