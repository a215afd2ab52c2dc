/* What the native tests share: a check that holds in every build, and a time to be done by.
 *
 * Each program takes the seconds it may spend, runs its threads against each other until then, checks all
 * that they carry, and ends with 0 or with a line that names what did not hold. Under the thread sanitizer
 * they are what it looks at.
 */
#ifndef APPLIANCE_TESTS_NATIVE_CHECK_H
#define APPLIANCE_TESTS_NATIVE_CHECK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define CHECK(condition) ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition))

static inline void check_failed(const char *file, int line, const char *condition) {
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    exit(1);
}

static inline uint64_t check_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* The end of the time that the command line gives, a second if it gives none. */
static inline uint64_t check_deadline(int count, char **words) {
    return check_now_ns() + (count > 1 ? strtoull(words[1], NULL, 10) : 1) * 1000000000;
}

/* For waits that a healthy run never exhausts. */
static inline uint64_t check_patience(void) {
    return check_now_ns() + 60000000000;
}

static inline pthread_t check_start(void *(*run)(void *), void *argument) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, run, argument) == 0);
    return thread;
}

/* A sequence that both sides of a test can follow (splitmix64). */
static inline uint64_t check_random(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

#endif
