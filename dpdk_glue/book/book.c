#include "book/book.h"

#include "book/digest.h"

#include <stdlib.h>
#include <string.h>

/* What a message does to orders; 0 = nothing. */
enum {
    REMOVES = 1,
    ADDS = 2,
    WHOLE = 4, /* takes all that is left of the order */
    TRADES = 8
};

static const uint8_t order_work[256] = {
    ['A'] = ADDS,
    ['F'] = ADDS,
    ['E'] = REMOVES | TRADES,
    ['C'] = REMOVES | TRADES,
    ['X'] = REMOVES,
    ['D'] = REMOVES | WHOLE,
    ['U'] = REMOVES | ADDS | WHOLE,
};

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

struct book_set *book_open(const struct book_limits *limits) {
    struct book_set *set = calloc(1, sizeof *set);
    if (!set)
        return NULL;
    set->locates = limits->locates < ABI_MAX_LOCATES ? limits->locates : ABI_MAX_LOCATES - 1;
    set->sequence = 1;
    size_t count = (size_t)set->locates + 1;
    if (memory_map(&set->memory,
                   count * (sizeof *set->books + sizeof *set->infos + sizeof *set->dirty) + 64 +
                       (sizeof(uint32_t) << BOOK_HINT_BITS),
                   false) < 0 ||
        orders_open(&set->orders, limits->orders, limits->order_pages, limits->levels, limits->prefault) <
            0 ||
        side_pool_open(&set->sides, limits->levels, set->locates) < 0) {
        book_close(set);
        return NULL;
    }
    set->books = set->memory.base;
    set->hints = (void *)(set->books + count);
    set->infos = (void *)(set->hints + (1 << BOOK_HINT_BITS));
    set->dirty = (void *)(set->infos + count);
    if (limits->prefault) {
        memory_touch(&set->memory, set->memory.bytes);
        memory_touch(&set->sides.memory, set->sides.memory.bytes);
    }
    return set;
}

void book_close(struct book_set *set) {
    if (!set)
        return;
    side_pool_close(&set->sides);
    orders_close(&set->orders);
    memory_unmap(&set->memory);
    free(set);
}

bool book_type_has_order(uint8_t type) {
    return order_work[type] != 0;
}

void book_set_stale(struct book_set *set, int stale) {
    set->every_flag = stale ? BOOK_STALE : 0;
}

/* The one place where a book stops being trusted. */
static __attribute__((noinline, cold)) void distrust(struct book_set *set, struct book *book, uint64_t *why) {
    ++*why;
    if (!(book->flags & BOOK_UNTRUSTED))
        set->counters.untrusted_books++;
    book->flags |= BOOK_UNTRUSTED;
}

static __attribute__((noinline, cold)) void
count_refused_add(struct book_set *set, const struct itch_message *message, int bad_side) {
    struct book_counters *counters = &set->counters;
    if ((uint32_t)message->locate - 1 >= set->locates)
        counters->bad_locate++;
    else if (bad_side)
        counters->bad_side++;
    else
        counters->zero_quantity++;
}

/* The level of this price, made when there is none; 0 when a pool has run out. */
static __attribute__((noinline)) uint32_t find_level(struct book_set *set, struct book *book,
                                                     unsigned side_index, uint32_t px, uint32_t *hint,
                                                     bool *touches_best) {
    struct side *side = &book->side[side_index];
    int64_t key = side_key(px, side_index);
    uint32_t better = 0;
    if (likely(side->levels)) {
        better = side_better(side, key);
        int64_t entry = side->levels[(int64_t)side->count - better - 1];
        if ((entry >> 32) == (key >> 32) && likely(better < side->count)) {
            *touches_best |= better == 0;
            return *hint = (uint32_t)entry;
        }
    }
    if (unlikely(!side->levels || side->count == (uint32_t)SIDE_SMALLEST << side->size_class) &&
        side_grow(&set->sides, side) < 0)
        return 0;
    uint32_t node = orders_new_level(&set->orders);
    if (unlikely(!node))
        return 0;
    struct level *level = orders_level(&set->orders, node);
    *level = (struct level){
        .px = px, .prev = node, .next = node, .locate = book->locate, .side = (uint8_t)side_index};
    side_insert(side, better, key | node);
    *touches_best |= better == 0;
    return *hint = node;
}

static inline uint32_t *level_hint(const struct book_set *set, uint16_t locate, uint32_t px) {
    uint64_t key = ((uint64_t)px << 16 | locate) * UINT64_C(0x9e3779b97f4a7c15);
    return &set->hints[key >> (64 - BOOK_HINT_BITS)];
}

