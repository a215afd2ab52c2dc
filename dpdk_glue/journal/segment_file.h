/* One segment of the journal on disk, mapped.
 *
 * All its blocks are allocated and all its pages touched before it is used: writing to it can neither find
 * the disk full nor wait for a page.
 */
#ifndef APPLIANCE_JOURNAL_SEGMENT_FILE_H
#define APPLIANCE_JOURNAL_SEGMENT_FILE_H

#include <stdbool.h>
#include <stdint.h>

enum { SEGMENT_NAME_BYTES = 40 };

struct segment_file {
    int file; /* -1: there is none */
    uint8_t *data;
    uint64_t bytes;
    char name[SEGMENT_NAME_BYTES];
};

/* The file name of segment `number`; 0 = of one that is prepared. */
void segment_file_name(char name[SEGMENT_NAME_BYTES], uint64_t number);

/* Each returns 0, or -1 with errno set and nothing left behind. `directory` is open. */
int segment_file_make(struct segment_file *segment, int directory, uint64_t number, uint64_t bytes);
/* One that exists, `bytes` long or as long as it is if that is more; what it lacks is allocated. */
int segment_file_open(struct segment_file *segment, int directory, uint64_t number, uint64_t bytes);
/* A prepared one becomes segment `number`. */
int segment_file_name_it(struct segment_file *segment, int directory, uint64_t number);

/* Brings its first `bytes` to the disk: those behind them are zeros still, and will be written once more. */
int segment_file_sync(const struct segment_file *segment, uint64_t bytes);
/* Marks its first `bytes` as written once more: after a failed write the kernel forgets that they are not. */
void segment_file_dirty(const struct segment_file *segment, uint64_t bytes);
/* Cuts the file to `bytes`, if that is not 0. */
void segment_file_close(struct segment_file *segment, uint64_t bytes);

#endif
