/* Clients' orders: how they come, trade, rest and go. */
#include "venue/match.h"

#include <string.h>

enum { MILLION = 1000000, EVENTS_OF_A_TRADE = 8 };

static uint64_t name_of(const struct venue_match *match, uint16_t locate) {
    uint64_t name;
    memcpy(&name, match->set->infos[locate].symbol, sizeof name);
    return name;
}

static struct market_event event_of(const struct venue_client *client, uint32_t kind, uint32_t qty) {
    return (struct market_event){.kind = kind,
                                 .qty = qty,
                                 .tag = client->tag,
                                 .reference = client->reference,
                                 .px = client->px,
                                 .leaves = client->qty};
}

static void unlink(struct venue_match *match, uint32_t slot) {
    struct venue_client *client = &match->clients[slot];
    if (client->prev)
        match->clients[client->prev].next = client->next;
    else
        match->first[client->locate][client->side] = client->next;
    if (client->next)
        match->clients[client->next].prev = client->prev;
    venue_table_remove(&match->client_of, venue_table_find(&match->client_of, client->reference));
    client->is_used = 0;
    client->next = match->free_client;
    match->free_client = slot;
    match->clients_live--;
}

/* Behind those with a better price, and those that were there before at the same one. */
static void link_in(struct venue_match *match, uint32_t slot) {
    struct venue_client *client = &match->clients[slot];
    uint32_t prev = 0;
    uint32_t next = match->first[client->locate][client->side];
    while (next && !venue_is_better(client->side, client->px, match->clients[next].px)) {
        prev = next;
        next = match->clients[next].next;
    }
    client->prev = prev;
    client->next = next;
    if (prev)
        match->clients[prev].next = slot;
    else
        match->first[client->locate][client->side] = slot;
    if (next)
        match->clients[next].prev = slot;
}

/* The order is in the books already. */
static void rest(struct venue_match *match, const struct market_entry *entry, uint64_t reference,
                 uint32_t qty) {
    uint32_t node = venue_match_node(match, reference);
    uint32_t slot = match->free_client;
    struct venue_client *client = &match->clients[slot];
    match->free_client = client->next;
    *client = (struct venue_client){.tag = entry->tag,
                                    .reference = reference,
                                    .arrival = venue_match_mark(match, node)->arrival,
                                    .expire_ns = entry->expire_ns,
                                    .px = entry->px,
                                    .qty = qty,
                                    .locate = entry->locate,
                                    .side = entry->side,
                                    .flags = entry->flags,
                                    .is_used = 1};
    venue_table_put(&match->client_of, reference, slot);
    match->clients_live++;
    link_in(match, slot);
    if (entry->expire_ns && entry->expire_ns < match->next_expiry_ns)
        match->next_expiry_ns = entry->expire_ns;
}

static void write_executed(struct venue_match *match, uint16_t locate, uint64_t reference, uint32_t qty) {
    synth_write_executed(&match->writer, locate, reference, qty, match->next_match++);
    venue_match_apply(match);
    match->executions++;
    match->executed_qty += qty;
}

static void tell_executed(struct venue_match *match, uint32_t slot, uint32_t qty) {
    struct venue_client *client = &match->clients[slot];
    client->qty -= qty;
    struct market_event event = event_of(client, MARKET_EXECUTED, qty);
    event.match = match->next_match - 1;
    event.liquidity = 'A';
    venue_match_tell(match, &event);
    if (!client->qty)
        unlink(match, slot);
}

void venue_client_fill(struct venue_match *match, uint32_t slot, uint32_t qty) {
    const struct venue_client *client = &match->clients[slot];
    write_executed(match, client->locate, client->reference, qty);
    tell_executed(match, slot, qty);
}

void venue_client_cancel(struct venue_match *match, uint32_t slot, uint32_t keep, uint8_t reason) {
    struct venue_client *client = &match->clients[slot];
    uint32_t qty = client->qty - keep;
    if (keep)
        synth_write_cancel(&match->writer, client->locate, client->reference, qty);
    else
        synth_write_delete(&match->writer, client->locate, client->reference);
    venue_match_apply(match);
    client->qty = keep;
    struct market_event event = event_of(client, reason ? MARKET_CANCELLED : MARKET_REDUCED, qty);
    event.reason = reason;
    venue_match_tell(match, &event);
    if (!keep)
        unlink(match, slot);
}

