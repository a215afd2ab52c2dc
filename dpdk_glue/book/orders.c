#include "book/orders.h"

#include <string.h>

static uint64_t power_of_two_above(uint64_t count) {
    uint64_t power = 64;
    while (power < count)
        power *= 2;
    return power;
}

int orders_open(struct orders *orders, uint32_t pages, uint32_t levels, bool prefault) {
    *orders = (struct orders){.levels_limit = levels, .pages_limit = pages};
    orders->directory_mask = power_of_two_above((uint64_t)pages * 2) - 1;
    orders->strays_mask = power_of_two_above((uint64_t)pages * 2) - 1;
    /* Node 0 and 1 stay unused (0 = none); one page of slack behind the last keeps every guess inside. */
    size_t nodes = 2 + 2 * (size_t)levels + ((size_t)pages + 1) * ORDERS_PER_PAGE;
    size_t node_bytes = (nodes * sizeof(struct order) + 63) & ~(size_t)63;
    size_t directory_bytes = (orders->directory_mask + 1) * sizeof(struct order_page);
    size_t stray_bytes = (orders->strays_mask + 1) * sizeof(struct order_page);
    size_t free_bytes = (size_t)pages * sizeof(uint32_t);
    if (nodes > UINT32_MAX ||
        memory_map(&orders->memory, node_bytes + directory_bytes + stray_bytes + free_bytes, false) < 0)
        return -1;
    char *at = orders->memory.base;
    orders->directory = (void *)at;
    orders->nodes = (void *)(at += directory_bytes);
    orders->free_pages = (void *)(at += node_bytes);
    orders->strays = (void *)(at += free_bytes + (-free_bytes & 63));
    if (prefault) /* the table of strays stays untouched until a stray appears */
        memory_touch(&orders->memory, directory_bytes + node_bytes + free_bytes);
    return 0;
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
    return orders_first_page(orders) + orders->pages_used++ * ORDERS_PER_PAGE;
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
