#include "book/book.h"

#include "book/apply.h"

#include <stdlib.h>
#include <string.h>

struct book_set *book_open(const struct book_limits *limits) {
    struct book_set *set = calloc(1, sizeof *set);
    if (!set)
        return NULL;
    set->locates = limits->locates < ABI_MAX_LOCATES ? limits->locates : ABI_MAX_LOCATES - 1;
    set->sequence = 1;
    size_t count = (size_t)set->locates + 1;
    size_t hints = (size_t)1 << BOOK_HINT_BITS;
    size_t bytes =
        count * (sizeof *set->books + sizeof *set->infos + sizeof *set->dirty + sizeof *set->published) +
        hints * sizeof *set->hints;
    bool prefault = limits->prefault;
    if (memory_map(&set->memory, bytes, false) < 0 ||
        orders_open(&set->orders, limits->orders, limits->order_pages, limits->levels, prefault) < 0 ||
        side_pool_open(&set->sides, limits->levels, set->locates) < 0) {
        book_close(set);
        return NULL;
    }
    set->books = set->memory.base;
    set->hints = (void *)(set->books + count);
    set->infos = (void *)(set->hints + hints);
    set->dirty = (void *)(set->infos + count);
    set->published = set->dirty + count;
    if (prefault) {
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

void book_clear(struct book_set *set) {
    size_t used = (size_t)set->locates_used + 1;
    memset(set->books, 0, used * sizeof *set->books);
    memset(set->infos, 0, used * sizeof *set->infos);
    orders_clear(&set->orders);
    side_pool_clear(&set->sides);
    set->locates_used = 0;
    set->dirty_count = 0;
    set->published_count = 0;
    set->stale_books = 0;
    set->counters.symbols = 0;
    set->session++;
}

void book_publish(struct book_set *set, struct book *book) {
    if (book->flags & BOOK_PUBLISHED)
        return;
    book->flags |= BOOK_PUBLISHED;
    set->published[set->published_count++] = book->locate;
    book_mark_dirty(set, book);
}

void book_mark_dirty(struct book_set *set, struct book *book) {
    if ((book->flags & (BOOK_PUBLISHED | BOOK_DIRTY)) == BOOK_PUBLISHED) {
        book->flags |= BOOK_DIRTY;
        set->dirty[set->dirty_count++] = book->locate;
    }
}

void book_set_stale(struct book_set *set, bool stale) {
    uint16_t before = set->every_flag;
    set->every_flag = stale ? BOOK_STALE : 0;
    if (set->every_flag != before)
        for (uint32_t i = 0; i < set->published_count; i++)
            book_mark_dirty(set, &set->books[set->published[i]]);
}

void book_take_malformed(struct book_set *set, uint16_t locate) {
    if (locate == 0 || locate > set->locates) {
        set->nobodys_messages++;
        return;
    }
    struct book *book = &set->books[locate];
    set->stale_books += !(book->flags & BOOK_STALE);
    book->flags |= BOOK_STALE;
    book->locate = locate;
    if (locate > set->locates_used)
        set->locates_used = locate;
    book_mark_dirty(set, book);
}

uint32_t book_stale_count(const struct book_set *set) {
    uint32_t named = (uint32_t)set->counters.symbols;
    return !set->every_flag ? set->stale_books : named ? named : 1;
}

/* The one place where a book stops being trusted. */
static void distrust(struct book_set *set, struct book *book, uint64_t *why) {
    ++*why;
    if (!(book->flags & BOOK_UNTRUSTED))
        set->counters.untrusted_books++;
    book->flags |= BOOK_UNTRUSTED;
    book_mark_dirty(set, book);
}

void book_count_bad_add(struct book_set *set, const struct itch_message *message) {
    struct book_counters *counters = &set->counters;
    if ((uint32_t)message->locate - 1 >= set->locates)
        counters->bad_locate++;
    else if (message->side != 'B' && message->side != 'S')
        counters->bad_side++;
    else
        counters->zero_quantity++;
}

void book_count_bad_order(struct book_set *set, const struct itch_message *message, uint64_t *why) {
    if ((uint32_t)message->locate - 1 >= set->locates)
        set->counters.bad_locate++;
    else
        ++*why;
}

void book_refuse_page(struct book_set *set, struct book *book) {
    distrust(set, book, &set->counters.no_order_page);
}

void book_refuse_order(struct book_set *set, struct book *book, struct order_page *page,
                       uint32_t level_node) {
    if (!page->live)
        orders_recycle(&set->orders, page);
    if (level_node && !orders_level(&set->orders, level_node)->orders)
        book_drop_level(set, book, level_node);
    distrust(set, book, level_node ? &set->counters.no_order : &set->counters.no_level);
}

void book_drop_level(struct book_set *set, struct book *book, uint32_t level_node) {
    const struct level *level = orders_level(&set->orders, level_node);
    struct side *side = &book->side[level->side];
    side_remove(side, side_better(side, side_key(level->px, level->side)));
    orders_free_level(&set->orders, level_node);
    if (!side->count)
        side_give_back(&set->sides, side);
}

uint32_t book_find_level(struct book_set *set, struct book *book, unsigned side_index, uint32_t px,
                         uint32_t *hint, bool *touches_best) {
    struct side *side = &book->side[side_index];
    int64_t key = side_key(px, side_index);
    uint32_t better = 0;
    if (side->levels) {
        better = side_better(side, key);
        int64_t entry = side->levels[(int64_t)side->count - better - 1];
        if ((entry >> 32) == (key >> 32) && better < side->count) {
            *touches_best |= better == 0;
            return *hint = (uint32_t)entry;
        }
    }
    uint32_t node = orders_new_level(&set->orders);
    if (!node)
        return 0;
    if ((!side->levels || side->count == (uint32_t)SIDE_SMALLEST << side->size_class) &&
        side_grow(&set->sides, side) < 0) {
        orders_free_level(&set->orders, node);
        return 0;
    }
    *orders_level(&set->orders, node) = (struct level){
        .px = px, .prev = node, .next = node, .locate = book->locate, .side = (uint8_t)side_index};
    side_insert(side, better, key | node);
    *touches_best |= better == 0;
    return *hint = node;
}
