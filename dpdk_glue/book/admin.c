#include "book/book.h"

#include <string.h>

void book_learn_symbol(struct book_set *set, uint16_t locate, const char *stock) {
    if ((uint32_t)locate - 1 >= set->locates)
        return;
    struct book *book = &set->books[locate];
    if (!(book->flags & BOOK_HAS_SYMBOL))
        set->counters.symbols++;
    book->flags |= BOOK_HAS_SYMBOL;
    book->locate = locate;
    if (locate > set->locates_used)
        set->locates_used = locate;
    memcpy(set->infos[locate].symbol, stock, sizeof set->infos[locate].symbol);
}

static uint16_t set_halted(struct book *book, const struct book_info *info) {
    bool quiet = (info->trading_state && info->trading_state != 'T') || info->operational_halt == 'H';
    uint16_t before = book->flags;
    book->flags = (uint16_t)(quiet ? before | BOOK_HALTED : before & ~BOOK_HALTED);
    return BOOK_STATE_CHANGED;
}

static uint16_t print_trade(struct book_set *set, uint16_t locate, uint32_t px, uint64_t qty,
                            struct book_event *event) {
    if (!qty)
        return 0;
    struct book_info *info = &set->infos[locate];
    event->trade_px = px;
    event->trade_qty = qty > UINT32_MAX ? UINT32_MAX : (uint32_t)qty;
    info->last_px = px;
    info->last_qty = event->trade_qty;
    info->traded_qty += qty;
    set->counters.trades++;
    return BOOK_TRADE;
}

/* Where a type that names its symbol carries it once decoded; NULL when it names none. */
static const char *stock_of(const struct itch_message *message) {
    switch (message->type) {
    case 'R':
    case 'H':
    case 'Y':
    case 'L':
    case 'K':
    case 'J':
    case 'h':
    case 'N':
    case 'O':
        return (const char *)&message->reference;
    case 'Q':
        return (const char *)message->alpha;
    case 'P':
    case 'I':
        return message->stock;
    default:
        return NULL;
    }
}

uint16_t book_admin(struct book_set *set, const struct itch_message *message, struct book_event *event) {
    event->trade_px = 0;
    event->trade_qty = 0;
    if (message->malformed)
        book_take_malformed(set, message->locate);
    if (message->type == 'B')
        set->counters.broken_trades++;
    const char *stock = stock_of(message);
    if (!stock)
        return 0;
    uint16_t locate = message->locate;
    if ((uint32_t)locate - 1 >= set->locates) {
        set->counters.bad_locate++;
        return 0;
    }
    struct book *book = &set->books[locate];
    struct book_info *info = &set->infos[locate];
    if (message->type == 'R' || !(book->flags & BOOK_HAS_SYMBOL))
        book_learn_symbol(set, locate, stock);
    book_mark_dirty(set, book);
    switch (message->type) {
    case 'H': {
        char state = message->alpha[0] ? (char)message->alpha[0] : '?'; /* 0 says that none was seen */
        if (info->trading_state == state)
            return 0;
        info->trading_state = state;
        return set_halted(book, info);
    }
    case 'h':
        if (info->operational_halt == (char)message->alpha[1])
            return 0;
        info->operational_halt = (char)message->alpha[1];
        return set_halted(book, info);
    case 'Y': {
        if (info->reg_sho == (char)message->alpha[0])
            return 0;
        info->reg_sho = (char)message->alpha[0];
        bool restricted = info->reg_sho == '1' || info->reg_sho == '2';
        uint16_t before = book->flags;
        book->flags = (uint16_t)(restricted ? before | BOOK_SHORT_SALE_RESTRICTED
                                            : before & ~BOOK_SHORT_SALE_RESTRICTED);
        return before != book->flags ? BOOK_STATE_CHANGED : 0;
    }
    case 'P':
        return print_trade(set, locate, message->px, message->qty, event);
    case 'Q':
        set->counters.crosses++;
        return print_trade(set, locate, message->px, message->reference, event);
    default:
        return 0;
    }
}
