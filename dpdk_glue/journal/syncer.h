/* Brings what the writer has written to the disk, and chains the segments, in a thread of its own: a disk
 * takes its time, and so does a hash.
 *
 * It syncs every `sync_ms`, all segments in their order, and then publishes up to which record of each
 * stream the journal is safe. When the disk refuses, the kernel calls the pages clean all the same; so they
 * are marked as written once more and tried again, ten times a second, while the writer takes nothing more
 * from the rings.
 *
 * What is sealed is hashed, the hash is put into the next segment, and the file is cut to its length and
 * closed. That has a low priority: while the writer has all hands full it falls behind, by at most
 * SYNCER_SEGMENTS.
 */
#ifndef APPLIANCE_JOURNAL_SYNCER_H
#define APPLIANCE_JOURNAL_SYNCER_H

#include "abi.h"
#include "journal/link.h"
#include "journal/segment_file.h"

#include <pthread.h>

enum { SYNCER_SEGMENTS = 64 };

struct syncer_segment {
    struct segment_file segment;
    uint64_t number;
    uint64_t bytes; /* to cut it to; 0 = it is not sealed */
};

struct syncer {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    int directory;
    uint32_t sync_ms;
    struct journal_state *state;
    struct syncer_segment segment[SYNCER_SEGMENTS]; /* the oldest first; the last one is being written */
    uint32_t count;
    struct journal_hashed hashed; /* the last that is: its hash belongs into the next. The thread's own */
    int failure;                  /* the errno of the last attempt; 0 = it succeeded */
    bool stop;
};

/* `hashed` is what the next segment links to. 0, or -1 with errno: there is no thread. */
int syncer_open(struct syncer *syncer, int directory, uint32_t sync_ms, struct journal_state *state,
                const struct journal_hashed *hashed);
/* The writer goes on in segment `number`; the one before, if there was one, is sealed and `bytes` long.
 * False: so many wait already that this one must wait, too. */
bool syncer_switch(struct syncer *syncer, const struct segment_file *next, uint64_t number, uint64_t bytes);
/* Why the disk refuses: an errno, or 0. */
int syncer_failure(struct syncer *syncer);
/* Syncs and chains all that is written, and closes all segments, the last one sealed and `bytes` long. 0, or
 * -1 with errno: the disk refused to the end. */
int syncer_close(struct syncer *syncer, uint64_t bytes);

#endif
