#include "port/window.h"

#include "port/port.h"

#include <string.h>

static uint8_t *base_of(const struct window *window) {
    return window->memory.base;
}

static int map(struct memory *memory, size_t capacity) {
    return memory_map(memory, capacity + PORT_SLACK, false);
}

int window_open(struct window *window) {
    *window = (struct window){.capacity = WINDOW_BYTES};
    return map(&window->memory, window->capacity);
}

void window_close(struct window *window) {
    memory_unmap(&window->memory);
}

/* Reads once, into the room behind the unread bytes. */
static void read_more(struct window *window, struct source *source) {
    ssize_t got = source_read(source, base_of(window) + window->end, window->capacity - window->end);
    window->failed = got < 0;
    window->ended = got <= 0;
    if (got <= 0)
        return;
    window->end += (size_t)got;
    uint64_t passed = window->skip < (uint64_t)got ? window->skip : (uint64_t)got;
    window->skip -= passed;
    window->begin += (size_t)passed;
    window->offset += passed;
}

void window_fill(struct window *window, struct source *source, size_t wanted) {
    while (window_have(window) < wanted && !window->ended) {
        memmove(base_of(window), window_at(window), window_have(window));
        window->end = window_have(window);
        window->begin = 0;
        read_more(window, source);
    }
}

static int grow(struct window *window, size_t capacity) {
    struct memory larger;
    if (map(&larger, capacity) != 0)
        return -1;
    memcpy(larger.base, window->memory.base, window->end);
    memory_unmap(&window->memory);
    window->memory = larger;
    window->capacity = capacity;
    return 0;
}

int window_load(struct window *window, struct source *source) {
    /* The size of the file saves the growing, except for gzip and pipes. One byte more finds the end. */
    uint64_t size = source_is_gzip(source) ? 0 : source_size(source);
    if (size >= window->capacity && grow(window, size + 1) != 0)
        return -1;
    while (!window->ended) {
        if (window->end == window->capacity && grow(window, 2 * window->capacity) != 0)
            return -1;
        read_more(window, source);
    }
    return 0;
}

void window_consume(struct window *window, uint64_t bytes) {
    uint64_t here = window_have(window) < bytes ? window_have(window) : bytes;
    window->begin += (size_t)here;
    window->offset += here;
    window->skip += bytes - here;
}
