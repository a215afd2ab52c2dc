/* Orders and levels: 16-byte nodes in one arena, and the direct index from a reference number to its node.
 *
 * The queue of a level is a circular doubly linked list in which the level itself is the sentinel: the
 * level's first half has its links where an order has them, so linking and unlinking need no test for head or
 * tail.
 *
 * References are resolved through pages of ORDERS_PER_PAGE consecutive numbers. The directory has one entry
 * for every residue of the page number; the feed counts references up, so two live pages of the same residue
 * are an oddity (another venue's numbers, random tests) and the later one goes to a small hash table. A page
 * whose last order has left is given to the next page number that needs one.
 */
#ifndef APPLIANCE_BOOK_ORDERS_H
#define APPLIANCE_BOOK_ORDERS_H

#include "book/memory.h"

#include <stdbool.h>
#include <stdint.h>

#ifndef ORDERS_PAGE_BITS
#define ORDERS_PAGE_BITS 8
#endif

enum { ORDERS_PER_PAGE = 1 << ORDERS_PAGE_BITS };

/* An order; `level` is 0 when there is none under this reference. */
struct order {
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

_Static_assert(sizeof(struct order) == 16 && sizeof(struct level) == 32, "one and two nodes");

struct order_page {
    uint64_t number; /* page number + 1; 0 = none */
    uint32_t first;  /* node of the page's first order */
    uint32_t live;
};

struct orders {
    struct order *nodes; /* levels first, order pages behind them */
    struct order_page *directory;
    uint64_t directory_mask;
    uint32_t free_level;
    uint32_t levels_used; /* high-water mark; nodes above were never a level */
    uint32_t levels_limit;
    uint32_t live_levels;
    uint32_t *free_pages; /* first nodes of recycled pages */
    uint32_t free_page_count;
    uint32_t pages_used;
    uint32_t pages_limit;
    struct order_page *strays; /* pages whose directory entry is taken, by hash */
    uint64_t strays_mask;
    uint32_t stray_count;
    struct memory memory;
};

int orders_open(struct orders *orders, uint32_t pages, uint32_t levels, bool prefault);
void orders_close(struct orders *orders);

/* The entry of a page that is not where the directory has it: NULL when there is none. */
struct order_page *orders_find_stray(struct orders *orders, uint64_t number);
/* A page for this reference, which has none yet; NULL when the pool has run out. */
struct order_page *orders_new_page(struct orders *orders, uint64_t reference);
/* Gives an empty page back. */
void orders_recycle(struct orders *orders, struct order_page *page);

/* The node behind the last level. */
static inline uint32_t orders_first_page(const struct orders *orders) {
    return 2 + 2 * orders->levels_limit;
}

static inline struct order *orders_node(const struct orders *orders, uint32_t node) {
    return &orders->nodes[node];
}

static inline struct level *orders_level(const struct orders *orders, uint32_t node) {
    return (struct level *)&orders->nodes[node];
}

/* Where the order of this reference would be if its page is in the directory: for read-ahead only. */
static inline const struct order *orders_guess(const struct orders *orders, uint64_t reference) {
    const struct order_page *page =
        &orders->directory[(reference >> ORDERS_PAGE_BITS) & orders->directory_mask];
    return &orders->nodes[page->first + (uint32_t)(reference & (ORDERS_PER_PAGE - 1))];
}

static inline struct order_page *orders_page(struct orders *orders, uint64_t reference) {
    uint64_t number = (reference >> ORDERS_PAGE_BITS) + 1;
    struct order_page *page = &orders->directory[(number - 1) & orders->directory_mask];
    if (__builtin_expect(page->number == number, 1))
        return page;
    return orders->stray_count ? orders_find_stray(orders, number) : NULL;
}

static inline uint32_t orders_node_of(const struct order_page *page, uint64_t reference) {
    return page->first + (uint32_t)(reference & (ORDERS_PER_PAGE - 1));
}

/* 0 when the pool has run out. Recycled levels come first: they are in the cache. */
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
