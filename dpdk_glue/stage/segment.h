/* The shared segment of a data plane: how others see it. abi.h says what is in it.
 *
 * The control plane makes it, locks it and writes the plan; the data plane inherits the open file and maps it
 * here. The lock lives as long as the file is open in any process: it tells the living from the dead.
 */
#ifndef APPLIANCE_STAGE_SEGMENT_H
#define APPLIANCE_STAGE_SEGMENT_H

#include "abi.h"

#include <stdbool.h>
#include <stddef.h>

struct segment {
    int file;
    struct shm_header *header;
    const struct plan *plan;
    struct book_view *views;
    struct shm_stats *stats;
    struct shm_trading *trading; /* NULL: the plan has none */
};

/* Maps the segment in this open file, checks that this build made it, and takes it over: SHM_STARTING. 0, or
 * -1 with one line in `error` (of `room` bytes). */
int segment_attach(struct segment *segment, int file, char *error, size_t room);
void segment_set_state(struct segment *segment, enum shm_state state);
/* Leaves the reason for all to read: SHM_FAILED. */
void segment_fail(struct segment *segment, const char *why);
void segment_detach(struct segment *segment);

#endif
