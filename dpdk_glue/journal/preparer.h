/* Makes the next segment file before it is needed, in a thread of its own: allocating and touching 64 MB
 * takes as long as a fast feed takes to fill a ring.
 *
 * While it cannot (no room, no permission, an error of the disk) it tries again ten times a second, and says
 * why.
 */
#ifndef APPLIANCE_JOURNAL_PREPARER_H
#define APPLIANCE_JOURNAL_PREPARER_H

#include "journal/segment_file.h"

#include <pthread.h>

enum { JOURNAL_RETRY_MS = 100 };

struct preparer {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    int directory;
    uint64_t bytes;
    struct segment_file ready; /* its file is -1: there is none yet */
    int failure;               /* the errno of the last attempt; 0 = it succeeded */
    bool taken;                /* and still under the name of one that is prepared */
    bool stop;
};

/* 0, or -1 with errno: there is no thread. */
int preparer_open(struct preparer *preparer, int directory, uint64_t bytes);
/* True and the segment, if one is ready; it is the caller's. */
bool preparer_take(struct preparer *preparer, struct segment_file *segment);
/* The segment that was taken has a name of its own: the next may be made. */
void preparer_go_on(struct preparer *preparer);
/* Why there is none ready: an errno, or 0: it is being made. */
int preparer_failure(struct preparer *preparer);
void preparer_close(struct preparer *preparer);

#endif
