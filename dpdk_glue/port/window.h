/* A stretch of a byte stream in memory, the way a parser wants it: whole, from any point on, with slack
 * behind.
 *
 * Streaming keeps about a megabyte: when the parser wants more than is there, the unread tail moves to the
 * front and the rest is read behind it. Loading reads everything at once and never moves it again.
 */
#ifndef APPLIANCE_PORT_WINDOW_H
#define APPLIANCE_PORT_WINDOW_H

#include "memory/memory.h"
#include "port/source.h"

enum {
    /* Half of a usual second-level cache: what was read is still near when it is parsed. */
    WINDOW_BYTES = 512 << 10
};

struct window {
    struct memory memory;
    size_t begin; /* unread bytes are [begin, end) */
    size_t end;
    size_t capacity; /* without the slack */
    uint64_t offset; /* of `begin` in the stream */
    uint64_t skip;   /* bytes to pass over that are not in memory yet */
    bool ended;      /* nothing more can be read */
    bool failed;     /* ... because the source failed */
};

/* Returns 0, or -1 when there is no memory. */
int window_open(struct window *window);
void window_close(struct window *window);

/* Tries to have `wanted` unread bytes, at most WINDOW_BYTES. Moves what is there. */
void window_fill(struct window *window, struct source *source, size_t wanted);
/* Reads everything. Returns -1 when there is no memory for it. */
int window_load(struct window *window, struct source *source);
/* Passes over bytes, be they in memory or still to come. */
void window_consume(struct window *window, uint64_t bytes);

static inline const uint8_t *window_at(const struct window *window) {
    return (const uint8_t *)window->memory.base + window->begin;
}

static inline size_t window_have(const struct window *window) {
    return window->end - window->begin;
}

#endif
