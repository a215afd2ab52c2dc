#include "memory/memory.h"

#include "memory/start.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_BYTES ((size_t)2 << 20)
/* In pages of 4 KiB that takes some 20 ms; no signal ends the call before. */
#define TOUCH_BYTES ((size_t)16 << 20)

static bool transparent_huge_pages_allowed(void) {
    char text[64] = "";
    FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "re");
    if (!file)
        return false;
    bool readable = fgets(text, sizeof text, file) != NULL;
    fclose(file);
    return readable && !strstr(text, "[never]");
}

static void *map_aligned(size_t bytes) {
    char *base = mmap(NULL, bytes + HUGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED)
        return NULL;
    size_t skip = (HUGE_BYTES - (uintptr_t)base % HUGE_BYTES) % HUGE_BYTES;
    if (skip)
        munmap(base, skip);
    munmap(base + skip + bytes, HUGE_BYTES - skip);
    return base + skip;
}

static void touch_step(char *base, size_t bytes) {
    if (madvise(base, bytes, MADV_POPULATE_WRITE) == 0)
        return;
    for (size_t at = 0; at < bytes; at += 4096) /* kernels before 5.14 */
        ((volatile char *)base)[at] = 0;
}

void memory_touch(struct memory *memory, size_t bytes) {
    for (size_t at = 0; at < bytes && !start_is_unwanted(); at += TOUCH_BYTES)
        touch_step((char *)memory->base + at, bytes - at < TOUCH_BYTES ? bytes - at : TOUCH_BYTES);
}

int memory_map(struct memory *memory, size_t bytes, bool prefault) {
    bytes = (bytes + HUGE_BYTES - 1) & ~(HUGE_BYTES - 1);
    *memory = (struct memory){.bytes = bytes, .pages = MEMORY_RESERVED_HUGE};
    memory->base =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
    if (memory->base == MAP_FAILED) {
        memory->base = map_aligned(bytes);
        if (!memory->base) {
            errno = ENOMEM;
            return -1;
        }
        bool huge = transparent_huge_pages_allowed() && madvise(memory->base, bytes, MADV_HUGEPAGE) == 0;
        memory->pages = huge ? MEMORY_TRANSPARENT_HUGE : MEMORY_SMALL;
    }
    if (prefault)
        memory_touch(memory, memory->bytes);
    return 0;
}

void memory_unmap(struct memory *memory) {
    if (memory->base)
        munmap(memory->base, memory->bytes);
    memory->base = NULL;
}

const char *memory_pages_name(enum memory_pages pages) {
    switch (pages) {
    case MEMORY_RESERVED_HUGE:
        return "reserved 2M";
    case MEMORY_TRANSPARENT_HUGE:
        return "transparent 2M";
    default:
        return "4K";
    }
}
