#include "wire/mold64.h"

#include "wire/bytes.h"
#include "wire/mold64_packet.h"
#include "wire/mold64_state.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

_Static_assert(MOLD64_VERDICTS <= sizeof((struct mold64_line){0}.by_verdict) / sizeof(uint64_t),
               "a counter for every verdict");
_Static_assert(MOLD64_LINES == sizeof((struct mold64_counters){0}.line) / sizeof(struct mold64_line),
               "counters for every line");

/* The lowest sequence that came while settling is where the stream starts. */
static void settle(struct mold64 *mold) {
    if (mold->state != MOLD64_SETTLING)
        return;
    mold->live.expected = backlog_at(&mold->backlog, &mold->live.order, 0)->sequence;
    mold->state = MOLD64_LIVE;
}

/* Takes the session of the packet. What is still held of the one before is given up first, in mold64_next. */
static void start_session(struct mold64 *mold, const uint8_t *session, const struct backlog_packet *packet) {
    mold->counters.sessions++;
    if (mold->state != MOLD64_WAITING) {
        struct mold64_stream before = mold->live;
        before.is_closing = true;
        mold->live = (struct mold64_stream){
            .expected = 1, .known_end = 1, .order.slots = mold->leaving.order.slots, .is_another = true};
        mold->leaving = before;
        for (unsigned line = 0; line < MOLD64_LINES; line++)
            mold->line_next[line] = 1;
        mold->holds_all = false;
        mold->state = MOLD64_LIVE;
    } else if (mold->is_live) {
        mold->live.expected = mold->live.known_end = 1;
        mold->state = MOLD64_LIVE;
    } else if (packet->count && packet->sequence && mold->settle) {
        mold->state = MOLD64_SETTLING;
    } else {
        mold->live.expected = packet->sequence ? packet->sequence : 1;
        mold->state = MOLD64_LIVE;
    }
    memcpy(mold->session, session, MOLD64_SESSION_BYTES);
    mold->is_fresh = true;
    mold->is_unnumbered = false;
}

static void note_on_line(struct mold64 *mold, const struct backlog_packet *packet, unsigned line) {
    struct mold64_line *counters = &mold->counters.line[line];
    struct mold64_stream *stream = &mold->live;
    uint64_t *next = &mold->line_next[line];
    uint64_t end = backlog_end_of(packet);
    bool has_order = !mold->is_live || line < MOLD64_LINE_ASKED;
    if (has_order && *next && packet->sequence > *next) {
        counters->gaps++;
        counters->gap_messages += packet->sequence - *next;
    }
    if (end > *next)
        *next = end;
    if (mold->is_live && line < MOLD64_LINE_ASKED)
        stream->latest[line] = stream->latest_end = end;
    if (end > stream->known_end)
        stream->known_end = end;
    if (end > stream->fresh_end)
        stream->fresh_end = end;
}

static enum mold64_verdict arbitrate(struct mold64 *mold, const struct backlog_packet *packet) {
    uint64_t expected = mold->live.expected;
    if (expected && backlog_end_of(packet) <= expected)
        return MOLD64_LATE;
    if (packet->sequence > expected || mold->holds_all) {
        enum mold64_verdict verdict = mold64_hold(mold, packet);
        if (mold->state == MOLD64_SETTLING && ++mold->settled >= mold->settle)
            settle(mold);
        return verdict;
    }
    mold->current = *packet;
    return packet->sequence < expected ? MOLD64_PARTIAL : MOLD64_DELIVERED;
}

/* A live session: it may not have ended, or been left, after all. */
static void note_on_session(struct mold64 *mold, enum mold64_verdict kind, unsigned line) {
    uint64_t known_end = mold->live.known_end;
    if (line >= MOLD64_LINE_ASKED)
        return;
    mold->heard++;
    mold->strangers = 0;
    if (mold->state == MOLD64_LEFT || (mold->state == MOLD64_ENDED && known_end > mold->ended_at))
        mold->state = MOLD64_LIVE;
    if (kind == MOLD64_END_OF_SESSION && mold->live.expected) {
        mold->state = MOLD64_ENDED;
        mold->ended_at = known_end;
    }
}