static void cancel_side(struct venue_match *match, uint16_t locate, unsigned side, uint8_t flags,
                        uint8_t reason) {
    uint32_t slot = match->first[locate][side];
    while (slot) {
        uint32_t next = match->clients[slot].next;
        if (!flags || match->clients[slot].flags & flags)
            venue_client_cancel(match, slot, 0, reason);
        slot = next;
    }
}

void venue_client_cancel_all(struct venue_match *match, uint16_t locate, uint8_t flags, uint8_t reason) {
    uint32_t last = locate ? locate : ABI_MAX_LOCATES - 1;
    venue_match_apply(match);
    for (uint32_t at = locate; at <= last && match->clients_live; at++)
        for (unsigned side = SIDE_BID; side <= SIDE_ASK; side++)
            cancel_side(match, (uint16_t)at, side, flags, reason);
}

void venue_client_expire(struct venue_match *match) {
    uint64_t now_ns = match->writer.now_ns;
    venue_match_apply(match);
    match->next_expiry_ns = UINT64_MAX;
    for (uint32_t slot = 1; slot <= match->client_room; slot++) {
        struct venue_client *client = &match->clients[slot];
        if (!client->is_used || !client->expire_ns)
            continue;
        if (client->expire_ns <= now_ns)
            venue_client_cancel(match, slot, 0, 'T');
        else if (client->expire_ns < match->next_expiry_ns)
            match->next_expiry_ns = client->expire_ns;
    }
}

static const struct level *best_level(const struct venue_match *match, uint16_t locate, unsigned side) {
    const struct side *levels = &match->set->books[locate].side[side];
    return levels->count ? orders_level(&match->set->orders, (uint32_t)levels->levels[levels->count - 1])
                         : NULL;
}

/* A price that this limit trades with. */
static bool is_within(const struct market_entry *entry, uint32_t px) {
    return entry->side == SIDE_BID ? px <= entry->px : px >= entry->px;
}

static bool trades_at_once(const struct venue_match *match, const struct market_entry *entry) {
    const struct level *best = best_level(match, entry->locate, !entry->side);
    return best && is_within(entry, best->px);
}

/* Shares of the other side within the limit, counted no further than `enough`. */
static uint64_t available(const struct venue_match *match, const struct market_entry *entry,
                          uint64_t enough) {
    const struct side *levels = &match->set->books[entry->locate].side[!entry->side];
    uint64_t qty = 0;
    for (uint32_t behind = levels->count; behind && qty < enough; behind--) {
        const struct level *level = orders_level(&match->set->orders, (uint32_t)levels->levels[behind - 1]);
        if (!is_within(entry, level->px))
            break;
        qty += level->qty;
    }
    return qty;
}

static bool may_trade_on(const struct venue_match *match) {
    uint64_t told = match->event_tail - match->event_head;
    return told + match->clients_live + EVENTS_OF_A_TRADE < VENUE_EVENTS && match->free_differing &&
           match->differing[match->free_differing].next && venue_match_has_room(match, VENUE_MOST_FRAMED);
}

/* One trade with the oldest order at the best price; its shares. */
static uint32_t trade_once(struct venue_match *match, const struct level *best, uint32_t most) {
    uint32_t node = best->next;
    uint16_t locate = best->locate;
    uint64_t reference = venue_match_mark(match, node)->reference;
    uint32_t open = orders_node(&match->set->orders, node)->qty;
    uint32_t qty = most < open ? most : open;
    const struct venue_place *client = venue_table_find(&match->client_of, reference);
    if (!client)
        venue_match_differ(match, reference, node);
    write_executed(match, locate, reference, qty);
    if (client)
        tell_executed(match, client->value, qty);
    return qty;
}

