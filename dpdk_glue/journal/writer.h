/* The cold side of the journal: takes the records of all rings, in turns, and appends them to segment files.
 *
 * A record is released from its ring when it stands in the file, whole and with its checksum; so wherever a
 * writer is killed, the next one finds it in the file, or in the ring, or in both, and its number tells.
 *
 * When there is no next segment (a full disk, a directory that is read-only) or what was written does not
 * reach the disk, it takes nothing more, says so in its state, and goes on by itself when it can: the rings
 * fill, and their producers see it. What they handed over before is not lost.
 */
#ifndef APPLIANCE_JOURNAL_WRITER_H
#define APPLIANCE_JOURNAL_WRITER_H

#include "abi.h"
#include "journal/preparer.h"
#include "journal/recover.h"
#include "journal/syncer.h"
#include "ring/records.h"

enum { JOURNAL_PATH_BYTES = 256 };

struct journal_writer {
    struct journal_taps *taps;
    struct journal_state *state;
    struct records *ring[ABI_JOURNAL_STREAMS];
    uint64_t next[ABI_JOURNAL_STREAMS]; /* the number of the next record */
    /* The segment that is written; its file is -1: there is none yet. */
    struct segment_file current;
    uint64_t number;
    uint64_t end;
    uint64_t records; /* in it */
    bool is_sealed;
    bool must_seal;  /* another build began it: nothing is added to it but a seal */
    bool is_stalled; /* it takes nothing, since a round before or this one */
    bool stalls;     /* in this round */
    bool has_failed; /* for good: a ring holds what cannot be */
    bool has_taken[ABI_JOURNAL_STREAMS];
    struct segment_file coming; /* taken from the preparer, and not begun; its file is -1: none */
    struct preparer preparer;
    struct syncer syncer;
    int directory;
    char path[JOURNAL_PATH_BYTES];
};

/* Reads the journal in this directory, which nobody else may write, and takes over the rings. 0, or -1 with
 * one line in `error`. */
int journal_writer_open(struct journal_writer *writer, struct journal_taps *taps, const char *directory,
                        char *error, size_t room);
/* Takes a helping from each ring; how many records that were. */
uint32_t journal_writer_round(struct journal_writer *writer);
/* Whether it takes nothing now; the state says why. */
bool journal_writer_is_stalled(const struct journal_writer *writer);
/* Bytes that wait in the rings. */
uint64_t journal_writer_lag(const struct journal_writer *writer);
/* Seals the segment, brings all of it to the disk and lets go. 0, or -1 with errno: the disk refused. */
int journal_writer_close(struct journal_writer *writer);

/* What the writer says of itself: its state, and one line with the reason. */
void journal_writer_say(struct journal_state *state, enum journal_writer_state what, const char *message);

#endif
