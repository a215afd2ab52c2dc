/* For those who look at the books; nothing here is on the hot path. */
#include "book/book.h"
#include "book/digest.h"

#include <stdlib.h>
#include <string.h>

static const struct side *side_of(const struct book_set *set, uint16_t locate, unsigned side) {
    return locate <= set->locates && side <= SIDE_ASK ? &set->books[locate].side[side] : NULL;
}

uint32_t book_levels(const struct book_set *set, uint16_t locate, unsigned side_index,
                     struct level_view *levels, uint32_t room) {
    const struct side *side = side_of(set, locate, side_index);
    if (!side)
        return 0;
    for (uint32_t i = 0; i < side->count && i < room; i++) {
        const struct level *level = orders_level(&set->orders, (uint32_t)side->levels[side->count - 1 - i]);
        levels[i] = (struct level_view){.px = level->px, .orders = level->orders, .qty = level->qty};
    }
    return side->count;
}

/* Calls `visit` for every order of a level, the oldest first. */
typedef void visitor(void *context, const struct level *level, const struct resting *order, uint32_t node);

static void walk_level(const struct book_set *set, int64_t entry, visitor *visit, void *context) {
    const struct level *level = orders_level(&set->orders, (uint32_t)entry);
    uint32_t node = level->next;
    for (uint32_t n = 0; n < level->orders; n++) {
        const struct resting *order = orders_node(&set->orders, node);
        visit(context, level, order, node);
        node = order->next;
    }
}

struct listing {
    const uint64_t *references; /* by distance from the first order */
    uint32_t first;
    struct queued_order *queue;
    uint32_t room;
    uint32_t count;
};

static void list_order(void *context, const struct level *level, const struct resting *order, uint32_t node) {
    struct listing *listing = context;
    if (listing->count < listing->room)
        listing->queue[listing->count] = (struct queued_order){
            .reference = listing->references[node - listing->first], .px = level->px, .qty = order->qty};
    listing->count++;
}

uint32_t book_queue(const struct book_set *set, uint16_t locate, unsigned side_index,
                    struct queued_order *queue, uint32_t room) {
    const struct side *side = side_of(set, locate, side_index);
    struct listing listing = {.first = orders_first(&set->orders), .queue = queue, .room = room};
    uint64_t *references = side && room ? orders_references(&set->orders) : NULL;
    if (!side || (room && !references))
        return 0;
    listing.references = references;
    for (uint32_t i = side->count; i-- > 0;)
        walk_level(set, side->levels[i], list_order, &listing);
    free(references);
    return listing.count;
}

struct depth {
    const uint64_t *references;
    uint32_t first;
    uint64_t digest;
};

static void fold_order(void *context, const struct level *level, const struct resting *order, uint32_t node) {
    struct depth *depth = context;
    depth->digest =
        digest_rotate(depth->digest, 5) ^ digest_mix(depth->references[node - depth->first], level->px,
                                                     order->qty, level->locate | (uint64_t)level->side << 16);
}

uint64_t book_depth_digest(const struct book_set *set) {
    uint64_t *references = orders_references(&set->orders);
    struct depth depth = {.references = references, .first = orders_first(&set->orders)};
    for (uint32_t locate = 1; references && locate <= set->locates_used; locate++)
        for (unsigned side_index = SIDE_BID; side_index <= SIDE_ASK; side_index++) {
            const struct side *side = &set->books[locate].side[side_index];
            for (uint32_t i = side->count; i-- > 0;)
                walk_level(set, side->levels[i], fold_order, &depth);
        }
    free(references);
    return depth.digest;
}

void book_view_fill(const struct book_set *set, uint16_t locate, struct book_view *view) {
    memset(view, 0, sizeof *view);
    if (locate > set->locates)
        return;
    const struct book *book = &set->books[locate];
    const struct book_info *info = &set->infos[locate];
    view->sequence = set->sequence - 1;
    view->venue_ns = set->venue_ns;
    view->locate = locate;
    view->flags = (book->flags & (BOOK_HALTED | BOOK_UNTRUSTED | BOOK_SHORT_SALE_RESTRICTED | BOOK_STALE)) |
                  set->every_flag;
    memcpy(view->symbol, info->symbol, sizeof view->symbol);
    view->last_px = info->last_px;
    view->last_qty = info->last_qty;
    view->traded_qty = info->traded_qty;
    view->trading_state = info->trading_state;
    view->reg_sho = info->reg_sho;
    uint32_t bids = book_levels(set, locate, SIDE_BID, view->bid, ABI_VIEW_LEVELS);
    uint32_t asks = book_levels(set, locate, SIDE_ASK, view->ask, ABI_VIEW_LEVELS);
    view->bid_levels = (uint16_t)(bids < ABI_VIEW_LEVELS ? bids : ABI_VIEW_LEVELS);
    view->ask_levels = (uint16_t)(asks < ABI_VIEW_LEVELS ? asks : ABI_VIEW_LEVELS);
    if (bids && asks && view->bid[0].px >= view->ask[0].px)
        view->flags |= view->bid[0].px == view->ask[0].px ? BOOK_LOCKED : BOOK_CROSSED;
}

void book_read_counters(const struct book_set *set, struct book_counters *counters) {
    *counters = set->counters;
    counters->live_orders = set->orders.orders_used - set->orders.free_order_count;
    counters->live_levels = set->orders.live_levels;
    counters->order_pages = set->orders.pages_used - set->orders.free_page_count;
    counters->order_nodes = set->orders.orders_used;
}
