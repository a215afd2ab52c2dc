#include "wire/mold64.h"

#include "wire/bytes.h"
#include "wire/itch.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>

enum {
    SESSION_BYTES = 10,
    SEQUENCE_AT = 10,
    COUNT_AT = 18,
    COUNT_END_OF_SESSION = 0xffff,
    /* Whole pages, so that a short packet touches one. */
    SLOT_BYTES = 68 << 10
};

_Static_assert(SLOT_BYTES >= MOLD64_LONGEST + ITCH_SLACK, "a held packet has its slack behind it");
_Static_assert(MOLD64_VERDICTS <= sizeof((struct mold64_line){0}.by_verdict) / sizeof(uint64_t),
               "a counter for every verdict");
_Static_assert(MOLD64_LINES == sizeof((struct mold64_counters){0}.line) / sizeof(struct mold64_line),
               "counters for every line");

enum state { WAITING, SETTLING, LIVE, ENDED };

/* A well-formed packet; `count` is 0 for heartbeat and end of session. */
struct packet {
    const uint8_t *session;
    uint64_t sequence;
    const uint8_t *blocks;
    uint32_t length;
    uint32_t count;
};

/* The messages of one session, and the packets ahead of them. Of any two held packets, the one that starts
 * first also ends first. */
struct stream {
    uint64_t expected;  /* the next message; 0 while it is not known where the stream starts */
    uint64_t known_end; /* one past the last message that exists for all we know */
    uint16_t *order;    /* slots of held packets, by sequence */
    uint32_t held;
    bool closing;    /* gaps are given up */
    bool is_another; /* the next run is the first of a session after another */
};

struct mold64 {
    enum state state;
    uint8_t session[SESSION_BYTES];
    bool fresh;            /* no data of this session yet */
    bool unnumbered;       /* every packet of this session has sequence 0 */
    struct packet current; /* pushed, in order, not yet taken; count 0 = none */
    struct stream live;
    struct stream leaving; /* what is left of the session before */
    uint64_t line_next[MOLD64_LINES];
    uint32_t window;
    uint32_t settle;
    uint32_t settled;
    struct packet *slots; /* window + 1: a full window and the packet that overflows it */
    uint8_t *slot_bytes;
    uint16_t *free_slots;
    uint32_t free_count;
    struct mold64_counters counters;
};

static uint64_t end_of(const struct packet *packet) {
    return packet->sequence + packet->count;
}

/* Checks everything that can be checked without knowing the stream. MOLD64_DELIVERED stands for data. */
static enum mold64_verdict parse(const uint8_t *payload, uint32_t length, struct packet *packet) {
    if (length < MOLD64_HEADER_BYTES)
        return MOLD64_SHORT;
    if (length > MOLD64_LONGEST)
        return MOLD64_OVERSIZED;
    uint32_t count = bytes_be16(payload + COUNT_AT);
    bool end_of_session = count == COUNT_END_OF_SESSION;
    *packet = (struct packet){
        .session = payload,
        .sequence = bytes_be64(payload + SEQUENCE_AT),
        .blocks = payload + MOLD64_HEADER_BYTES,
        .length = length - MOLD64_HEADER_BYTES,
        .count = end_of_session ? 0 : count,
    };
    uint32_t at = 0;
    for (uint32_t block = 0; block < packet->count; block++) {
        if (at == packet->length)
            return MOLD64_FEWER_BLOCKS;
        if (packet->length - at < 2)
            return MOLD64_TRUNCATED;
        at += 2 + (uint32_t)bytes_be16(packet->blocks + at);
        if (at > packet->length)
            return MOLD64_TRUNCATED;
    }
    if (at < packet->length)
        return MOLD64_TRAILING;
    if (packet->sequence > UINT64_MAX - packet->count)
        return MOLD64_BAD_SEQUENCE;
    if (packet->count)
        return MOLD64_DELIVERED;
    return end_of_session ? MOLD64_END_OF_SESSION : MOLD64_HEARTBEAT;
}

/* Copies the packet into the window at its place, in place of those it covers. False if one covers it. */
static bool hold(struct mold64 *mold, const struct packet *packet) {
    struct stream *stream = &mold->live;
    uint64_t end = end_of(packet);
    uint32_t from = stream->held;
    while (from && mold->slots[stream->order[from - 1]].sequence > packet->sequence)
        from--;
    uint32_t to = from;
    if (from) {
        const struct packet *before = &mold->slots[stream->order[from - 1]];
        if (end_of(before) >= end)
            return false;
        if (before->sequence == packet->sequence)
            from--;
    }
    while (to < stream->held && end_of(&mold->slots[stream->order[to]]) <= end)
        to++;
    for (uint32_t covered = from; covered < to; covered++)
        mold->free_slots[mold->free_count++] = stream->order[covered];

    uint16_t slot = mold->free_slots[--mold->free_count];
    memmove(stream->order + from + 1, stream->order + to, (stream->held - to) * sizeof *stream->order);
    stream->order[from] = slot;
    stream->held = stream->held + 1 - (to - from);
    if (stream->held > mold->counters.held_peak)
        mold->counters.held_peak = stream->held;

    uint8_t *bytes = mold->slot_bytes + (size_t)slot * SLOT_BYTES;
    memcpy(bytes, packet->blocks, packet->length);
    mold->slots[slot] = *packet;
    mold->slots[slot].blocks = bytes;
    return true;
}

