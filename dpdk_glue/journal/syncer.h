/* Brings what the writer has written to the disk, in a thread of its own: a disk takes its time.
 *
 * It does so every `sync_ms`, all segments in their order, and then publishes up to which record of each
 * stream the journal is safe. When the disk refuses, the kernel calls the pages clean all the same; so they
 * are marked as written once more and tried again, ten times a second, while the writer takes nothing more
 * from the rings.
 */
#ifndef APPLIANCE_JOURNAL_SYNCER_H
#define APPLIANCE_JOURNAL_SYNCER_H

#include "abi.h"
#include "journal/segment_file.h"

#include <pthread.h>

enum { SYNCER_SEGMENTS = 64 };

struct syncer_sealed {
    struct segment_file segment;
    uint64_t bytes; /* to cut it to */
};

struct syncer {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    int directory;
    uint32_t sync_ms;
    struct journal_state *state;
    struct segment_file current;
    struct syncer_sealed sealed[SYNCER_SEGMENTS];
    uint32_t sealed_count;
    int failure; /* the errno of the last attempt; 0 = it succeeded */
    bool stop;
};

/* 0, or -1 with errno: there is no thread. */
int syncer_open(struct syncer *syncer, int directory, uint32_t sync_ms, struct journal_state *state);
/* The writer goes on in `next`. The one before, if there was one, is cut to `bytes`, synced and closed.
 * False: so many wait already that this one must wait, too. */
bool syncer_switch(struct syncer *syncer, const struct segment_file *next, uint64_t bytes);
/* Why the disk refuses: an errno, or 0. */
int syncer_failure(struct syncer *syncer);
/* Syncs all that is written, and closes all segments, the last one cut to `bytes`. 0, or -1 with errno: the
 * disk refused to the end. */
int syncer_close(struct syncer *syncer, uint64_t bytes);

#endif
