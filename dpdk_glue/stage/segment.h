/* The shared segment of a running data plane: how others see it. abi.h says what is in it.
 *
 * A segment is a file in /dev/shm of this name, locked by its process. One that a dead process left behind is
 * replaced; one whose process lives is not touched.
 */
#ifndef APPLIANCE_STAGE_SEGMENT_H
#define APPLIANCE_STAGE_SEGMENT_H

#include "abi.h"

#include <stddef.h>

struct segment {
    char name[128];
    int file;
    struct shm_header *header;
    struct book_view *views;
};

/* 0, or -1 with one line in `error` (of `room` bytes). */
int segment_create(struct segment *segment, const char *name, uint32_t views, char *error, size_t room);
void segment_set_state(struct segment *segment, enum shm_state state);
/* Takes the name away; those who have it mapped keep it. */
void segment_remove(struct segment *segment);

#endif