/* The lowest sequence that came while settling is where the stream starts. */
static void settle(struct mold64 *mold) {
    if (mold->state != SETTLING)
        return;
    mold->live.expected = mold->slots[mold->live.order[0]].sequence;
    mold->state = LIVE;
}

/* Takes the session of the packet. What is still held of the one before is given up first, in mold64_next. */
static void start_session(struct mold64 *mold, const struct packet *packet) {
    mold->counters.sessions++;
    if (mold->state == ENDED) {
        struct stream before = mold->live;
        before.closing = true;
        mold->live = (struct stream){.expected = 1, .order = mold->leaving.order, .is_another = true};
        mold->leaving = before;
        for (unsigned line = 0; line < MOLD64_LINES; line++)
            mold->line_next[line] = 1;
        mold->state = LIVE;
    } else if (packet->count && packet->sequence && mold->settle) {
        mold->state = SETTLING;
    } else {
        mold->live.expected = packet->sequence ? packet->sequence : 1;
        mold->state = LIVE;
    }
    memcpy(mold->session, packet->session, SESSION_BYTES);
    mold->fresh = true;
    mold->unnumbered = false;
}

static void note_on_line(struct mold64 *mold, const struct packet *packet, unsigned line) {
    struct mold64_line *counters = &mold->counters.line[line];
    uint64_t *next = &mold->line_next[line];
    if (*next && packet->sequence > *next) {
        counters->gaps++;
        counters->gap_messages += packet->sequence - *next;
    }
    if (end_of(packet) > *next)
        *next = end_of(packet);
    if (end_of(packet) > mold->live.known_end)
        mold->live.known_end = end_of(packet);
}

static enum mold64_verdict arbitrate(struct mold64 *mold, const struct packet *packet) {
    uint64_t expected = mold->live.expected;
    if (packet->sequence > expected) {
        bool held = hold(mold, packet);
        if (mold->state == SETTLING && ++mold->settled >= mold->settle)
            settle(mold);
        return held ? MOLD64_HELD : MOLD64_DUPLICATE;
    }
    if (end_of(packet) <= expected)
        return MOLD64_LATE;
    mold->current = *packet;
    return packet->sequence < expected ? MOLD64_PARTIAL : MOLD64_DELIVERED;
}

/* Decides about a well-formed packet; `kind` is what parse said. */
static enum mold64_verdict accept_packet(struct mold64 *mold, struct packet *packet, enum mold64_verdict kind,
                                         unsigned line) {
    bool ours = mold->state != WAITING && memcmp(mold->session, packet->session, SESSION_BYTES) == 0;
    if (!ours && (mold->state == LIVE || mold->state == SETTLING))
        return MOLD64_OTHER_SESSION;
    bool data = packet->count > 0;
    bool unnumbered = ours && mold->unnumbered;
    if (!data && (unnumbered || packet->sequence == 0))
        return kind;
    if (data && packet->sequence == 0 && (line != 0 || !(unnumbered || !ours || mold->fresh)))
        return MOLD64_BAD_SEQUENCE;
    if (packet->sequence && unnumbered)
        return MOLD64_BAD_SEQUENCE;
    if (!ours)
        start_session(mold, packet);
    if (data) {
        mold->counters.line[line].messages += packet->count;
        mold->fresh = false;
        if (packet->sequence == 0) {
            if (!mold->unnumbered)
                mold->live.expected = mold->live.known_end = 1;
            mold->unnumbered = true;
            packet->sequence = mold->live.expected;
        }
    }
    note_on_line(mold, packet, line);
    if (data)
        return arbitrate(mold, packet);
    settle(mold);
    if (kind == MOLD64_END_OF_SESSION)
        mold->state = ENDED;
    return kind;
}

enum mold64_verdict mold64_push(struct mold64 *mold, const uint8_t *payload, uint32_t length, unsigned line) {
    assert(line < MOLD64_LINES && mold->current.count == 0 && mold->free_count > 0);
    struct packet packet;
    mold->live.closing = false;
    enum mold64_verdict verdict = parse(payload, length, &packet);
    if (verdict == MOLD64_DELIVERED || verdict == MOLD64_HEARTBEAT || verdict == MOLD64_END_OF_SESSION)
        verdict = accept_packet(mold, &packet, verdict, line);
    mold->counters.line[line].packets++;
    mold->counters.line[line].by_verdict[verdict]++;
    return verdict;
}

/* Completes a run that ends before sequence `end`. */
static void finish_run(struct mold64 *mold, struct stream *stream, struct mold64_run *run, uint64_t end) {
    if (run->first_sequence > stream->expected) {
        run->gap_before = run->first_sequence - stream->expected;
        mold->counters.gaps++;
        mold->counters.lost += run->gap_before;
    }
    run->messages = (uint32_t)(end - run->first_sequence);
    run->new_session = stream->is_another;
    mold->counters.messages += run->messages;
    stream->is_another = false;
    stream->expected = end;
}

