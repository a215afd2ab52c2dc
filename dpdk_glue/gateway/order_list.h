/* The records of the order pool: found by user reference, and the open ones in the order they were opened,
 * all together and an instrument each.
 *
 * The place of a record is its user reference, modulo their number. A closed order is remembered until
 * another needs its place; an open one keeps it, and its number's successors pass over it. So an order is
 * found with one look, and memory is bounded by the number of records.
 *
 * The best price of our own orders, a side of an instrument, is kept up to date: of all open orders that rest
 * or may come to rest, which IOC orders never do. A price that leaves is looked for again among the
 * instrument's orders, which are few.
 */
#ifndef APPLIANCE_GATEWAY_ORDER_LIST_H
#define APPLIANCE_GATEWAY_ORDER_LIST_H

#include "abi.h"

#include <stdbool.h>

/* Neighbours are told by their place + 1; 0 = none. */
struct order_neighbours {
    uint32_t before;
    uint32_t after;
};

struct order_record {
    struct order_view view;
    struct order_neighbours all;
    struct order_neighbours here; /* of the instrument */
    uint32_t asked_size;          /* what the cancel under way leaves of it */
    uint32_t reserved;
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct order_record) == 128, "two cache lines");

struct order_ends {
    uint32_t first;
    uint32_t last;
};

struct order_list {
    struct order_record *records;
    uint32_t mask;
    uint32_t open;
    uint32_t instruments;
    struct order_ends all;
    struct order_ends *here;
    uint32_t (*best_px)[2]; /* a side; 0 = none */
};

/* `orders` is a power of two. 0, or -1 without memory. */
int order_list_open(struct order_list *list, uint32_t orders, uint32_t instruments);
void order_list_close(struct order_list *list);

static inline bool order_is_open(const struct order_view *view) {
    return view->state != ORDER_NONE && (view->state <= ORDER_CANCEL_SENT || view->state == ORDER_UNKNOWN);
}

static inline struct order_record *order_list_place(const struct order_list *list, uint32_t user_ref) {
    return &list->records[user_ref & list->mask];
}

/* NULL: no such order, or one that is forgotten. */
static inline struct order_record *order_list_find(const struct order_list *list, uint32_t user_ref) {
    struct order_record *record = order_list_place(list, user_ref);
    return record->view.user_ref == user_ref && record->view.state != ORDER_NONE ? record : NULL;
}

/* NULL at the end. `record` may be NULL: the first. */
struct order_record *order_list_after(const struct order_list *list, const struct order_record *record);
struct order_record *order_list_after_here(const struct order_list *list, uint32_t instrument,
                                           const struct order_record *record);

/* An order that is open from now on, its view filled in; and one that is over, its view as it was. */
void order_list_add(struct order_list *list, struct order_record *record);
void order_list_remove(struct order_list *list, struct order_record *record);
/* Of an open order. */
void order_list_reprice(struct order_list *list, struct order_record *record, uint32_t px);

#endif
