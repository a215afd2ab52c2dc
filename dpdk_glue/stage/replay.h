/* A session of a journal, to be lived through again.
 *
 * The records of the three streams that hold inputs (feed, strategy, decision) lie one behind the other in
 * memory, each as in a segment file, at multiples of 8. Each thread walks its own stream. Inputs of the
 * decisions are due behind so many intents; a fault of the strategy, at its tick.
 */
#ifndef APPLIANCE_STAGE_REPLAY_H
#define APPLIANCE_STAGE_REPLAY_H

#include "abi.h"

#include <stddef.h>

enum { REPLAY_STREAMS = 3 };

/* In front of the records: how many bytes each stream has. */
struct replay_head {
    uint64_t bytes[REPLAY_STREAMS];
    uint64_t reserved;
};

struct replay {
    void *memory;
    size_t bytes;
    const uint8_t *at[REPLAY_STREAMS];
    const uint8_t *end[REPLAY_STREAMS];
};

/* Maps the open file. 0, or -1 with one line in `error`. */
int replay_open(struct replay *replay, int file, char *error, size_t room);
void replay_close(struct replay *replay);

/* The next record of a stream, with its payload behind it; NULL at the end. */
static inline const struct journal_record *replay_peek(const struct replay *replay, uint32_t stream) {
    return replay->at[stream] < replay->end[stream] ? (const struct journal_record *)replay->at[stream]
                                                    : NULL;
}
static inline void replay_release(struct replay *replay, uint32_t stream) {
    const struct journal_record *record = (const struct journal_record *)replay->at[stream];
    replay->at[stream] += (sizeof *record + record->bytes + 7) / 8 * 8;
}

#endif
