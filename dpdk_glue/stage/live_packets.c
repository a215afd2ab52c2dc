#include "stage/live.h"

#include "stage/feed.h"
#include "wire/frame.h"
#include "wire/lines.h"

/* The line of a datagram, or LINES_OTHER. */
static int line_of(struct live *live, const struct frame_udp *udp) {
    const struct plan *plan = live->plan;
    if (!plan->lines)
        return lines_find(&live->found_lines, udp);
    for (uint32_t line = 0; line < plan->lines; line++)
        if (plan->line[line].group == udp->ip && plan->line[line].udp_port == udp->port)
            return (int)line;
    live->other_destination++;
    return LINES_OTHER;
}

/* Messages went into the books: how long that took, and how long after their arrival it was done. */
static void measure_books(struct live *live, uint64_t received) {
    live_measure(live, STAGE_BOOK);
    histogram_add(&live->segment->stats->stage[STAGE_EVENT], live->mark - received);
}

void live_flag_books(struct live *live) {
    bool stale = live->doubtful || live->behind || mold64_missing(live->mold) || live->recovery_stale;
    if (stale == live->flagged)
        return;
    live->flagged = stale;
    book_set_stale(live->books, stale);
}

void live_apply(struct live *live, const uint8_t *blocks, size_t bytes) {
    uint64_t nobodys = live->books->nobodys_messages;
    if (live->trading && !live->rebuilding)
        trading_feed(live->trading, live->books, blocks, bytes);
    else
        book_feed(live->books, blocks, bytes, NULL, 0, NULL);
    if (live->books->nobodys_messages != nobodys)
        live->doubtful = true;
}

void live_take_runs(struct live *live, uint64_t received) {
    struct mold64_run run;
    live->behind = false;
    for (unsigned taken = 0; mold64_next(live->mold, &run); taken++) {
        if (run.new_session) {
            book_clear(live->books);
            live_repair_forget(live);
        }
        if (run.new_session || !live->first_sequence)
            live->first_sequence = run.first_sequence;
        live->doubtful |= run.gap_before != 0;
        live_flag_books(live);
        live->books->sequence = run.first_sequence;
        if (run.length) { /* else it only tells of a gap at the end, or of another session */
            live_enter(live, STAGE_BOOK);
            live_apply(live, run.blocks, run.length);
            live_enter(live, STAGE_WIRE);
            measure_books(live, received);
        }
        if (taken >= LIVE_RUNS && mold64_may_push(live->mold)) {
            live->behind = true;
            break;
        }
    }
    live_flag_books(live);
}

void live_take_packet(struct live *live, const uint8_t *payload, uint32_t length, unsigned line,
                      uint64_t received) {
    live_record_packet(live, payload, length, line);
    enum mold64_verdict verdict = mold64_push(live->mold, payload, length, line);
    if (live->trusts_files && feed_is_doubtful(verdict, payload, length, live->first_sequence))
        live->doubtful = true;
    live_measure(live, STAGE_WIRE);
    live_take_runs(live, received);
}

void live_take_frame(struct live *live, const struct port_frame *frame, uint64_t received) {
    struct frame_udp udp = {.payload = frame->data, .length = frame->length};
    int line = (int)frame->line;
    if (frame->kind == PORT_ITCH) {
        live_record_packet(live, frame->data, frame->length, LIVE_BARE);
        live_apply(live, frame->data, frame->length);
        measure_books(live, received);
        live_flag_books(live);
        return;
    }
    if (frame->kind == PORT_ETHERNET) {
        if (frame_parse(frame->data, frame->length, &udp, &live->frames) != FRAME_UDP)
            return;
        line = line_of(live, &udp);
    }
    if (line != LINES_OTHER)
        live_take_packet(live, udp.payload, udp.length, (unsigned)line, received);
}
