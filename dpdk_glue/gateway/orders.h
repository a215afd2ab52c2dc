/* The order pool: what we have asked of the venue, and what became of it.
 *
 * Intents that have passed all checks become orders here, with the next user reference and the next number;
 * what the venue says is applied here, and comes out as effects for those who count quantities
 * (abi/gateway.h). No clock, no socket; the same calls give the same orders. The venue's word is the truth,
 * also where it has filled or taken more than was asked. What makes no sense is counted, and changes nothing.
 * At any time
 *
 *     entered = filled + cancelled + leaves        of each order
 *     asked + adopted = filled + released          of its effects, when it has closed
 *
 * How an order's state goes. `standing` is LIVE, or PARTLY_FILLED when some of it is filled; "over" is
 * FILLED, CANCELLED, REPLACED and REJECTED. A message about an order that is not known counts as a
 * stranger's.
 *
 *                    SENT       LIVE, PARTLY  CANCEL_SENT    UNKNOWN    over
 *     Accepted       standing   (repeat)      same           standing   same; revived if we gave it up
 *       state D      CANCELLED  (repeat)      CANCELLED      CANCELLED  same
 *     Replaced, new  standing   (repeat)      same           standing   same; revived if we gave it up
 *     Replaced, old  REPLACED   REPLACED      REPLACED       REPLACED   same
 *     Executed all   FILLED     FILLED        FILLED         FILLED     same, and believed: odd
 *       a part       PARTLY     PARTLY        same           PARTLY     same, and believed: odd
 *     Canceled all   CANCELLED  CANCELLED     CANCELLED      CANCELLED  (senseless)
 *       a part       standing   standing      same; with reason U standing: it was our cancel
 *                                                            standing   (senseless)
 *     AIQ Canceled   as Canceled
 *     Rejected       REJECTED   (senseless)   REJECTED if never heard of, else (senseless)
 *                                                            likewise   (senseless); noted if we gave it up
 *     Cancel Pending CANCEL_SENT CANCEL_SENT  same           CANCEL_SENT (senseless)
 *     Cancel Reject  (senseless) (senseless)  standing       standing if asked to go  (senseless)
 *     Modified       as Canceled a part, or more is adopted  standing   (senseless)
 *     Priority, Restated  same; noted         same           standing   (senseless)
 *     Broken, Corrected   same, whatever it is: fills are remembered by themselves
 *     disconnected, ended  UNKNOWN  UNKNOWN   UNKNOWN        same       same
 *     caught up      REJECTED   standing if heard of, else REJECTED     same
 *
 * Quantities of a message change those of the order: Accepted and Replaced say how much was entered, Executed
 * and Canceled take from the leaves, Modified says what is left. More executed than was left: the order has
 * grown by that. More cancelled than was left: no more than that.
 *
 * A replacement is an order of its own, SENT beside the one whose place it wants; both count as open until
 * Replaced says that the old one is over. The replacement's quantity is then what the venue says: it may be
 * less than asked by what was filled meanwhile. The venue ignores a replacement of an order that is over: so
 * when that order ends before Replaced, the replacement is given up with it (END_ORIGINAL_GONE). When the
 * replacement is rejected, the old order stays, and its tag is its own again. A cancel under the tag goes to
 * the replacement, as it comes to the venue behind it; rejected, it takes the cancel with it.
 *
 * A connection breaks: nobody knows what of the last orders reached the venue. All open orders are UNKNOWN,
 * and no order is taken, until the session has been caught up. In between, the venue's sequenced messages
 * tell what happened. The venue drops the old connection before it takes the new one, so an order that no
 * message has told of by then never arrives: it is given up (END_NEVER_ARRIVED), and what it reserved is
 * released. Should the venue have it after all, its Accepted revives it.
 *
 * After a crash the pool is empty, and the venue's messages are replayed from the first: Accepted, or
 * Replaced, makes the order anew, without its tag; what it holds open is adopted. User references go on
 * behind the highest that was heard of, also in Account Query Response, and numbers behind the highest in any
 * ClOrdID.
 */