/* Trades with the other side, as far as the limit goes; what is left. */
static uint32_t trade(struct venue_match *match, const struct market_entry *entry, uint64_t reference) {
    uint32_t left = entry->qty;
    const struct level *best;
    while (left && (best = best_level(match, entry->locate, !entry->side)) && is_within(entry, best->px) &&
           may_trade_on(match)) {
        uint32_t px = best->px;
        uint32_t qty = trade_once(match, best, left);
        left -= qty;
        venue_match_tell(match, &(struct market_event){.kind = MARKET_EXECUTED,
                                                       .qty = qty,
                                                       .tag = entry->tag,
                                                       .reference = reference,
                                                       .match = match->next_match - 1,
                                                       .px = px,
                                                       .leaves = left,
                                                       .liquidity = 'R'});
    }
    return left;
}

static bool is_too_far(const struct venue_match *match, const struct market_entry *entry) {
    const struct level *best = best_level(match, entry->locate, !entry->side);
    uint64_t px = best ? best->px : match->set->infos[entry->locate].last_px;
    if (!px || !match->fat_finger_ppm)
        return false;
    uint64_t far_px = px * match->fat_finger_ppm / MILLION;
    return entry->side == SIDE_BID ? entry->px > px + far_px : (uint64_t)entry->px + far_px < px;
}

static int refusal(const struct venue_match *match, const struct market_entry *entry) {
    if (match->phase == VENUE_CLOSED ||
        (match->phase == VENUE_AFTER_HOURS && entry->flags & (MARKET_DAY | MARKET_IOC)))
        return VENUE_DESTINATION_CLOSED;
    if (!entry->locate || entry->locate > match->set->locates)
        return VENUE_HALTED;
    const struct book *book = &match->set->books[entry->locate];
    if (!(book->flags & BOOK_HAS_SYMBOL) || book->flags & (BOOK_HALTED | BOOK_UNTRUSTED))
        return VENUE_HALTED;
    if (is_too_far(match, entry))
        return VENUE_FAT_FINGER;
    if (!match->free_client || !may_trade_on(match))
        return VENUE_NO_ROOM;
    return 0;
}

/* Why an order is cancelled before it has traded; 0 = it may trade. */
static uint8_t stillborn(const struct venue_match *match, const struct market_entry *entry) {
    if (entry->flags & MARKET_POST_ONLY && trades_at_once(match, entry))
        return 'G';
    if (entry->min_qty && available(match, entry, entry->min_qty) < entry->min_qty)
        return 'I';
    return 0;
}

/* What no part of it may rest: whatever is left goes. Why; 0 = it rests. */
static uint8_t unrested(const struct venue_match *match, const struct market_entry *entry) {
    if (entry->flags & MARKET_IOC)
        return 'I';
    return trades_at_once(match, entry) ? 'Z' : 0; /* there was no room to trade on */
}

static void tell_cancelled(struct venue_match *match, const struct market_entry *entry, uint64_t reference,
                           uint32_t qty, uint8_t reason) {
    venue_match_tell(match, &(struct market_event){.kind = MARKET_CANCELLED,
                                                   .qty = qty,
                                                   .tag = entry->tag,
                                                   .reference = reference,
                                                   .px = entry->px,
                                                   .reason = reason});
}

/* `original` is the slot of the order whose place it takes; 0 = none. */
static void bring_in(struct venue_match *match, const struct market_entry *entry, uint64_t reference,
                     uint32_t original) {
    uint8_t reason = stillborn(match, entry);
    uint32_t left = reason ? entry->qty : trade(match, entry, reference);
    if (left && !reason)
        reason = unrested(match, entry);
    uint64_t replaced = match->clients[original].reference;
    bool rests = left && !reason && match->free_client;
    if (original && rests)
        synth_write_replace(&match->writer, entry->locate, replaced, reference, left, entry->px);
    else if (original)
        synth_write_delete(&match->writer, entry->locate, replaced);
    else if (rests)
        synth_write_add(&match->writer, entry->locate, name_of(match, entry->locate), reference,
                        entry->side == SIDE_BID ? 'B' : 'S', left, entry->px, NULL);
    venue_match_apply(match);
    if (original)
        unlink(match, original);
    if (rests && venue_match_node(match, reference))
        rest(match, entry, reference, left);
    else if (left)
        tell_cancelled(match, entry, reference, left, reason ? reason : 'Z');
    venue_day_extend(match->day, match->applied);
}

