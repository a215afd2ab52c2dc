#include "book/orders.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint64_t power_of_two_above(uint64_t count) {
    uint64_t power = 64;
    while (power < count)
        power *= 2;
    return power;
}

/* Hands out the parts of one mapping, each on a cache line of its own. */
static void *carve(char **at, size_t bytes) {
    void *part = *at;
    *at += (bytes + 63) & ~(size_t)63;
    return part;
}

int orders_open(struct orders *orders, uint32_t count, uint32_t pages, uint32_t levels, bool prefault) {
    *orders = (struct orders){.orders_limit = count, .levels_limit = levels, .pages_limit = pages};
    uint64_t entries = power_of_two_above((uint64_t)pages * 2);
    orders->directory_mask = entries - 1;
    orders->strays_mask = entries - 1;
    size_t nodes = 2 + 2 * (size_t)levels + count;
    size_t indexed = ((size_t)pages + 1) * ORDERS_PER_PAGE;
    if (nodes > UINT32_MAX || indexed > UINT32_MAX) {
        errno = EINVAL;
        return -1;
    }
    size_t bytes = nodes * sizeof *orders->nodes + count * sizeof *orders->free_orders +
                   indexed * sizeof *orders->index + pages * sizeof *orders->free_pages +
                   2 * entries * sizeof *orders->directory + (size_t)6 * 64;
    if (memory_map(&orders->memory, bytes, false) < 0)
        return -1;
    char *at = orders->memory.base;
    orders->nodes = carve(&at, nodes * sizeof *orders->nodes);
    orders->directory = carve(&at, entries * sizeof *orders->directory);
    orders->index = carve(&at, indexed * sizeof *orders->index);
    orders->free_orders = carve(&at, count * sizeof *orders->free_orders);
    orders->free_pages = carve(&at, pages * sizeof *orders->free_pages);
    orders->strays = (struct order_page *)at; /* untouched until a stray appears */
    if (prefault)
        memory_touch(&orders->memory, (size_t)(at - (char *)orders->memory.base));
    return 0;
}

void orders_clear(struct orders *orders) {
    /* A level of 0 orders is what makes an old hint worthless. */
    memset(&orders->nodes[2], 0, 2 * (size_t)orders->levels_used * sizeof *orders->nodes);
    memset(&orders->index[ORDERS_PER_PAGE], 0,
           (size_t)orders->pages_used * ORDERS_PER_PAGE * sizeof *orders->index);
    if (orders->pages_used)
        memset(orders->directory, 0, (orders->directory_mask + 1) * sizeof *orders->directory);
    if (orders->stray_count)
        memset(orders->strays, 0, (orders->strays_mask + 1) * sizeof *orders->strays);
    orders->free_level = 0;
    orders->levels_used = 0;
    orders->live_levels = 0;
    orders->free_order_count = 0;
    orders->orders_used = 0;
    orders->free_page_count = 0;
    orders->pages_used = 0;
    orders->stray_count = 0;
}

void orders_close(struct orders *orders) {
    memory_unmap(&orders->memory);
}

static uint64_t stray_home(const struct orders *orders, uint64_t number) {
    return (number * 0x9e3779b97f4a7c15u >> 24) & orders->strays_mask;
}

struct order_page *orders_find_stray(struct orders *orders, uint64_t number) {
    for (uint64_t at = stray_home(orders, number);; at = (at + 1) & orders->strays_mask) {
        struct order_page *page = &orders->strays[at];
        if (page->number == number)
            return page;
        if (page->number == 0)
            return NULL;
    }
}

static uint32_t take_page(struct orders *orders) {
    if (orders->free_page_count)
        return orders->free_pages[--orders->free_page_count];
    if (orders->pages_used == orders->pages_limit)
        return 0;
    return ++orders->pages_used * ORDERS_PER_PAGE;
}

struct order_page *orders_new_page(struct orders *orders, uint64_t reference) {
    uint64_t number = (reference >> ORDERS_PAGE_BITS) + 1;
    struct order_page *page = &orders->directory[(number - 1) & orders->directory_mask];
    uint32_t first = take_page(orders);
    if (!first)
        return NULL;
    if (page->number) {
        uint64_t at = stray_home(orders, number);
        while (orders->strays[at].number)
            at = (at + 1) & orders->strays_mask;
        page = &orders->strays[at];
        orders->stray_count++;
    }
    *page = (struct order_page){.number = number, .first = first};
    return page;
}

/* Closing the hole keeps every stray reachable from its home without passing an empty entry. */
static void remove_stray(struct orders *orders, struct order_page *page) {
    uint64_t hole = (uint64_t)(page - orders->strays);
    for (uint64_t at = (hole + 1) & orders->strays_mask; orders->strays[at].number;
         at = (at + 1) & orders->strays_mask) {
        uint64_t home = stray_home(orders, orders->strays[at].number);
        if (((at - home) & orders->strays_mask) >= ((at - hole) & orders->strays_mask)) {
            orders->strays[hole] = orders->strays[at];
            hole = at;
        }
    }
    memset(&orders->strays[hole], 0, sizeof orders->strays[hole]);
    orders->stray_count--;
}

void orders_recycle(struct orders *orders, struct order_page *page) {
    orders->free_pages[orders->free_page_count++] = page->first;
    if (page >= orders->strays && page <= &orders->strays[orders->strays_mask])
        remove_stray(orders, page);
    else
        memset(page, 0, sizeof *page);
}

static void note_page(const struct orders *orders, const struct order_page *page, uint64_t *references) {
    const uint32_t *entries = &orders->index[page->first];
    for (uint32_t i = 0, found = 0; found < page->live; i++)
        if (entries[i]) {
            references[entries[i] - orders_first(orders)] = (page->number - 1) << ORDERS_PAGE_BITS | i;
            found++;
        }
}

uint64_t *orders_references(const struct orders *orders) {
    uint64_t *references = calloc(orders->orders_used + (size_t)1, sizeof *references);
    for (uint64_t at = 0; references && at <= orders->directory_mask; at++)
        note_page(orders, &orders->directory[at], references);
    for (uint64_t at = 0; references && orders->stray_count && at <= orders->strays_mask; at++)
        note_page(orders, &orders->strays[at], references);
    return references;
}