#ifndef APPLIANCE_GATEWAY_ORDERS_H
#define APPLIANCE_GATEWAY_ORDERS_H

#include "abi.h"
#include "gateway/fills.h"
#include "gateway/order_list.h"
#include "memory/lines.h"

enum { ORDER_POOL_EFFECTS = 4, ORDER_POOL_ALL = UINT32_MAX };

struct order_pool {
    struct order_list list;
    struct fills fills;
    const char (*symbols)[8];
    uint32_t (*tags)[ABI_TAGS]; /* the user reference of each instrument's orders; 0 = none */
    uint64_t next_user_ref;
    uint64_t first_taken; /* the first user reference of this life; 0 = none yet */
    uint64_t number;      /* of the last order */
    uint64_t sequence;    /* of the last message */
    uint16_t connection;
    bool connected;
    bool settling;
    struct order_record *settled; /* the next to settle */
    struct order_pool_counters counters;
};

/* Symbols (padded with spaces, one an instrument) must outlive the pool. 0, or -1 with errno set. */
int order_pool_open(struct order_pool *pool, const struct order_pool_limits *limits,
                    const char (*symbols)[8]);
void order_pool_close(struct order_pool *pool);

/* Asks for what an order of this instrument will need, beside the pool itself. */
static inline void order_pool_expect(const struct order_pool *pool, uint32_t instrument) {
    const struct order_list *list = &pool->list;
    lines_expect(pool->tags[instrument], sizeof *pool->tags);
    lines_expect(order_list_place(list, (uint32_t)pool->next_user_ref), sizeof *list->records);
    lines_expect(&list->here[instrument], sizeof *list->here);
    lines_expect(list->best_px[instrument], sizeof *list->best_px);
    lines_expect(pool->symbols[instrument], sizeof *pool->symbols);
}

/* Whether order_pool_take would make an order of this; changes and counts nothing. `order` may be NULL; else
 * it becomes the one under the intent's tag that REPLACE or CANCEL would be about, or NULL. */
enum order_take order_pool_look(const struct order_pool *pool, const struct intent *intent,
                                const struct order_view **order);
/* Makes the order that is to be sent. It is in the pool from now on. CANCEL takes its quantity as the
 * protocol has it: the size that the order is to have, what is filled included; so a fill on the way does no
 * harm. */
enum order_take order_pool_take(struct order_pool *pool, const struct intent *intent, struct order *order);
/* All orders of an instrument, or with ORDER_POOL_ALL of all: one message, whatever is open. False without a
 * session that is caught up: then nobody would hear it. */
bool order_pool_mass_cancel(struct order_pool *pool, uint32_t instrument, uint64_t rx_cycles,
                            struct order *order);

/* Applies a reply; returns how many effects it had, one an order. After EXECUTION_CAUGHT_UP the effects come
 * from order_pool_settle, one by one until it says false; until then no order is taken. */
uint32_t order_pool_apply(struct order_pool *pool, const struct execution *execution,
                          struct order_effect effects[ORDER_POOL_EFFECTS]);
bool order_pool_settle(struct order_pool *pool, uint64_t rx_cycles, struct order_effect *effect);

/* NULL: not known, or forgotten. */
const struct order_view *order_pool_find(const struct order_pool *pool, uint32_t user_ref);
const struct order_view *order_pool_find_tag(const struct order_pool *pool, uint32_t instrument,
                                             uint32_t tag);
/* The best price of our own open orders, for the check against trading with ourselves; 0 = none. */
uint32_t order_pool_best(const struct order_pool *pool, uint32_t instrument, uint32_t side);
/* Returns how many are open, and writes as many as fit, in the order they were opened. */
uint32_t order_pool_list(const struct order_pool *pool, struct order_view *views, uint32_t room);

/* For replies.c: an order's end gives its tag to the order whose place it wanted, if that is still there. */
void order_pool_leave_tag(struct order_pool *pool, const struct order_view *view);

#endif
