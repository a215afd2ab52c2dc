/* The matching engine of the simulated exchange: clients' orders among those of a scripted day.
 *
 * The script is a day of framed messages. The engine walks it, message by message, and writes the live day:
 * the same messages, byte for byte, as long as no client's order is concerned; and what becomes of them where
 * one is. Its books are those of the live day, so what it writes is a stream without oddities if the script
 * is one: each reference is known, none gives more than it has, and no client's order locks or crosses a
 * book. The same script and the same calls at the same messages give the same live day.
 *
 * A client's order trades at once with the best orders of the other side, at their prices, best price first
 * and oldest first; each of them shows as E. It is not shown itself; what is left of it rests (A) or, for
 * IOC, is cancelled. A replacement is a new order in the place of an old one (U; D, when none of it rests),
 * and has lost its place in the queue. References and match numbers of clients' orders and of their trades
 * are from a range behind all those of the script.
 *
 * What a scripted message does where clients' orders are. The script goes on believing in its own quantities;
 * a scripted order can have given shares to clients, or kept shares that a client has given in its place.
 *   E C   Clients' orders of the same side with a better price, or earlier at the same price, give first: E
 *         at their own price with match numbers of their own. The scripted order gives what is still asked
 *         for, as much as it has; when the script has it all, what it still has is deleted.
 *   X     takes the shares it names, as many as there are. (A limit on what the order may trade in its life,
 *         what clients have taken included; so it is what its owner would have asked for.)
 *   D     as it stands; left out when clients have taken the whole order.
 *   U     what clients have taken of the original is missing in the replacement, too; if that is all of it,
 *         the original is deleted. An order that has been taken whole is not replaced.
 *   A F U that would lock or cross clients' orders trade with these first, best price first and oldest first,
 *         E at the client's price; what is left is added, with fewer shares, or nothing is.
 *   B     left out when its trade has not taken place (clients' orders have given all of it).
 *   H h   which end trading: afterwards clients' orders of that symbol are cancelled (reason H).
 *   S     M: before it, clients' orders for market hours are cancelled (reason E). E, C: all are.
 * What comes about an order that has been taken whole is left out until the script is done with it. P and Q
 * move no order: they pass. An order that nobody knows is the script's own affair: its messages pass.
 *
 * Entries are refused (the number of an OUCH reason) while their symbol is unknown to the live day or does
 * not trade (7), after their hours (2), when their limit lies too far through the other side (6), when the
 * original of a replacement is gone (0x15), and when there is no room for them (10).
 *
 * All memory is taken at the start. Events of orders stand in a ring until they are fetched; while it could
 * not take those of another message, the script waits.
 */
#ifndef APPLIANCE_VENUE_MATCH_H
#define APPLIANCE_VENUE_MATCH_H

#include "book/book.h"
#include "synth/writer.h"
#include "venue/day.h"
#include "venue/table.h"

enum venue_phase { VENUE_OPEN, VENUE_AFTER_HOURS, VENUE_CLOSED };

enum venue_refusal {
    VENUE_DESTINATION_CLOSED = 0x02,
    VENUE_FAT_FINGER = 0x06,
    VENUE_HALTED = 0x07,
    VENUE_NO_ROOM = 0x0a,
    VENUE_NOT_REPLACED = 0x15
};

/* Of every order in the books, by its node: who it is, and when it joined its queue. */
struct venue_mark {
    uint64_t reference;
    uint64_t arrival;
};

/* A client's order at rest. Those of a side of a book are linked, the one that trades first in front. */
struct venue_client {
    uint64_t tag;
    uint64_t reference;
    uint64_t arrival;
    uint64_t expire_ns;
    uint32_t px;
    uint32_t qty;
    uint32_t next; /* 0 = none; of a free one: the next free one */
    uint32_t prev;
    uint16_t locate;
    uint8_t side;
    uint8_t flags;
    uint32_t is_used;
};

/* A scripted order whose quantity is not the script's, until the script is done with it. */
struct venue_differing {
    uint64_t arrival;
    uint32_t script_qty;
    uint32_t px;
    uint16_t locate;
    uint8_t side;
    uint8_t reserved;
    uint32_t next; /* free */
};

/* What a survey of the script finds. */
struct venue_survey {
    uint64_t messages;
    uint64_t last_reference;
    uint64_t last_match;
    char symbols[ABI_MAX_LOCATES][8]; /* of locates; 0 = none */
};

