/* What is missing of a live feed, what is believed of it, and what its caller decides. */
#include "wire/mold64_state.h"

static uint64_t later(uint64_t one, uint64_t other) {
    return one > other ? one : other;
}

static bool is_within(uint64_t sequence, uint64_t known, uint64_t far) {
    return sequence <= known || sequence - known <= far;
}

bool mold64_believes(struct mold64 *mold, const uint8_t *session, const struct backlog_packet *packet,
                     enum mold64_verdict kind, unsigned line) {
    uint64_t far = mold->far_messages;
    uint64_t known = mold64_is_ours(mold, session) ? later(mold->live.expected, mold->live.known_end) : 1;
    if (!far)
        return true;
    struct mold64_far *before = &mold->far[line];
    bool follows = before->next && memcmp(before->session, session, MOLD64_SESSION_BYTES) == 0 &&
                   (kind == MOLD64_HEARTBEAT
                        ? packet->sequence >= before->next && is_within(packet->sequence, before->next, far)
                        : packet->sequence == before->next);
    if (follows || is_within(packet->sequence, known, far)) {
        mold64_forget_far(mold);
        return true;
    }
    memcpy(before->session, session, MOLD64_SESSION_BYTES);
    before->next = backlog_end_of(packet);
    return false;
}

static void drop_first(struct mold64 *mold) {
    struct mold64_stream *stream = &mold->live;
    backlog_take_first(&mold->backlog, &stream->order);
    backlog_set_floor(&mold->backlog, &stream->order, stream->expected);
}

enum mold64_verdict mold64_hold(struct mold64 *mold, const struct backlog_packet *packet) {
    struct backlog_order *order = &mold->live.order;
    uint32_t capacity = mold->is_live ? mold->capacity : mold->capacity + 1;
    struct backlog_place place;
    for (;;) {
        place = backlog_find(&mold->backlog, order, packet);
        if (place.is_covered)
            return MOLD64_DUPLICATE;
        if (order->held - (place.to - place.from) < capacity &&
            backlog_has_room(&mold->backlog, order, &place, packet->length))
            break;
        bool is_first = place.from == 0;
        bool is_last = place.to == order->held;
        /* For one jumbo packet more than there are slots, no others are driven out. */
        if (mold->holds_all ? is_first : is_last || backlog_is_jumbo(packet->length))
            return MOLD64_NO_ROOM;
        if (mold->holds_all)
            drop_first(mold);
        else
            backlog_drop_last(&mold->backlog, order);
        mold->counters.dropped++;
    }
    backlog_put(&mold->backlog, order, &place, packet);
    if (order->held > mold->counters.held_peak)
        mold->counters.held_peak = order->held;
    return MOLD64_HELD;
}

uint64_t mold64_expected(const struct mold64 *mold) {
    return mold->live.expected;
}

uint64_t mold64_known_end(const struct mold64 *mold) {
    return mold->live.known_end;
}

uint64_t mold64_missing(const struct mold64 *mold) {
    const struct mold64_stream *stream = &mold->live;
    if (!stream->expected || stream->known_end <= stream->expected)
        return 0;
    return stream->known_end - stream->expected - stream->order.messages;
}

uint32_t mold64_gaps(const struct mold64 *mold, struct mold64_gap *gaps, uint32_t room) {
    const struct mold64_stream *stream = &mold->live;
    const struct backlog_order *order = &stream->order;
    uint64_t missing = mold64_missing(mold);
    uint64_t position = stream->expected;
    uint32_t count = 0;
    /* The gap behind all that is held can be told without a walk. */
    uint64_t held_end = position;
    if (order->held)
        held_end = later(position, backlog_end_of(backlog_at(&mold->backlog, order, order->held - 1)));
    uint64_t behind = stream->known_end > held_end ? stream->known_end - held_end : 0;
    for (uint32_t index = 0; index < order->held && missing > behind && count < room; index++) {
        const struct backlog_packet *packet = backlog_at(&mold->backlog, order, index);
        if (packet->sequence > position) {
            gaps[count] = (struct mold64_gap){.first = position, .count = packet->sequence - position};
            missing -= gaps[count++].count;
        }
        position = later(position, backlog_end_of(packet));
    }
    if (missing && missing == behind && count < room)
        gaps[count++] = (struct mold64_gap){.first = held_end, .count = behind};
    return count;
}

bool mold64_is_full(const struct mold64 *mold) {
    return mold->live.order.held >= mold->capacity || !mold->backlog.slots[1].count;
}

const uint8_t *mold64_session(const struct mold64 *mold) {
    return mold->state == MOLD64_WAITING ? NULL : mold->session;
}

