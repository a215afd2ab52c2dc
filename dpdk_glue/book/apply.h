/* What one message does to its book: the inside of book_feed, and the cold paths it leaves by.
 *
 * Everything here is meant to be inlined into one loop. `pools` are the pointers of the book_set that do not
 * change while a run is applied, copied out so that the compiler can see that no store changes them.
 */
#ifndef APPLIANCE_BOOK_APPLY_H
#define APPLIANCE_BOOK_APPLY_H

#include "book/book.h"

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* Asks for the line. Not __builtin_prefetch: gcc 12 takes a function that does nothing else for one without
 * effect, and leaves its calls out. */
static inline void apply_ask_for(const void *line) {
    __asm__ volatile("prefetcht0 %0" : : "m"(*(const char *)line));
}

/* What a message does to orders; 0 = nothing. */
enum apply_work {
    REMOVES = 1,
    ADDS = 2,
    WHOLE = 4, /* takes all that is left of the order */
    TRADES = 8
};

static const uint8_t apply_work[256] = {
    ['A'] = ADDS,
    ['F'] = ADDS,
    ['E'] = REMOVES | TRADES,
    ['C'] = REMOVES | TRADES,
    ['X'] = REMOVES,
    ['D'] = REMOVES | WHOLE,
    ['U'] = REMOVES | ADDS | WHOLE,
};

struct pools {
    struct resting *nodes;
    uint32_t *index;
    struct order_page *directory;
    uint64_t directory_mask;
    uint32_t *hints;
    struct book *books;
    uint32_t locates;
};

/* Cold paths, in book.c: an order that cannot be added, or is not the book's, and a pool that has run out. */
__attribute__((noinline, cold)) void book_count_bad_add(struct book_set *set,
                                                        const struct itch_message *message);
__attribute__((noinline, cold)) void book_count_bad_order(struct book_set *set,
                                                          const struct itch_message *message, uint64_t *why);
__attribute__((noinline, cold)) void book_refuse_page(struct book_set *set, struct book *book);
__attribute__((noinline, cold)) void book_refuse_order(struct book_set *set, struct book *book,
                                                       struct order_page *page, uint32_t level_node);
/* Takes an empty level out of its side. */
__attribute__((noinline)) void book_drop_level(struct book_set *set, struct book *book, uint32_t level_node);
/* The level of this price, searched in the side and made when there is none; 0 when a pool has run out. */
__attribute__((noinline)) uint32_t book_find_level(struct book_set *set, struct book *book,
                                                   unsigned side_index, uint32_t px, uint32_t *hint,
                                                   bool *touches_best);

static inline struct resting *apply_node(const struct pools *pools, uint32_t node) {
    return &pools->nodes[node];
}

static inline struct level *apply_level(const struct pools *pools, uint32_t node) {
    return (struct level *)&pools->nodes[node];
}

/* The directory's entry for this reference: of its page, or of another page of the same residue. */
static inline struct order_page *apply_residue(const struct pools *pools, uint64_t reference) {
    return &pools->directory[(reference >> ORDERS_PAGE_BITS) & pools->directory_mask];
}

static inline uint32_t *apply_entry(const struct pools *pools, const struct order_page *page,
                                    uint64_t reference) {
    return &pools->index[page->first + (uint32_t)(reference & (ORDERS_PER_PAGE - 1))];
}

/* The page of this reference, or NULL. */
static inline struct order_page *apply_page(struct book_set *set, const struct pools *pools,
                                            uint64_t reference) {
    uint64_t number = (reference >> ORDERS_PAGE_BITS) + 1;
    struct order_page *page = apply_residue(pools, reference);
    if (likely(page->number == number))
        return page;
    return set->orders.stray_count ? orders_find_stray(&set->orders, number) : NULL;
}

/* False when the order was refused, and counted. */
static inline bool apply_add(struct book_set *set, const struct pools *pools, struct book *book,
                             unsigned side, uint64_t reference, const struct itch_message *message,
                             uint32_t *hint, bool *touches_best) {
    uint32_t px = message->px;
    struct order_page *page = apply_page(set, pools, reference);
    if (unlikely(!page) && !(page = orders_new_page(&set->orders, reference))) {
        book_refuse_page(set, book);
        return false;
    }
    uint32_t *entry = apply_entry(pools, page, reference);
    if (unlikely(*entry)) {
        set->counters.duplicate_reference++;
        return false;
    }
    uint32_t level_node = *hint;
    struct level *level = apply_level(pools, level_node);
    if (level->px == px && level->locate == message->locate && level->side == side && level->orders)
        *touches_best |= px == book->best_px[side];
    else
        level_node = book_find_level(set, book, side, px, hint, touches_best);
    uint32_t node = likely(level_node) ? orders_new_order(&set->orders) : 0;
    if (unlikely(!node)) {
        book_refuse_order(set, book, page, level_node);
        return false;
    }
    level = apply_level(pools, level_node);
    uint32_t newest = level->prev;
    struct resting *order = apply_node(pools, node);
    order->qty = message->qty;
    order->level = level_node;
    order->prev = newest;
    order->next = level_node;
    apply_node(pools, newest)->next = node;
    level->prev = node;
    level->orders++;
    level->qty += message->qty;
    *entry = node;
    page->live++;
    return true;
}