struct venue_match {
    const uint8_t *script;
    uint64_t script_bytes;
    uint64_t script_at;
    uint64_t scripted;
    uint8_t *live;
    uint64_t live_room;
    uint64_t applied; /* bytes of the live day that the books have */
    struct synth_writer writer;
    struct venue_day *day;
    struct book_set *set;
    struct venue_mark *marks;
    uint64_t arrivals;
    uint64_t next_reference; /* of clients */
    uint64_t next_match;
    struct venue_table client_of;    /* by reference */
    struct venue_client *clients;    /* the first is none */
    uint32_t (*first)[2];            /* by locate and side */
    struct venue_table differing_of; /* by reference */
    struct venue_differing *differing;
    struct venue_table undone; /* match numbers of scripted trades that have not taken place */
    struct market_entry *held; /* of an earlier run, until their symbols trade */
    uint32_t held_count;
    uint32_t free_client;
    uint32_t free_differing;
    uint32_t client_room;
    uint32_t clients_live;
    uint64_t next_expiry_ns; /* none before */
    struct market_event *events;
    uint64_t event_head;
    uint64_t event_tail;
    uint64_t fat_finger_ppm;
    enum venue_phase phase;
    uint64_t changed;
    uint64_t executions;
    uint64_t executed_qty;
    struct venue_survey survey;
};

enum {
    VENUE_EVENTS = 1 << 17,
    VENUE_MOST_CLIENTS = 1 << 16,
    VENUE_MOST_DIFFERING = 1 << 20,
    VENUE_MOST_FRAMED = 64 /* bytes of a message that is written here */
};

/* The script has been opened as a day before: its messages are whole, and 64 readable bytes are behind them.
 * The live day has `live_room` writable bytes. NULL with one line in `error` (API_ERROR_BYTES). */
struct venue_match *venue_match_open(const struct market_config *config, const uint8_t *script,
                                     uint64_t script_bytes, uint8_t *live, uint64_t live_room, char *error);
void venue_match_close(struct venue_match *match);

/* Does up to `count` messages of the script, none of a time behind `until_ns`. How many. */
uint64_t venue_match_step(struct venue_match *match, uint64_t count, uint64_t until_ns);
/* No message has a time before this one from now on; it never goes back. */
void venue_match_clock(struct venue_match *match, uint64_t now_ns);
/* The market closes: all clients' orders are cancelled (reason E), and no more are taken. */
void venue_match_end(struct venue_match *match);
static inline bool venue_match_is_done(const struct venue_match *match) {
    return match->script_at == match->script_bytes;
}
/* The time of the script's next message; 0 = it has none. */
uint64_t venue_match_next_ns(const struct venue_match *match);

/* match_client.c. 0, or why not: then nothing has happened. */
int venue_match_enter(struct venue_match *match, const struct market_entry *entry);
/* The entry's symbol and side are the original's. */
int venue_match_replace(struct venue_match *match, uint64_t original, const struct market_entry *entry);
/* Down to `keep` open shares; reason 0: as a reduction, not as a cancel. False: there is nothing to do. */
bool venue_match_cancel(struct venue_match *match, uint64_t reference, uint32_t keep, uint8_t reason);
/* An order of an earlier run: it is entered when its symbol trades. False without room. */
bool venue_match_hold(struct venue_match *match, const struct market_entry *entry);

/* Fetches events in the order in which they have happened. */
uint32_t venue_match_events(struct venue_match *match, struct market_event *events, uint32_t room);

/* match_survey.c */
void venue_survey(struct venue_survey *survey, const uint8_t *script, uint64_t bytes);

/* Between the parts of the engine. */

/* The books take what has been written. */
void venue_match_apply(struct venue_match *match);
void venue_match_tell(struct venue_match *match, const struct market_event *event);
/* The node of an order in the books; 0 = it is not there. */
uint32_t venue_match_node(const struct venue_match *match, uint64_t reference);
/* Whether the live day takes `bytes` more, and still all of what the script can become. */
bool venue_match_has_room(const struct venue_match *match, uint64_t bytes);
/* A client's order at rest gives shares: E in the live day. */
void venue_client_fill(struct venue_match *match, uint32_t slot, uint32_t qty);
void venue_client_cancel(struct venue_match *match, uint32_t slot, uint32_t keep, uint8_t reason);
/* Orders of this locate (0 = of all) with one of these flags (0 = all): by locate, bids first, and the one
 * first that would have traded first. */
void venue_client_cancel_all(struct venue_match *match, uint16_t locate, uint8_t flags, uint8_t reason);
void venue_client_cancel_held(struct venue_match *match, uint8_t reason);
void venue_client_expire(struct venue_match *match);
void venue_client_enter_held(struct venue_match *match, uint16_t locate);
/* match_script.c: one scripted message that clients' orders may concern, and its bytes. */
void venue_script_take(struct venue_match *match, const uint8_t *framed, uint32_t bytes);
void venue_match_pass(struct venue_match *match, const uint8_t *framed, uint32_t bytes);
/* The entry of a scripted order whose quantity now differs from the script's, made if it is not there. */
struct venue_differing *venue_match_differ(struct venue_match *match, uint64_t reference, uint32_t node);

static inline struct venue_mark *venue_match_mark(const struct venue_match *match, uint32_t node) {
    return &match->marks[node - orders_first(&match->set->orders)];
}

static inline bool venue_is_better(unsigned side, uint32_t px, uint32_t than_px) {
    return side == SIDE_BID ? px > than_px : px < than_px;
}

#endif