static enum mold64_verdict accept_live(struct mold64 *mold, const uint8_t *session,
                                       const struct backlog_packet *packet, enum mold64_verdict kind,
                                       unsigned line) {
    bool ours = mold64_is_ours(mold, session);
    bool asked = line >= MOLD64_LINE_ASKED;
    if (!ours && (asked || mold->state == MOLD64_LIVE)) {
        mold->strangers += !asked;
        return MOLD64_OTHER_SESSION;
    }
    if (packet->sequence == 0)
        return packet->count ? MOLD64_BAD_SEQUENCE : kind;
    if (asked && !packet->count)
        return kind;
    /* What was asked for is known to exist: a server that goes beyond is mistaken. */
    if (asked ? packet->sequence >= mold->live.known_end
              : !mold64_believes(mold, session, packet, kind, line))
        return MOLD64_FAR_AHEAD;
    if (!ours)
        start_session(mold, session, packet);
    mold->counters.line[line].messages += packet->count;
    /* An end that comes before messages that are known is no more than a heartbeat. */
    bool ends = kind == MOLD64_END_OF_SESSION && packet->sequence >= mold->live.known_end;
    note_on_line(mold, packet, line);
    note_on_session(mold, ends ? kind : MOLD64_HEARTBEAT, line);
    return packet->count ? arbitrate(mold, packet) : kind;
}

static enum mold64_verdict accept_of_file(struct mold64 *mold, const uint8_t *session,
                                          struct backlog_packet *packet, enum mold64_verdict kind,
                                          unsigned line) {
    bool ours = mold64_is_ours(mold, session);
    if (!ours && (mold->state == MOLD64_LIVE || mold->state == MOLD64_SETTLING))
        return MOLD64_OTHER_SESSION;
    bool data = packet->count > 0;
    bool unnumbered = ours && mold->is_unnumbered;
    if (!data && (unnumbered || packet->sequence == 0))
        return kind;
    if (data && packet->sequence == 0 && (line != 0 || !(unnumbered || !ours || mold->is_fresh)))
        return MOLD64_BAD_SEQUENCE;
    if (packet->sequence && unnumbered)
        return MOLD64_BAD_SEQUENCE;
    if (!ours)
        start_session(mold, session, packet);
    if (data) {
        mold->counters.line[line].messages += packet->count;
        mold->is_fresh = false;
        if (packet->sequence == 0) {
            if (!mold->is_unnumbered)
                mold->live.expected = mold->live.known_end = 1;
            mold->is_unnumbered = true;
            packet->sequence = mold->live.expected;
        }
    }
    note_on_line(mold, packet, line);
    if (data)
        return arbitrate(mold, packet);
    settle(mold);
    if (kind == MOLD64_END_OF_SESSION)
        mold->state = MOLD64_ENDED;
    return kind;
}

enum mold64_verdict mold64_push(struct mold64 *mold, const uint8_t *payload, uint32_t length, unsigned line) {
    assert(line < MOLD64_LINES && mold->current.count == 0);
    struct backlog_packet packet;
    mold->live.is_closing = false;
    enum mold64_verdict verdict = mold64_parse(payload, length, &packet);
    if (verdict == MOLD64_DELIVERED || verdict == MOLD64_HEARTBEAT || verdict == MOLD64_END_OF_SESSION)
        verdict = mold->is_live ? accept_live(mold, payload, &packet, verdict, line)
                                : accept_of_file(mold, payload, &packet, verdict, line);
    mold->counters.line[line].packets++;
    mold->counters.line[line].by_verdict[verdict]++;
    return verdict;
}

/* Completes a run that ends before sequence `end`. */
static void finish_run(struct mold64 *mold, struct mold64_stream *stream, struct mold64_run *run,
                       uint64_t end) {
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
    if (run->messages)
        stream->told_end = end;
}

