/* What a writer finds of its journal when it starts, after whatever ended the one before.
 *
 * The last segment is walked. A record at its end that is not whole was torn when the writer was killed, or
 * the machine: it is cut off, and stands in its ring still, or was never safe. What lies behind it and holds
 * whole records is no torn tail but damage: it is kept beside, in a file that ends in .rest, before it is
 * cut off. A segment that contradicts itself in another way is refused: nothing is written behind what is
 * not understood.
 */
#ifndef APPLIANCE_JOURNAL_RECOVER_H
#define APPLIANCE_JOURNAL_RECOVER_H

#include "abi.h"
#include "journal/link.h"
#include "journal/segment_file.h"

struct journal_recovered {
    struct segment_file segment; /* to go on in; its file is -1: the last one is sealed, or there is none */
    uint64_t number;             /* of the last segment; 0 = there is none */
    uint64_t end;                /* where it goes on */
    uint64_t records;            /* in it */
    uint64_t next[ABI_JOURNAL_STREAMS];
    uint64_t cut_bytes;
    struct journal_hashed hashed; /* what the next segment links to: the last one, if it is sealed */
    bool is_foreign;              /* another build wrote it: seal it, and begin another */
};

/* 0, or -1 with one line in `error`. `path` is for that line. */
int journal_recover(struct journal_recovered *found, int directory, const char *path, char *error,
                    size_t room);

#endif
