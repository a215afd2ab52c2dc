#include "book/publish.h"

#include <stdlib.h>
#include <string.h>

int publisher_open(struct publisher *publisher, struct book_view *views, const char (*symbols)[8],
                   uint32_t count) {
    *publisher =
        (struct publisher){.views = views, .symbols = symbols, .count = count, .blank_flags = BOOK_STALE};
    publisher->slots = calloc(ABI_MAX_LOCATES, sizeof *publisher->slots);
    for (uint32_t i = 0; i < count; i++) {
        memcpy(views[i].symbol, symbols[i], sizeof views[i].symbol);
        views[i].flags = BOOK_STALE;
    }
    return publisher->slots ? 0 : -1;
}

void publisher_close(struct publisher *publisher) {
    free(publisher->slots);
}

static void look_for_symbols(struct publisher *publisher, struct book_set *books) {
    publisher->symbols_known = books->counters.symbols;
    for (uint32_t locate = 1; locate <= books->locates_used; locate++) {
        struct book *book = &books->books[locate];
        if (!(book->flags & BOOK_HAS_SYMBOL) || publisher->slots[locate])
            continue;
        for (uint32_t i = 0; i < publisher->count; i++)
            if (!memcmp(books->infos[locate].symbol, publisher->symbols[i], 8)) {
                publisher->slots[locate] = (uint16_t)(i + 1);
                publisher->found++;
                book_publish(books, book);
                break;
            }
    }
}

/* A reader may copy while we write. So every word is atomic, or that would be a data race by the letter of
 * the language; and each is released, so that whoever sees one of them sees the odd version too. On x86-64
 * these are plain moves: 47 of them instead of 12 wider ones. */
static void replace_view(struct book_view *view, const struct book_view *fresh) {
    const uint64_t *from = (const uint64_t *)fresh;
    uint64_t *to = (uint64_t *)view;
    uint64_t version = view->version;
    __atomic_store_n(&view->version, version + 1, __ATOMIC_RELAXED);
    for (size_t word = 1; word < sizeof *view / sizeof *to; word++)
        __atomic_store_n(&to[word], from[word], __ATOMIC_RELEASE);
    __atomic_store_n(&view->version, version + 2, __ATOMIC_RELEASE);
}

/* Only the symbol is left, and whether it can be trusted that there is nothing else. */
static void blank_view(struct publisher *publisher, uint32_t index) {
    struct book_view blank = {.flags = publisher->blank_flags};
    memcpy(blank.symbol, publisher->symbols[index], sizeof blank.symbol);
    replace_view(&publisher->views[index], &blank);
}

/* The books of another session know nothing yet. */
static void begin_session(struct publisher *publisher, const struct book_set *books) {
    memset(publisher->slots, 0, ABI_MAX_LOCATES * sizeof *publisher->slots);
    publisher->session = books->session;
    publisher->found = 0;
    publisher->symbols_known = 0;
    publisher->blank_flags = books->every_flag;
    for (uint32_t i = 0; i < publisher->count; i++)
        blank_view(publisher, i);
}

static void flag_blank_views(struct publisher *publisher, const struct book_set *books) {
    publisher->blank_flags = books->every_flag;
    for (uint32_t i = 0; i < publisher->count; i++)
        if (!publisher->views[i].locate)
            blank_view(publisher, i);
}

static void write_dirty(struct publisher *publisher, struct book_set *books) {
    for (uint32_t i = 0; i < books->dirty_count; i++) {
        uint16_t locate = books->dirty[i];
        struct book_view fresh;
        books->books[locate].flags &= (uint16_t)~BOOK_DIRTY;
        book_view_fill(books, locate, &fresh);
        replace_view(&publisher->views[publisher->slots[locate] - 1], &fresh);
    }
    books->dirty_count = 0;
}

static void follow_session(struct publisher *publisher, const struct book_set *books) {
    if (publisher->session != books->session)
        begin_session(publisher, books);
}

void publisher_write(struct publisher *publisher, struct book_set *books) {
    follow_session(publisher, books);
    if (publisher->blank_flags != books->every_flag && publisher->found < publisher->count)
        flag_blank_views(publisher, books);
    write_dirty(publisher, books);
}

void publisher_step(struct publisher *publisher, struct book_set *books) {
    follow_session(publisher, books); /* or the slots of another would be in the way */
    if (publisher->found < publisher->count && publisher->symbols_known != books->counters.symbols)
        look_for_symbols(publisher, books);
    publisher_write(publisher, books);
}
