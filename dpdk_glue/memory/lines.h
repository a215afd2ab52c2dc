/* Asking for memory before it is needed. */
#ifndef APPLIANCE_MEMORY_LINES_H
#define APPLIANCE_MEMORY_LINES_H

#include <stddef.h>

enum { LINES_BYTES = 64 };

/* Asks for the lines of `bytes` bytes; nothing waits for them. Not __builtin_prefetch: gcc 12 takes a
 * function that does nothing else for one without effect, and leaves its calls out. */
static inline void lines_expect(const void *from, size_t bytes) {
    const char *at = from;
    for (size_t line = 0; line < bytes; line += LINES_BYTES)
        __asm__ volatile("prefetcht0 %0" : : "m"(at[line]));
}

#endif