/* Makes a run of what is new in the packet. False if nothing is. */
static bool deliver(struct mold64 *mold, struct stream *stream, const struct packet *packet,
                    struct mold64_run *run) {
    uint64_t end = end_of(packet);
    if (end <= stream->expected)
        return false;
    uint64_t first = packet->sequence;
    uint32_t at = 0;
    for (; first < stream->expected; first++)
        at += 2 + (uint32_t)bytes_be16(packet->blocks + at);
    run->blocks = packet->blocks + at;
    run->length = packet->length - at;
    run->first_sequence = first;
    finish_run(mold, stream, run, end);
    return true;
}

static bool next_of_stream(struct mold64 *mold, struct stream *stream, struct mold64_run *run) {
    while (stream->held) {
        const struct packet *packet = &mold->slots[stream->order[0]];
        bool give_up = stream->closing || stream->held > mold->window;
        if (packet->sequence > stream->expected && !give_up)
            return false;
        mold->free_slots[mold->free_count++] = stream->order[0];
        memmove(stream->order, stream->order + 1, --stream->held * sizeof *stream->order);
        if (deliver(mold, stream, packet, run))
            return true;
    }
    if (!stream->closing || stream->known_end <= stream->expected)
        return false;
    run->first_sequence = stream->known_end;
    finish_run(mold, stream, run, stream->known_end);
    return true;
}

bool mold64_next(struct mold64 *mold, struct mold64_run *run) {
    *run = (struct mold64_run){0};
    if (next_of_stream(mold, &mold->leaving, run))
        return true;
    struct packet current = mold->current;
    mold->current.count = 0;
    return (current.count && deliver(mold, &mold->live, &current, run)) ||
           next_of_stream(mold, &mold->live, run);
}

void mold64_finish(struct mold64 *mold) {
    settle(mold);
    mold->live.closing = true;
}

const struct mold64_counters *mold64_read_counters(const struct mold64 *mold) {
    return &mold->counters;
}

bool mold64_is_well_formed(const uint8_t *payload, uint32_t length) {
    struct packet packet;
    switch (parse(payload, length, &packet)) {
    case MOLD64_DELIVERED:
    case MOLD64_HEARTBEAT:
    case MOLD64_END_OF_SESSION:
        return true;
    default:
        return false;
    }
}

struct mold64 *mold64_open(uint32_t window, uint32_t settle_packets) {
    if (window == 0 || window > MOLD64_WINDOW_MAX || settle_packets > window)
        return NULL;
    struct mold64 *mold = calloc(1, sizeof *mold);
    if (!mold)
        return NULL;
    uint32_t slots = window + 1;
    mold->window = window;
    mold->settle = settle_packets;
    mold->slots = calloc(slots, sizeof *mold->slots);
    mold->free_slots = calloc(slots, sizeof *mold->free_slots);
    mold->live.order = calloc(slots, sizeof *mold->live.order);
    mold->leaving.order = calloc(slots, sizeof *mold->leaving.order);
    void *bytes = mmap(NULL, (size_t)slots * SLOT_BYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (bytes != MAP_FAILED) {
        mold->slot_bytes = bytes;
        /* A huge page would make 30 slots resident for the one that is used. */
        madvise(bytes, (size_t)slots * SLOT_BYTES, MADV_NOHUGEPAGE);
    }
    if (!mold->slots || !mold->free_slots || !mold->live.order || !mold->leaving.order || !mold->slot_bytes) {
        mold64_close(mold);
        return NULL;
    }
    while (mold->free_count < slots) {
        mold->free_slots[mold->free_count] = (uint16_t)(slots - 1 - mold->free_count);
        mold->free_count++;
    }
    return mold;
}

void mold64_close(struct mold64 *mold) {
    if (!mold)
        return;
    if (mold->slot_bytes)
        munmap(mold->slot_bytes, (size_t)(mold->window + 1) * SLOT_BYTES);
    free(mold->slots);
    free(mold->free_slots);
    free(mold->live.order);
    free(mold->leaving.order);
    free(mold);
}

const char *mold64_verdict_name(unsigned verdict) {
    static const char *const names[MOLD64_VERDICTS] = {
        [MOLD64_DELIVERED] = "delivered",
        [MOLD64_PARTIAL] = "partial",
        [MOLD64_HELD] = "held",
        [MOLD64_LATE] = "late",
        [MOLD64_DUPLICATE] = "duplicate",
        [MOLD64_HEARTBEAT] = "heartbeat",
        [MOLD64_END_OF_SESSION] = "end_of_session",
        [MOLD64_OTHER_SESSION] = "other_session",
        [MOLD64_SHORT] = "short",
        [MOLD64_TRUNCATED] = "truncated",
        [MOLD64_FEWER_BLOCKS] = "fewer_blocks",
        [MOLD64_TRAILING] = "trailing",
        [MOLD64_OVERSIZED] = "oversized",
        [MOLD64_BAD_SEQUENCE] = "bad_sequence",
    };
    return verdict < MOLD64_VERDICTS ? names[verdict] : NULL;
}
