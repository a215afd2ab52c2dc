/* The receiving thread of a running data plane: ports -> lines -> arbitration -> books -> views, and what is
 * missing is fetched meanwhile.
 *
 *     live.c          its parts, and the loop
 *     live_packets.c  what a frame is, to whom it belongs, and what its messages do to the books
 *     live_repair.c   between the stream, the state machine of recovery.h, and the recoverer's thread
 *     live_tell.c     what others see of it, in the shared segment
 *
 * After live_open nothing in here allocates, locks or calls the kernel, but for what the chosen ports do, for
 * a short sleep of a thread that has no core of its own and nothing to do, and for the digest of the depth,
 * which is taken when a session has ended or the process stops.
 *
 * When books are stale: all of them from the moment a packet shows that messages are missing until the last
 * of these is applied, because nothing in a gap says whose messages they were. A message of a wrong length
 * makes only the book stale that it names. A snapshot makes all fresh.
 */
#ifndef APPLIANCE_STAGE_LIVE_H
#define APPLIANCE_STAGE_LIVE_H

#include "abi.h"
#include "book/book.h"
#include "book/publish.h"
#include "port/port.h"
#include "stage/recoverer.h"
#include "stage/replay.h"
#include "stage/segment.h"
#include "stage/trading.h"
#include "stats/histogram.h"
#include "wire/mold64.h"
#include "wire/recovery.h"

#include <signal.h>
#include <stdbool.h>

enum {
    LIVE_BURST = 64,
    LIVE_ASKED = 256, /* requests that are remembered */
    /* Runs that are applied in one go: after a snapshot tens of thousands may be ready, and the ring of a
     * port that waited for all of them would overflow. */
    LIVE_RUNS = 64,
    LIVE_BARE = UINT16_MAX, /* in a journal, in place of a line: framed messages, of a bare file */
    LIVE_PORTS = sizeof((struct plan){0}.port) / sizeof(struct plan_port),
    LIVE_LINES = sizeof((struct plan){0}.line) / sizeof(struct plan_line)
};

/* One request: its messages, and the next of them that no reply has brought. */
struct live_asked {
    uint64_t first;
    uint64_t next;
    uint64_t end;
};

struct live {
    struct segment *segment;
    struct trading *trading; /* NULL: books only */
    const struct plan *plan;
    struct port *ports[LIVE_PORTS];
    bool ended[LIVE_PORTS];
    struct mold64 *mold;
    struct recovery *recovery;   /* NULL: what comes from files cannot be had again */
    struct recoverer *recoverer; /* NULL: there is no server to ask */
    struct book_set *books;
    struct publisher publisher;
    char (*symbols)[8];
    struct frame_counters frames;
    struct recovery_counters recovery_counters;
    struct line_map found_lines; /* of a capture, when the plan names none */
    uint64_t other_destination;
    uint64_t first_sequence; /* of this session, in a capture */
    uint64_t unwritten;      /* records for which the journal had no room, and has not been told of */

    uint64_t now;  /* cycles, read once a round */
    uint64_t mark; /* where the last measured stage ended and the next begins */
    uint64_t told; /* when the counters were last written to the segment */
    uint64_t ended_at;
    uint64_t cycles_per_ms;
    uint32_t empty_rounds;
    struct live_asked asked[LIVE_ASKED]; /* the latest, in a ring */
    uint32_t asked_next;
    uint32_t fetch;                              /* the snapshot that is under way; 0 = none */
    uint8_t fetch_session[MOLD64_SESSION_BYTES]; /* for which it was wanted */
    uint64_t snapshot_end; /* it is whole: the message that follows it, for which it waits; 0 = not yet */
    bool behind;           /* more runs are ready than one round applies */
    bool doubtful;         /* something is missing that no packet will bring: only a snapshot helps */
    bool flagged;          /* all books carry BOOK_STALE */
    bool recovery_stale;   /* the recovery says so; in a replay, the journal */
    bool replays;          /* what comes is what a journal holds */
    bool trusts_files;     /* the packets come from files, and what is wrong with one is for good */
    bool rebuilding;       /* a snapshot is going into the books: no strategy is shown that */
    bool relaxes;          /* it has no core of its own */
    bool shown_ended;
    struct port_frame burst[LIVE_BURST];
};

/* Opens all that the plan asks for and touches its memory. `taps` are of the journal, `replay` is a session
 * that comes again instead of what the ports bring, which then stay shut; both may be NULL. NULL with one
 * line in `error` (PORT_ERROR_BYTES), also when the process is told to stop meanwhile (memory/start.h). */
struct live *live_open(struct segment *segment, struct journal_taps *taps, struct replay *replay,
                       char *error);
void live_close(struct live *live);

/* Receives until it is told to stop, or the feed has ended and the plan does not say to hold. 0, or -1 with
 * one line in `error`. */
int live_run(struct live *live, const volatile sig_atomic_t *told_to_stop, char *error);

/* The same with what a journal holds of the feed; returns when all of it has been worked off. */
int live_replay(struct live *live, struct replay *replay, const volatile sig_atomic_t *told_to_stop,
                char *error);
/* Nothing more will come: what waits for a gap is taken. */
void live_finish(struct live *live);

/* live_packets.c */
void live_take_frame(struct live *live, const struct port_frame *frame, uint64_t received);
/* A packet of MoldUDP64 on one of its lines. */
void live_take_packet(struct live *live, const uint8_t *payload, uint32_t length, unsigned line,
                      uint64_t received);
/* Applies what the arbitration has ready, about LIVE_RUNS of it: `behind` says whether there is more. */
void live_take_runs(struct live *live, uint64_t received);
/* Messages into the books. */
void live_apply(struct live *live, const uint8_t *blocks, size_t bytes);
/* Flags the books, or takes the flag away, as the stream stands. */
void live_flag_books(struct live *live);

/* live_repair.c */
int live_repair_open(struct live *live, char *error);
/* One round: what the recoverer brought, then what is to be done next. */
void live_repair(struct live *live);
/* Another session has begun: what was under way for the one before is of no use. */
void live_repair_forget(struct live *live);

/* What an action does to the stream and the books; asking is none of that. */
void live_do(struct live *live, enum recovery_action action);
/* The books are emptied for a snapshot; its messages; it is whole, and joined if that can be. */
void live_begin_snapshot(struct live *live);
void live_apply_snapshot(struct live *live, const uint8_t *blocks, size_t bytes);
bool live_join_snapshot(struct live *live, const uint8_t session[MOLD64_SESSION_BYTES], uint64_t sequence);

/* live_record.c: the journal of the feed's thread; nothing, where there is none. */
void live_record_packet(struct live *live, const uint8_t *payload, uint32_t length, unsigned line);
void live_record_step(struct live *live, enum journal_kind kind, const struct journal_step *what,
                      const uint8_t *data);

/* live_tell.c */
/* Writes views that have changed, and every millisecond the counters. */
void live_tell(struct live *live);
/* Writes all of it, whatever the time. */
void live_tell_all(struct live *live);
/* The digest of every order, for all to see; takes a while. */
void live_tell_depth(struct live *live);

/* What was done since the last measurement was this stage. */
static inline void live_measure(struct live *live, enum stage stage) {
    uint64_t now = histogram_stamp();
    histogram_add(&live->segment->stats->stage[stage], now - live->mark);
    live->mark = now;
}

static inline void live_enter(struct live *live, enum stage stage) {
    __atomic_store_n(&live->segment->header->live.stage, (uint32_t)stage, __ATOMIC_RELAXED);
}

#endif