static inline void drop_level(struct book_set *set, struct book *book, uint32_t level_node) {
    const struct level *level = orders_level(&set->orders, level_node);
    struct side *side = &book->side[level->side];
    side_remove(side, side_better(side, side_key(level->px, level->side)));
    orders_free_level(&set->orders, level_node);
}

/* A pool has run out: the order is not kept, and what was made for it is given back. */
static __attribute__((noinline, cold)) void refuse_order(struct book_set *set, struct book *book,
                                                         struct order_page *page, uint32_t level_node) {
    if (!page->live)
        orders_recycle(&set->orders, page);
    if (level_node && !orders_level(&set->orders, level_node)->orders)
        drop_level(set, book, level_node);
    distrust(set, book, level_node ? &set->counters.no_order : &set->counters.no_level);
}

/* False when the order was refused, and counted. */
static inline bool add_order(struct book_set *set, struct book *book, unsigned side, uint64_t reference,
                             uint32_t qty, uint32_t px, bool *touches_best) {
    struct orders *orders = &set->orders;
    struct order_page *page = orders_page(orders, reference);
    if (unlikely(!page)) {
        page = orders_new_page(orders, reference);
        if (!page) {
            distrust(set, book, &set->counters.no_order_page);
            return false;
        }
    }
    uint32_t *entry = orders_entry(orders, page, reference);
    if (unlikely(*entry)) {
        set->counters.duplicate_reference++;
        return false;
    }
    uint32_t *hint = level_hint(set, book->locate, px);
    uint32_t level_node = *hint;
    struct level *level = orders_level(orders, level_node);
    if (level->px == px && level->locate == book->locate && level->side == side && level->orders)
        *touches_best |= px == book->best_px[side];
    else
        level_node = find_level(set, book, side, px, hint, touches_best);
    uint32_t node = likely(level_node) ? orders_new_order(orders) : 0;
    if (unlikely(!node)) {
        refuse_order(set, book, page, level_node);
        return false;
    }
    level = orders_level(orders, level_node);
    uint32_t newest = level->prev;
    *orders_node(orders, node) =
        (struct order){.qty = qty, .level = level_node, .prev = newest, .next = level_node};
    orders->references[node - orders_first(orders)] = reference;
    *entry = node;
    page->live++;
    orders_node(orders, newest)->next = node;
    level->prev = node;
    level->orders++;
    level->qty += qty;
    set->counters.live_orders++;
    return true;
}

static inline void drop_order(struct book_set *set, struct book *book, struct order_page *page,
                              uint32_t *entry) {
    struct orders *orders = &set->orders;
    uint32_t node = *entry;
    const struct order *order = orders_node(orders, node);
    uint32_t level_node = order->level;
    orders_node(orders, order->prev)->next = order->next;
    orders_node(orders, order->next)->prev = order->prev;
    *entry = 0;
    orders_free_order(orders, node);
    set->counters.live_orders--;
    if (--page->live == 0)
        orders_recycle(orders, page);
    if (--orders_level(orders, level_node)->orders == 0)
        drop_level(set, book, level_node);
}