static void tell_taken(struct venue_match *match, const struct market_entry *entry, uint64_t reference,
                       uint32_t kind, uint64_t replaced_tag) {
    venue_match_tell(match, &(struct market_event){.kind = kind,
                                                   .qty = entry->qty,
                                                   .tag = entry->tag,
                                                   .replaced_tag = replaced_tag,
                                                   .reference = reference,
                                                   .px = entry->px,
                                                   .leaves = entry->qty});
}

int venue_match_enter(struct venue_match *match, const struct market_entry *entry) {
    int reason = refusal(match, entry);
    if (reason)
        return reason;
    uint64_t reference = match->next_reference++;
    tell_taken(match, entry, reference, MARKET_ACCEPTED, 0);
    bring_in(match, entry, reference, 0);
    return 0;
}

int venue_match_replace(struct venue_match *match, uint64_t original, const struct market_entry *entry) {
    const struct venue_place *place = venue_table_find(&match->client_of, original);
    if (!place)
        return VENUE_NOT_REPLACED;
    struct market_entry complete = *entry;
    complete.locate = match->clients[place->value].locate;
    complete.side = match->clients[place->value].side;
    int reason = refusal(match, &complete);
    if (reason)
        return reason;
    uint64_t reference = match->next_reference++;
    tell_taken(match, &complete, reference, MARKET_REPLACED, match->clients[place->value].tag);
    bring_in(match, &complete, reference, place->value);
    return 0;
}

/* It does not rest yet: the feed has nothing to say of it. */
static bool reduce_held(struct venue_match *match, struct market_entry *held, uint32_t keep, uint8_t reason) {
    uint32_t qty = held->qty - keep;
    if (held->qty <= keep)
        return false;
    held->qty = keep;
    venue_match_tell(match, &(struct market_event){.kind = reason ? MARKET_CANCELLED : MARKET_REDUCED,
                                                   .qty = qty,
                                                   .tag = held->tag,
                                                   .reference = held->reference,
                                                   .px = held->px,
                                                   .leaves = keep,
                                                   .reason = reason});
    if (!keep)
        *held = match->held[--match->held_count];
    return true;
}

void venue_client_cancel_held(struct venue_match *match, uint8_t reason) {
    while (match->held_count)
        reduce_held(match, &match->held[match->held_count - 1], 0, reason);
}

bool venue_match_cancel(struct venue_match *match, uint64_t reference, uint32_t keep, uint8_t reason) {
    const struct venue_place *place = venue_table_find(&match->client_of, reference);
    for (uint32_t at = 0; !place && at < match->held_count; at++)
        if (match->held[at].reference == reference)
            return reduce_held(match, &match->held[at], keep, reason);
    if (!place || match->clients[place->value].qty <= keep)
        return false;
    venue_client_cancel(match, place->value, keep, reason);
    venue_day_extend(match->day, match->applied);
    return true;
}

bool venue_match_hold(struct venue_match *match, const struct market_entry *entry) {
    if (match->held_count == match->client_room)
        return false;
    match->held[match->held_count++] = *entry;
    return true;
}

/* They have been accepted: whatever befalls them now is told as of any order at rest. */
void venue_client_enter_held(struct venue_match *match, uint16_t locate) {
    uint32_t kept = 0;
    uint32_t count = match->held_count;
    if (!count || match->set->books[locate].flags & BOOK_HALTED)
        return;
    for (uint32_t at = 0; at < count; at++) {
        struct market_entry entry = match->held[at];
        if (entry.locate != locate)
            match->held[kept++] = entry;
        else
            bring_in(match, &entry, entry.reference, 0);
    }
    match->held_count = kept;
}