static inline void apply_drop(struct book_set *set, const struct pools *pools, struct book *book,
                              struct order_page *page, uint32_t *entry) {
    uint32_t node = *entry;
    const struct resting *order = apply_node(pools, node);
    uint32_t level_node = order->level;
    apply_node(pools, order->prev)->next = order->next;
    apply_node(pools, order->next)->prev = order->prev;
    *entry = 0;
    orders_free_order(&set->orders, node);
    if (--page->live == 0)
        orders_recycle(&set->orders, page);
    if (--apply_level(pools, level_node)->orders == 0)
        book_drop_level(set, book, level_node);
}

/* Compares the best of one side with what it was; true when price, quantity or count differ. */
static inline bool apply_refresh_best(const struct pools *pools, struct book *book, unsigned side_index) {
    const struct side *side = &book->side[side_index];
    uint32_t px = 0;
    uint32_t qty = 0;
    uint32_t orders = 0;
    if (likely(side->count)) {
        const struct level *best = apply_level(pools, (uint32_t)side->levels[side->count - 1]);
        px = best->px;
        qty = best->qty > UINT32_MAX ? UINT32_MAX : (uint32_t)best->qty;
        orders = best->orders;
    }
    bool changed = ((px ^ book->best_px[side_index]) | (qty ^ book->best_qty[side_index]) |
                    (orders ^ book->best_orders[side_index])) != 0;
    book->best_px[side_index] = px;
    book->best_qty[side_index] = qty;
    book->best_orders[side_index] = orders;
    return changed;
}

static inline void apply_trade(struct book_set *set, const struct itch_message *message, uint32_t px,
                               uint32_t qty, struct book_event *event) {
    if (message->type == 'C') {
        if (message->printable != 'Y')
            return;
        px = message->execution_px;
    }
    event->trade_px = px;
    event->trade_qty = qty;
    struct book_info *info = &set->infos[message->locate];
    info->last_px = px;
    info->last_qty = qty;
    info->traded_qty += qty;
    set->counters.trades++;
}

/* The event of a refused order: a book that has just lost its trust must say so at once. */
static inline uint16_t apply_refused(const struct book *book, uint16_t flags_before) {
    return (book->flags & ~flags_before) & BOOK_UNTRUSTED ? BOOK_STATE_CHANGED : 0;
}

/* Applies a message that holds an order. Returns the event's flags, 0 when it gives none. */
static inline uint16_t apply_order_message(struct book_set *set, const struct pools *pools,
                                           const struct itch_message *message, unsigned work, uint32_t *hint,
                                           struct book_event *event) {
    struct book *book;
    unsigned side;
    bool touches_best = false;
    uint16_t flags = 0;
    event->trade_px = 0;
    event->trade_qty = 0;
    if (work & REMOVES) {
        struct order_page *page = apply_page(set, pools, message->reference);
        uint32_t *entry = page ? apply_entry(pools, page, message->reference) : NULL;
        if (unlikely(!entry || !*entry)) {
            book_count_bad_order(set, message, &set->counters.unknown_reference);
            return 0;
        }
        struct resting *order = apply_node(pools, *entry);
        struct level *level = apply_level(pools, order->level);
        if (unlikely(level->locate != message->locate)) {
            book_count_bad_order(set, message, &set->counters.wrong_locate);
            return 0;
        }
        book = &pools->books[message->locate];
        side = level->side;
        uint32_t px = level->px;
        uint32_t open = order->qty;
        uint32_t asked = work & WHOLE ? open : message->qty;
        touches_best = px == book->best_px[side];
        if (likely(asked >= open)) {
            set->counters.overfill += asked > open;
            asked = open;
            level->qty -= open;
            apply_drop(set, pools, book, page, entry);
        } else if (likely(asked)) {
            order->qty = open - asked;
            level->qty -= asked;
        } else {
            set->counters.zero_quantity++;
            return 0;
        }
        if (work & TRADES)
            apply_trade(set, message, px, asked, event);
        if (work & ADDS) {
            uint16_t before = book->flags;
            if (unlikely(!message->qty))
                set->counters.zero_quantity++;
            else if (!apply_add(set, pools, book, side, message->new_reference, message, hint, &touches_best))
                flags = apply_refused(book, before);
        }
    } else {
        side = message->side == 'S';
        if (unlikely((uint32_t)message->locate - 1 >= pools->locates || message->side != (side ? 'S' : 'B') ||
                     !message->qty)) {
            book_count_bad_add(set, message);
            return 0;
        }
        book = &pools->books[message->locate];
        if (unlikely(!(book->flags & BOOK_HAS_SYMBOL)))
            book_learn_symbol(set, message->locate, message->stock);
        uint16_t before = book->flags;
        if (unlikely(!apply_add(set, pools, book, side, message->reference, message, hint, &touches_best)))
            return apply_refused(book, before);
    }
    if (unlikely((book->flags & (BOOK_PUBLISHED | BOOK_DIRTY)) == BOOK_PUBLISHED))
        book_mark_dirty(set, book);
    flags |= event->trade_qty ? BOOK_TRADE : 0;
    if (touches_best && apply_refresh_best(pools, book, side))
        flags |= side == SIDE_BID ? BOOK_BID_CHANGED : BOOK_ASK_CHANGED;
    return flags;
}

#endif
