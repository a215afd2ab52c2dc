#include "book/publish.h"

#include <stdlib.h>
#include <string.h>

int publisher_open(struct publisher *publisher, struct book_view *views, const char (*symbols)[8],
                   uint32_t count) {
    *publisher = (struct publisher){.views = views, .symbols = symbols, .count = count};
    publisher->slots = calloc(ABI_MAX_LOCATES, sizeof *publisher->slots);
    for (uint32_t i = 0; i < count; i++)
        memcpy(views[i].symbol, symbols[i], sizeof views[i].symbol);
    return publisher->slots ? 0 : -1;
}

void publisher_close(struct publisher *publisher) {
    free(publisher->slots);
}

static void look_for_symbols(struct publisher *publisher, struct book_set *books) {
    publisher->symbols_known = books->counters.symbols;
    for (uint32_t locate = 1; locate <= books->locates; locate++) {
        struct book *book = &books->books[locate];
        if (!(book->flags & BOOK_HAS_SYMBOL) || publisher->slots[locate])
            continue;
        for (uint32_t i = 0; i < publisher->count; i++)
            if (!memcmp(books->infos[locate].symbol, publisher->symbols[i], 8)) {
                publisher->slots[locate] = (uint16_t)(i + 1);
                publisher->found++;
                book->flags |= BOOK_PUBLISHED | BOOK_DIRTY;
                books->dirty[books->dirty_count++] = (uint16_t)locate;
                break;
            }
    }
}

static void write_view(const struct book_set *books, uint16_t locate, struct book_view *view) {
    struct book_view fresh;
    fresh.version = view->version + 1;
    book_view_fill(books, locate, &fresh);
    __atomic_store_n(&view->version, fresh.version, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    memcpy((char *)view + sizeof view->version, (char *)&fresh + sizeof fresh.version,
           sizeof fresh - sizeof fresh.version);
    __atomic_store_n(&view->version, fresh.version + 1, __ATOMIC_RELEASE);
}

void publisher_step(struct publisher *publisher, struct book_set *books) {
    if (publisher->books != books) {
        memset(publisher->slots, 0, ABI_MAX_LOCATES * sizeof *publisher->slots);
        publisher->books = books;
        publisher->found = 0;
        publisher->symbols_known = 0;
    }
    if (publisher->found < publisher->count && publisher->symbols_known != books->counters.symbols)
        look_for_symbols(publisher, books);
    for (uint32_t i = 0; i < books->dirty_count; i++) {
        uint16_t locate = books->dirty[i];
        books->books[locate].flags &= (uint16_t)~BOOK_DIRTY;
        write_view(books, locate, &publisher->views[publisher->slots[locate] - 1]);
    }
    books->dirty_count = 0;
}
