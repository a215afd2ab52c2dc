#include "stage/replay.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

static const char *lay_out(struct replay *replay) {
    const uint8_t *base = replay->memory;
    struct replay_head head;
    if (!base || replay->bytes < sizeof head)
        return "is no session of a journal";
    memcpy(&head, base, sizeof head);
    uint64_t at = sizeof head;
    for (uint32_t stream = 0; stream < REPLAY_STREAMS; stream++) {
        if (head.bytes[stream] % 8 || head.bytes[stream] > replay->bytes - at)
            return "is shorter than it says";
        replay->at[stream] = base + at;
        replay->end[stream] = base + at + head.bytes[stream];
        at += head.bytes[stream];
    }
    return NULL;
}

/* The file was made from checked records: what is looked at here is only what the walk relies on. */
static const char *walk(const struct replay *replay) {
    for (uint32_t stream = 0; stream < REPLAY_STREAMS; stream++) {
        struct replay copy = *replay;
        while (copy.at[stream] < copy.end[stream]) {
            const struct journal_record *record = replay_peek(&copy, stream);
            if ((size_t)(copy.end[stream] - copy.at[stream]) < sizeof *record + record->bytes)
                return "ends inside a record";
            replay_release(&copy, stream);
        }
    }
    return NULL;
}

int replay_open(struct replay *replay, int file, char *error, size_t room) {
    struct stat status;
    memset(replay, 0, sizeof *replay);
    const char *wrong = fstat(file, &status) < 0 || status.st_size <= 0 ? "is no file" : NULL;
    if (!wrong) {
        replay->bytes = (size_t)status.st_size;
        replay->memory = mmap(NULL, replay->bytes, PROT_READ, MAP_SHARED | MAP_POPULATE, file, 0);
        if (replay->memory == MAP_FAILED) {
            replay->memory = NULL;
            wrong = strerror(errno);
        }
    }
    if (!wrong)
        wrong = lay_out(replay);
    if (!wrong)
        wrong = walk(replay);
    if (!wrong)
        return 0;
    snprintf(error, room, "the session to replay (file descriptor %d) %s", file, wrong);
    replay_close(replay);
    return -1;
}

void replay_close(struct replay *replay) {
    if (replay->memory)
        munmap(replay->memory, replay->bytes);
    replay->memory = NULL;
}