/* Makes a run of what is new in the packet. False if nothing is. */
static bool deliver(struct mold64 *mold, struct mold64_stream *stream, const struct backlog_packet *packet,
                    struct mold64_run *run) {
    uint64_t end = backlog_end_of(packet);
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

static bool next_of_stream(struct mold64 *mold, struct mold64_stream *stream, struct mold64_run *run) {
    while (stream->order.held) {
        const struct backlog_packet *packet = backlog_at(&mold->backlog, &stream->order, 0);
        bool overflows = !mold->is_live && stream->order.held > mold->capacity;
        if (packet->sequence > stream->expected && !stream->is_closing && !overflows &&
            packet->sequence > stream->give_up_to)
            return false;
        backlog_take_first(&mold->backlog, &stream->order);
        if (deliver(mold, stream, packet, run))
            return true;
    }
    uint64_t end = stream->is_closing ? stream->known_end : stream->give_up_to;
    if (end <= stream->expected)
        return false;
    run->first_sequence = end;
    finish_run(mold, stream, run, end);
    return true;
}

bool mold64_next(struct mold64 *mold, struct mold64_run *run) {
    *run = (struct mold64_run){0};
    if (next_of_stream(mold, &mold->leaving, run))
        return true;
    if (mold->holds_all)
        return false;
    struct backlog_packet current = mold->current;
    mold->current.count = 0;
    if ((current.count && deliver(mold, &mold->live, &current, run)) ||
        next_of_stream(mold, &mold->live, run))
        return true;
    if (!mold->is_live || !mold->live.is_another)
        return false;
    /* The books of the session before are over, whenever the first message of this one comes. */
    run->first_sequence = mold->live.expected;
    finish_run(mold, &mold->live, run, run->first_sequence);
    return true;
}

bool mold64_may_push(const struct mold64 *mold) {
    return mold->current.count == 0;
}

void mold64_finish(struct mold64 *mold) {
    settle(mold);
    mold->holds_all = false;
    mold->live.is_closing = true;
}

const struct mold64_counters *mold64_read_counters(const struct mold64 *mold) {
    return &mold->counters;
}

static struct mold64 *open_with(uint32_t capacity, uint32_t shorts, uint32_t jumbos,
                                enum backlog_memory how) {
    if (capacity == 0 || capacity > MOLD64_WINDOW_MAX)
        return NULL;
    struct mold64 *mold = calloc(1, sizeof *mold);
    if (!mold)
        return NULL;
    if (backlog_open(&mold->backlog, shorts, jumbos, how)) {
        free(mold);
        return NULL;
    }
    mold->capacity = capacity;
    mold->live.order.slots = mold->backlog.rings[0];
    mold->leaving.order.slots = mold->backlog.rings[1];
    return mold;
}

struct mold64 *mold64_open(uint32_t window, uint32_t settle_packets) {
    if (settle_packets > window)
        return NULL;
    /* A full window and the packet that overflows it, whatever their length. */
    struct mold64 *mold = open_with(window, window + 1, window + 1, BACKLOG_LAZY);
    if (mold)
        mold->settle = settle_packets;
    return mold;
}

struct mold64 *mold64_open_live(uint32_t window, uint32_t far_messages, bool prefault) {
    uint32_t jumbos = window < MOLD64_JUMBOS ? window : MOLD64_JUMBOS;
    struct mold64 *mold = open_with(window, window, jumbos, prefault ? BACKLOG_TOUCHED : BACKLOG_HUGE);
    if (mold) {
        mold->is_live = true;
        mold->far_messages = far_messages;
    }
    return mold;
}

void mold64_close(struct mold64 *mold) {
    if (!mold)
        return;
    backlog_close(&mold->backlog);
    free(mold);
}

uint64_t mold64_bytes(const struct mold64 *mold) {
    return sizeof *mold + mold->backlog.memory.bytes;
}