bool mold64_has_ended(const struct mold64 *mold) {
    return mold->state == MOLD64_ENDED;
}

uint64_t mold64_heard(const struct mold64 *mold) {
    return mold->heard;
}

uint32_t mold64_strangers(const struct mold64 *mold) {
    return mold->strangers;
}

void mold64_give_up(struct mold64 *mold) {
    struct mold64_stream *stream = &mold->live;
    if (mold->holds_all || !mold64_missing(mold))
        return;
    stream->give_up_to =
        stream->order.held ? backlog_at(&mold->backlog, &stream->order, 0)->sequence : stream->known_end;
}

void mold64_hold_all(struct mold64 *mold) {
    struct mold64_stream *stream = &mold->live;
    mold->holds_all = true;
    stream->fresh_end = 0;
    backlog_set_floor(&mold->backlog, &stream->order, stream->expected);
}

/* How far the stream goes on from a snapshot that has come up to `sequence`: as far as what was delivered and
 * what is held, where each packet is near the one before. `chained`: so many of those held. */
static uint64_t follow(const struct mold64 *mold, uint64_t sequence, uint32_t *chained) {
    const struct mold64_stream *stream = &mold->live;
    uint64_t known = later(sequence, stream->told_end);
    uint64_t far = mold->far_messages;
    for (*chained = 0; *chained < stream->order.held; ++*chained) {
        const struct backlog_packet *packet = backlog_at(&mold->backlog, &stream->order, *chained);
        if (far && !is_within(packet->sequence, known, far))
            break;
        known = later(known, backlog_end_of(packet));
    }
    return known;
}

static void forget_forged(struct mold64 *mold, uint32_t chained) {
    while (mold->live.order.held > chained) {
        backlog_drop_last(&mold->backlog, &mold->live.order);
        mold->counters.dropped++;
    }
}

/* How far the stream is for all we know, now that a snapshot leads on to `known`. What a line has told stands
 * until the same line tells less. */
static void settle_known_end(struct mold64 *mold, uint64_t known) {
    struct mold64_stream *stream = &mold->live;
    uint64_t far = mold->far_messages;
    uint64_t claimed = stream->known_end;
    if (far && !is_within(stream->fresh_end, known, far))
        stream->fresh_end = 0;
    stream->known_end = later(known, stream->fresh_end);
    for (unsigned line = 0; line < MOLD64_LINE_ASKED; line++)
        if (!far || is_within(stream->latest[line], known, far))
            stream->known_end = later(stream->known_end, stream->latest[line]);
    /* A snapshot may be a moment behind the lines; two in a row are not behind the same message. */
    if (claimed > stream->known_end && claimed > stream->doubted_end &&
        (!far || is_within(claimed, known, far)))
        stream->known_end = stream->doubted_end = claimed;
}

bool mold64_join(struct mold64 *mold, const uint8_t *session, uint64_t sequence) {
    struct mold64_stream *stream = &mold->live;
    struct backlog_order *order = &stream->order;
    uint32_t chained;
    uint64_t known = follow(mold, sequence, &chained);
    if (sequence == 0)
        return false;
    if (mold->state == MOLD64_WAITING) {
        if (!session)
            return false;
        memcpy(mold->session, session, MOLD64_SESSION_BYTES);
        mold->counters.sessions++;
        mold->state = MOLD64_LIVE;
    } else if (session && !mold64_is_ours(mold, session)) {
        return false;
    } else if (mold->far_messages &&
               !is_within(sequence, later(stream->expected, stream->known_end), mold->far_messages)) {
        return false;
    }
    /* The lines may be far ahead of what a snapshot leads to for two reasons: what they said was forged, and
     * then they have since said otherwise; or the snapshot is as old as it looks. */
    if (mold->far_messages && !is_within(stream->latest_end, known, mold->far_messages))
        return false;
    forget_forged(mold, chained);
    while (order->held && backlog_end_of(backlog_at(&mold->backlog, order, 0)) <= sequence)
        backlog_take_first(&mold->backlog, order);
    backlog_set_floor(&mold->backlog, order, sequence);
    settle_known_end(mold, known);
    stream->expected = sequence;
    stream->give_up_to = 0;
    stream->is_another = false; /* the books hold this session already */
    mold->holds_all = false;
    if (mold->state == MOLD64_ENDED && mold->ended_at > stream->known_end)
        mold->state = MOLD64_LIVE;
    mold64_forget_far(mold);
    return true;
}

void mold64_release(struct mold64 *mold) {
    mold->holds_all = false;
}

void mold64_leave(struct mold64 *mold) {
    if (mold->state == MOLD64_LIVE)
        mold->state = MOLD64_LEFT;
}