/* Compares the best of one side with what it was; true when price, quantity or count differ. */
static inline bool refresh_best(const struct book_set *set, struct book *book, unsigned side_index) {
    const struct side *side = &book->side[side_index];
    uint32_t px = 0;
    uint32_t qty = 0;
    uint32_t orders = 0;
    if (likely(side->count)) {
        const struct level *best = orders_level(&set->orders, (uint32_t)side->levels[side->count - 1]);
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

static inline void write_event(struct book_set *set, const struct book *book, uint64_t sequence,
                               uint64_t venue_ns, uint16_t flags, struct book_event *event) {
    event->sequence = sequence;
    event->venue_ns = venue_ns;
    event->rx_cycles = set->rx_cycles;
    event->bid_px = book->best_px[SIDE_BID];
    event->ask_px = book->best_px[SIDE_ASK];
    event->bid_qty = book->best_qty[SIDE_BID];
    event->ask_qty = book->best_qty[SIDE_ASK];
    event->bid_orders = book->best_orders[SIDE_BID];
    event->ask_orders = book->best_orders[SIDE_ASK];
    event->locate = book->locate;
    bool both = event->bid_orders && event->ask_orders;
    uint16_t state = (uint16_t)((both && event->bid_px == event->ask_px) * BOOK_LOCKED |
                                (both && event->bid_px > event->ask_px) * BOOK_CROSSED);
    event->flags = flags | state | set->every_flag |
                   (book->flags & (BOOK_HALTED | BOOK_UNTRUSTED | BOOK_SHORT_SALE_RESTRICTED));
    event->reserved = 0;
}

static void note_trade(struct book_set *set, const struct itch_message *message, uint32_t px, uint32_t qty,
                       struct book_event *event) {
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

/* Returns the event's flags, 0 when the message gives none. */
static inline uint16_t apply_order_message(struct book_set *set, const struct itch_message *message,
                                           unsigned work, struct book_event *event) {
    struct book *book;
    unsigned side;
    bool touches_best = false;
    event->trade_px = 0;
    event->trade_qty = 0;
    if (work & REMOVES) {
        struct order_page *page = orders_page(&set->orders, message->reference);
        if (unlikely(!page)) {
            set->counters.unknown_reference++;
            return 0;
        }
        uint32_t *entry = orders_entry(&set->orders, page, message->reference);
        if (unlikely(!*entry)) {
            set->counters.unknown_reference++;
            return 0;
        }
        struct order *order = orders_node(&set->orders, *entry);
        struct level *level = orders_level(&set->orders, order->level);
        if (unlikely(level->locate != message->locate)) {
            set->counters.wrong_locate++;
            return 0;
        }
        book = &set->books[message->locate];
        side = level->side;
        uint32_t px = level->px;
        uint32_t open = order->qty;
        uint32_t asked = work & WHOLE ? open : message->qty;
        touches_best = px == book->best_px[side];
        if (likely(asked >= open)) {
            set->counters.overfill += asked > open;
            asked = open;
            level->qty -= open;
            drop_order(set, book, page, entry);
        } else if (likely(asked)) {
            order->qty = open - asked;
            level->qty -= asked;
        } else {
            set->counters.zero_quantity++;
            return 0;
        }
        if (work & TRADES)
            note_trade(set, message, px, asked, event);
        if (work & ADDS) {
            if (likely(message->qty))
                add_order(set, book, side, message->new_reference, message->qty, message->px, &touches_best);
            else
                set->counters.zero_quantity++;
        }
    } else {
        side = message->side == 'S';
        bool bad_side = message->side != 'B' && !side;
        if (unlikely((uint32_t)message->locate - 1 >= set->locates || bad_side || !message->qty)) {
            count_refused_add(set, message, bad_side);
            return 0;
        }
        book = &set->books[message->locate];
        if (unlikely(!(book->flags & BOOK_HAS_SYMBOL)))
            book_learn_symbol(set, message->locate, message->stock);
        if (unlikely(
                !add_order(set, book, side, message->reference, message->qty, message->px, &touches_best)))
            return 0;
    }
    if (unlikely((book->flags & (BOOK_PUBLISHED | BOOK_DIRTY)) == BOOK_PUBLISHED)) {
        book->flags |= BOOK_DIRTY;
        set->dirty[set->dirty_count++] = message->locate;
    }
    uint16_t flags = event->trade_qty ? BOOK_TRADE : 0;
    if (touches_best && refresh_best(set, book, side))
        flags |= side == SIDE_BID ? BOOK_BID_CHANGED : BOOK_ASK_CHANGED;
    return flags;
}

/* The way of a group of messages through book_feed. While one group is applied, the next ones wait for their
 * memory, each a dependent step behind: so a line that is not in the cache has the time of a whole group to
 * arrive, and the wait for the slowest is not paid at the end of every step. */
struct group {
    struct itch_message messages[BOOK_GROUP];
    const struct order *orders[BOOK_GROUP];
    const struct level *hinted[BOOK_GROUP];
    unsigned count;
};

/* First step: decode, and ask for each message's index entry, book and hint. Messages that cannot be applied
 * keep their place with type 0. Returns where the next message starts. */
static inline const uint8_t *group_decode(struct book_set *set, const uint8_t *at, const uint8_t *end,
                                          unsigned limit, struct group *group) {
    unsigned count = 0;
    while (count < limit && end - at >= 2) {
        unsigned length = (unsigned)at[0] << 8 | at[1];
        if (unlikely((size_t)(end - at) < 2 + (size_t)length))
            break;
        const uint8_t *message = at + 2;
        struct itch_message *decoded = &group->messages[count];
        at = message + length;
        count++;
        if (unlikely(!length || !itch_length_is_right(message[0], length))) {
            if (length && !itch_shapes[message[0]].length)
                set->counters.unknown_type++;
            else
                set->counters.bad_length++;
            memset(decoded, 0, sizeof *decoded);
            continue;
        }
        itch_decode(message, decoded);
        set->counters.by_type[message[0]]++;
        __builtin_prefetch(orders_guess(&set->orders, decoded->reference), 1);
        __builtin_prefetch(&set->books[decoded->locate <= set->locates ? decoded->locate : 0], 1);
        __builtin_prefetch(level_hint(set, decoded->locate, decoded->px), 1);
    }
    group->count = count;
    return at;
}

/* Second step: the order and the level that the entries name. */
static inline void group_look_up(const struct book_set *set, struct group *group) {
    for (unsigned i = 0; i < group->count; i++) {
        const struct itch_message *message = &group->messages[i];
        group->orders[i] = orders_node(&set->orders, *orders_guess(&set->orders, message->reference));
        group->hinted[i] = orders_level(&set->orders, *level_hint(set, message->locate, message->px));
        __builtin_prefetch(group->orders[i], 1);
        __builtin_prefetch(group->hinted[i], 1);
    }
}

/* Third step: the order's level and neighbours, and the newest order of the level to join. */
static inline void group_neighbours(const struct book_set *set, const struct group *group) {
    for (unsigned i = 0; i < group->count; i++) {
        const struct order *order = group->orders[i];
        __builtin_prefetch(orders_node(&set->orders, order->level), 1);
        __builtin_prefetch(orders_node(&set->orders, order->prev), 1);
        __builtin_prefetch(orders_node(&set->orders, order->next), 1);
        __builtin_prefetch(orders_node(&set->orders, group->hinted[i]->prev), 1);
    }
}

/* Fourth step: the end of the side. */
static inline void group_sides(const struct book_set *set, const struct group *group) {
    for (unsigned i = 0; i < group->count; i++) {
        const struct itch_message *message = &group->messages[i];
        const struct book *book = &set->books[message->locate <= set->locates ? message->locate : 0];
        uint32_t level = group->orders[i]->level;
        unsigned index = level ? orders_level(&set->orders, level)->side & 1 : message->side == 'S';
        const struct side *side = &book->side[index];
        uintptr_t end_of_side = (uintptr_t)side->levels + side->count * sizeof(int64_t);
        __builtin_prefetch((void *)(end_of_side - 8), 1);
        __builtin_prefetch((void *)(end_of_side - 64), 1);
    }
}

/* Last step. Returns behind the last event written. */
static inline struct book_event *group_apply(struct book_set *set, const struct group *group,
                                             struct book_event *event) {
    uint64_t sequence = set->sequence;
    for (unsigned i = 0; i < group->count; i++, sequence++) {
        const struct itch_message *message = &group->messages[i];
        unsigned work = order_work[message->type];
        uint16_t flags =
            likely(work) ? apply_order_message(set, message, work, event) : book_admin(set, message, event);
        if (flags) {
            write_event(set, &set->books[message->locate], sequence, message->timestamp_ns, flags, event);
            if (flags & (BOOK_BID_CHANGED | BOOK_ASK_CHANGED))
                set->counters.digest = digest_fold(set->counters.digest, event);
            event++;
        }
    }
    set->sequence = sequence;
    return event;
}

size_t book_feed(struct book_set *set, const uint8_t *run, size_t bytes, struct book_event *events,
                 uint32_t room, uint32_t *event_count) {
    enum { STEPS = 5 };
    struct group groups[STEPS];
    struct book_event scratch[BOOK_GROUP];
    struct book_event *event = events ? events : scratch;
    const uint8_t *at = run;
    uint64_t left = events ? room : UINT64_MAX;
    uint64_t first = set->sequence;
    for (int i = 0; i < STEPS; i++)
        groups[i].count = 0;
    for (unsigned turn = STEPS, idle = 0; idle < STEPS; turn++) {
        struct group *fresh = &groups[turn % STEPS];
        at = group_decode(set, at, run + bytes, left < BOOK_GROUP ? (unsigned)left : BOOK_GROUP, fresh);
        left -= fresh->count;
        idle = fresh->count ? 0 : idle + 1;
        group_look_up(set, &groups[(turn - 1) % STEPS]);
        group_neighbours(set, &groups[(turn - 2) % STEPS]);
        group_sides(set, &groups[(turn - 3) % STEPS]);
        const struct group *ripe = &groups[(turn - 4) % STEPS];
        struct book_event *end = group_apply(set, ripe, event);
        if (ripe->count)
            set->venue_ns = ripe->messages[ripe->count - 1].timestamp_ns;
        set->counters.events += (uint64_t)(end - event);
        if (events)
            event = end;
    }
    set->counters.messages += set->sequence - first;
    if (event_count)
        *event_count = events ? (uint32_t)(event - events) : 0;
    return (size_t)(at - run);
}
