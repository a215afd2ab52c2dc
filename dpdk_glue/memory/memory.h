/* Memory for pools: one mapping, huge pages when there are any, all of it touched at start when asked.
 *
 * The order of preference is reserved huge pages (vm.nr_hugepages), transparent huge pages, 4 KiB pages;
 * which one it became can be read afterwards and is printed by every benchmark.
 */
#ifndef APPLIANCE_MEMORY_MEMORY_H
#define APPLIANCE_MEMORY_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

enum memory_pages { MEMORY_RESERVED_HUGE, MEMORY_TRANSPARENT_HUGE, MEMORY_SMALL };

struct memory {
    void *base;
    size_t bytes;
    enum memory_pages pages;
};

/* Zeroed memory of at least `bytes`. Returns 0, or -1 with errno set. */
int memory_map(struct memory *memory, size_t bytes, bool prefault);
/* Touches the first `bytes`, so that no page fault is left for later; ends early when the start is no longer
 * wanted (memory/start.h). */
void memory_touch(struct memory *memory, size_t bytes);
void memory_unmap(struct memory *memory);
const char *memory_pages_name(enum memory_pages pages);

#endif
