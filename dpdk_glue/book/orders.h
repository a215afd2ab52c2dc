/* Orders and levels: 16-byte nodes in one dense arena, and the direct index from a reference to its node.
 *
 * The queue of a level is a circular doubly linked list in which the level itself is the sentinel: its first
 * half has its links where an order has them, so linking and unlinking need no test for head or tail.
 *
 * References are resolved through pages of ORDERS_PER_PAGE consecutive numbers, four bytes each: the order's
 * node, 0 for none. The directory has one entry for every residue of the page number; a feed counts
 * references up, so two live pages of the same residue are an oddity (another venue's numbers, random tests)
 * and the later one goes to a small hash table. A page whose last order has left is given to the next number
 * that needs one.
 *
 * Nodes are taken from the one freed last, so the live orders stay together and mostly in the cache. Kept in
 * the pages themselves, 16 bytes for every number that the venue skipped or that is dead, they spread over
 * 330 MB instead of 5 on the mix, and a random line of memory costs 8 to 12 ns even when asked for in time.
 */
#ifndef APPLIANCE_BOOK_ORDERS_H
#define APPLIANCE_BOOK_ORDERS_H

#include "memory/memory.h"

#include <stdbool.h>
#include <stdint.h>

#ifndef ORDERS_PAGE_BITS
#define ORDERS_PAGE_BITS 10
#endif

enum { ORDERS_PER_PAGE = 1 << ORDERS_PAGE_BITS };

struct resting {
    uint32_t qty;
    uint32_t level;
    uint32_t prev;
    uint32_t next;
};

/* A level takes two nodes. */
struct level {
    uint32_t orders;
    uint32_t px;
    uint32_t prev; /* newest order */
    uint32_t next; /* oldest order; the next free level in the pool */
    uint64_t qty;
    uint16_t locate;
    uint8_t side;
    uint8_t reserved[5];
};

_Static_assert(sizeof(struct resting) == 16 && sizeof(struct level) == 32, "one and two nodes");

struct order_page {
    uint64_t number; /* page number + 1; 0 = none */
    uint32_t first;  /* where its entries stand in the index; 0 = a page that is always empty */
    uint32_t live;
};

struct orders {
    struct resting *nodes; /* levels first, orders behind them; node 0 is none */
    uint32_t *index;       /* page 0 is always empty */
    struct order_page *directory;
    uint64_t directory_mask;
    uint32_t free_level;
    uint32_t levels_used; /* high-water mark; nodes above were never a level */
    uint32_t levels_limit;
    uint32_t live_levels;
    uint32_t *free_orders;
    uint32_t free_order_count;
    uint32_t orders_used;
    uint32_t orders_limit;
    uint32_t free_page_count;
    uint32_t *free_pages;
    uint32_t pages_used;
    uint32_t pages_limit;
    struct order_page *strays; /* pages whose directory entry is taken, by hash */
    uint64_t strays_mask;
    uint32_t stray_count;
    struct memory memory;
};

int orders_open(struct orders *orders, uint32_t count, uint32_t pages, uint32_t levels, bool prefault);
void orders_close(struct orders *orders);
/* As it was when opened; only what was used is touched. */
void orders_clear(struct orders *orders);

/* The entry of a page that is not where the directory has it: NULL when there is none. */
struct order_page *orders_find_stray(struct orders *orders, uint64_t number);
/* A page for this reference, which has none yet; NULL when the pool has run out. */
struct order_page *orders_new_page(struct orders *orders, uint64_t reference);
/* Gives an empty page back. */
void orders_recycle(struct orders *orders, struct order_page *page);

/* The reference of every order, by its distance from the first node: what the index says, turned round, for
 * those who list queues. (Kept up to date with every order it cost 3.5 ns a message on the real flow.) To be
 * freed by the caller; NULL without memory. */
uint64_t *orders_references(const struct orders *orders);

/* The node of the first order. */
static inline uint32_t orders_first(const struct orders *orders) {
    return 2 + 2 * orders->levels_limit;
}

static inline struct resting *orders_node(const struct orders *orders, uint32_t node) {
    return &orders->nodes[node];
}

static inline struct level *orders_level(const struct orders *orders, uint32_t node) {
    return (struct level *)&orders->nodes[node];
}

/* 0 when the pool has run out. */
static inline uint32_t orders_new_order(struct orders *orders) {
    if (__builtin_expect(orders->free_order_count != 0, 1))
        return orders->free_orders[--orders->free_order_count];
    if (orders->orders_used == orders->orders_limit)
        return 0;
    return orders_first(orders) + orders->orders_used++;
}

static inline void orders_free_order(struct orders *orders, uint32_t node) {
    orders->free_orders[orders->free_order_count++] = node;
}

/* 0 when the pool has run out. */
static inline uint32_t orders_new_level(struct orders *orders) {
    uint32_t node = orders->free_level;
    if (node) {
        orders->free_level = orders->nodes[node].next;
    } else {
        if (orders->levels_used == orders->levels_limit)
            return 0;
        node = 2 * ++orders->levels_used;
    }
    orders->live_levels++;
    return node;
}

static inline void orders_free_level(struct orders *orders, uint32_t node) {
    orders->nodes[node].next = orders->free_level;
    orders->free_level = node;
    orders->live_levels--;
}

#endif
