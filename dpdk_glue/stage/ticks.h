/* From the books to the strategy: what a strategy is shown, and when.
 *
 * A tick is one event of a book that has an instrument (a symbol of the plan), with the view of that book.
 * Messages go into the books in batches; a strategy that wants every event sees each in order, with the best
 * level only. Others see the last event of each book in a batch, in the order of those events, with as many
 * levels as they asked for, as the books stand behind the batch. A batch is a run of messages of one packet,
 * or 512 of them where a run is longer: nothing in it depends on time. The last trade in a view is that of
 * the batch.
 *
 * Before messages go into the books, those that will read a tick are told of whose it will be, so that they
 * can ask for their memory while the books wait for theirs.
 *
 * A symbol is looked up when the first event of its locate comes, so that the same messages always give the
 * same ticks. Books that are being rebuilt from a snapshot give none.
 */
#ifndef APPLIANCE_STAGE_TICKS_H
#define APPLIANCE_STAGE_TICKS_H

#include "abi.h"
#include "book/book.h"

enum { TICKS_BATCH = 512 };

/* In the place of an instrument: no event; from now on the strategy in slot `last_px` is called. */
static const uint32_t TICKS_SWITCH = UINT32_MAX;

struct tick {
    struct book_event event;
    uint32_t instrument;
    uint32_t last_px; /* of the book; 0 = no trade yet */
    uint64_t number;  /* counts all ticks, from 1 */
    uint64_t reserved[6];
    struct book_view view; /* as deep as the strategy reads; `version` is 0 */
};
_Static_assert(sizeof(struct tick) == 512, "eight cache lines");

/* What a tick is built into and how it goes on: `room` gives a place, `done` hands it on. `expect` is told
 * beforehand of an instrument that there may be a tick of. */
struct tick_sink {
    void (*expect)(void *context, uint32_t instrument);
    struct tick *(*room)(void *context);
    void (*done)(void *context, struct tick *tick);
    void *context;
};

struct ticks {
    const char (*symbols)[8]; /* by instrument, padded with spaces */
    uint32_t instruments;
    uint32_t depth;
    bool every_event;
    uint64_t session; /* of the books: another one has other locates */
    uint64_t number;
    uint16_t *of_locate; /* instrument + 1; 0 = not looked up, TICKS_NOBODYS = none */
    uint16_t *by_hash;   /* instrument + 1 */
    uint32_t hash_mask;
    uint16_t last[ABI_MAX_VIEWS]; /* of an instrument in this batch: its event's index + 1 */
    struct book_event events[TICKS_BATCH];
};

/* 0, or -1 without memory. The symbols are the caller's. */
int ticks_open(struct ticks *ticks, const char (*symbols)[8], uint32_t instruments);
void ticks_close(struct ticks *ticks);
/* What the strategy that is called from now on reads. */
void ticks_ask(struct ticks *ticks, uint32_t depth, bool every_event);
/* Messages into the books, and what follows from them to the sink. */
void ticks_feed(struct ticks *ticks, struct book_set *books, const uint8_t *blocks, size_t bytes,
                const struct tick_sink *sink);

#endif
