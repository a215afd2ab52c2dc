/* What a scripted message becomes where clients' orders are: match.h has the rules. */
#include "venue/match.h"
#include "wire/bytes.h"

enum { ADD_QTY = 20, EXECUTED_QTY = 19, REPLACED_QTY = 27 };

/* A scripted order as both sides see it. */
struct scripted {
    uint64_t reference;
    uint64_t arrival;
    struct venue_place *place; /* NULL = the script's quantity is the live one */
    uint32_t open;             /* in the live day */
    uint32_t script_qty;
    uint32_t px;
    uint16_t locate;
    uint8_t side;
};

static struct venue_differing *differing_at(const struct venue_match *match,
                                            const struct venue_place *place) {
    return &match->differing[place->value];
}

/* False: nobody knows it. */
static bool find(const struct venue_match *match, uint64_t reference, struct scripted *order) {
    uint32_t node = venue_match_node(match, reference);
    *order =
        (struct scripted){.reference = reference, .place = venue_table_find(&match->differing_of, reference)};
    if (order->place) {
        const struct venue_differing *differing = differing_at(match, order->place);
        order->arrival = differing->arrival;
        order->px = differing->px;
        order->locate = differing->locate;
        order->side = differing->side;
        order->script_qty = differing->script_qty;
        order->open = node ? orders_node(&match->set->orders, node)->qty : 0;
    } else if (node) {
        const struct resting *resting = orders_node(&match->set->orders, node);
        const struct level *level = orders_level(&match->set->orders, resting->level);
        order->arrival = venue_match_mark(match, node)->arrival;
        order->px = level->px;
        order->locate = level->locate;
        order->side = level->side;
        order->script_qty = order->open = resting->qty;
    }
    return order->place || node;
}

static struct venue_differing *new_differing(struct venue_match *match, uint64_t reference) {
    uint32_t slot = match->free_differing; /* there is one: see may_go_on and the room of an entry */
    match->free_differing = match->differing[slot].next;
    venue_table_put(&match->differing_of, reference, slot);
    return &match->differing[slot];
}

struct venue_differing *venue_match_differ(struct venue_match *match, uint64_t reference, uint32_t node) {
    const struct venue_place *place = venue_table_find(&match->differing_of, reference);
    if (place)
        return differing_at(match, place);
    const struct resting *resting = orders_node(&match->set->orders, node);
    const struct level *level = orders_level(&match->set->orders, resting->level);
    struct venue_differing *differing = new_differing(match, reference);
    *differing = (struct venue_differing){.arrival = venue_match_mark(match, node)->arrival,
                                          .script_qty = resting->qty,
                                          .px = level->px,
                                          .locate = level->locate,
                                          .side = level->side};
    return differing;
}

static void forget(struct venue_match *match, uint64_t reference) {
    struct venue_place *place = venue_table_find(&match->differing_of, reference);
    if (!place)
        return;
    match->differing[place->value].next = match->free_differing;
    match->free_differing = place->value;
    venue_table_remove(&match->differing_of, place);
}

/* A scripted order that has come with `script_qty` shares, of which fewer rest. */
static void remember(struct venue_match *match, uint64_t reference, const struct itch_message *message,
                     unsigned side) {
    uint32_t node = venue_match_node(match, reference);
    struct venue_differing *differing = new_differing(match, reference);
    *differing =
        (struct venue_differing){.arrival = node ? venue_match_mark(match, node)->arrival : match->arrivals,
                                 .script_qty = message->qty,
                                 .px = message->px,
                                 .locate = message->locate,
                                 .side = (uint8_t)side};
}

/* The script's message, with another number of shares. */
static void pass_with(struct venue_match *match, const uint8_t *framed, uint32_t bytes, unsigned offset,
                      uint32_t qty) {
    uint8_t *message = match->writer.at + 2;
    venue_match_pass(match, framed, bytes);
    synth_put32(message + offset, qty);
    venue_match_apply(match);
}

static void delete (struct venue_match *match, const struct scripted *order) {
    synth_write_delete(&match->writer, order->locate, order->reference);
    venue_match_apply(match);
}

/* The client's order that gives before an order of this price and arrival; 0 = none. */
static uint32_t before(const struct venue_match *match, const struct scripted *order) {
    uint32_t first = match->first[order->locate][order->side];
    if (!first)
        return 0;
    const struct venue_client *client = &match->clients[first];
    bool comes_first = venue_is_better(order->side, client->px, order->px) ||
                       (client->px == order->px && client->arrival < order->arrival);
    return comes_first ? first : 0;
}

/* The script takes shares of an order: what is then left of it in its own books and in ours. */
static void settle(struct venue_match *match, const struct scripted *order, uint32_t open, uint32_t gone) {
    uint32_t script_qty = order->script_qty > gone ? order->script_qty - gone : 0;
    if (!script_qty) {
        if (open)
            delete (match, order);
        forget(match, order->reference);
    } else if (order->place) {
        differing_at(match, order->place)->script_qty = script_qty;
    }
}

static void take_executed(struct venue_match *match, const struct itch_message *message,
                          const uint8_t *framed, uint32_t bytes, struct scripted *order) {
    uint32_t left = message->qty < order->script_qty ? message->qty : order->script_qty;
    uint32_t gone = left;
    for (uint32_t client; left && (client = before(match, order));) {
        uint32_t qty = left < match->clients[client].qty ? left : match->clients[client].qty;
        venue_client_fill(match, client, qty);
        left -= qty;
    }
    uint32_t given = left < order->open ? left : order->open;
    /* It is entered while the order is still there to be described, before it gives its last shares. */
    if (given != gone && gone < order->script_qty && !order->place) {
        venue_match_differ(match, order->reference, venue_match_node(match, order->reference));
        order->place = venue_table_find(&match->differing_of, order->reference);
    }
    if (given == message->qty)
        venue_match_pass(match, framed, bytes);
    else if (given)
        pass_with(match, framed, bytes, EXECUTED_QTY, given);
    else
        venue_table_put(&match->undone, message->match, 0); /* full: its break will pass, and harms nobody */
    venue_match_apply(match);
    match->changed += given != message->qty;
    settle(match, order, order->open - given, gone);
}

static void take_cancelled(struct venue_match *match, const struct itch_message *message,
                           const uint8_t *framed, uint32_t bytes, const struct scripted *order) {
    uint32_t given = message->qty < order->open ? message->qty : order->open;
    if (given == message->qty)
        venue_match_pass(match, framed, bytes);
    else if (given)
        delete (match, order);
    venue_match_apply(match);
    match->changed += given != message->qty;
    settle(match, order, order->open - given, message->qty);
}

static void take_deleted(struct venue_match *match, const uint8_t *framed, uint32_t bytes,
                         const struct scripted *order) {
    if (order->open)
        venue_match_pass(match, framed, bytes);
    venue_match_apply(match);
    match->changed += !order->open;
    forget(match, order->reference);
}

/* Trades with clients' orders that this price locks or crosses; what is left. */
static uint32_t trade_in(struct venue_match *match, uint16_t locate, unsigned side, uint32_t px,
                         uint32_t qty) {
    for (uint32_t client; qty && (client = match->first[locate][!side]);) {
        const struct venue_client *resting = &match->clients[client];
        if (venue_is_better(side, resting->px, px))
            break;
        uint32_t given = qty < resting->qty ? qty : resting->qty;
        venue_client_fill(match, client, given);
        qty -= given;
    }
    return qty;
}

static void take_replaced(struct venue_match *match, const struct itch_message *message,
                          const uint8_t *framed, uint32_t bytes, const struct scripted *order) {
    uint32_t taken = order->script_qty > order->open ? order->script_qty - order->open : 0;
    uint32_t left = message->qty > taken ? message->qty - taken : 0;
    if (order->open)
        left = trade_in(match, order->locate, order->side, message->px, left);
    else
        left = 0;
    forget(match, order->reference);
    if (left == message->qty)
        venue_match_pass(match, framed, bytes);
    else if (left)
        pass_with(match, framed, bytes, REPLACED_QTY, left);
    else if (order->open)
        delete (match, order);
    venue_match_apply(match);
    match->changed += left != message->qty;
    if (left != message->qty)
        remember(match, message->new_reference, message, order->side);
}

static bool is_known(const struct venue_match *match, uint64_t reference) {
    return venue_match_node(match, reference) || venue_table_find(&match->differing_of, reference);
}

static void take_added(struct venue_match *match, const struct itch_message *message, const uint8_t *framed,
                       uint32_t bytes) {
    unsigned side = message->side == 'S';
    uint32_t left = trade_in(match, message->locate, side, message->px, message->qty);
    if (left == message->qty)
        venue_match_pass(match, framed, bytes);
    else if (left)
        pass_with(match, framed, bytes, ADD_QTY, left);
    venue_match_apply(match);
    match->changed += left != message->qty;
    if (left != message->qty)
        remember(match, message->reference, message, side);
}

/* An order message of which nothing can be said but that it is the script's own affair. */
static bool is_odd(const struct venue_match *match, const struct itch_message *message,
                   const struct scripted *order) {
    switch (message->type) {
    case 'A':
    case 'F':
        return (message->side != 'B' && message->side != 'S') || !message->qty || !message->locate ||
               message->locate > match->set->locates || is_known(match, message->reference);
    case 'U':
        return order->locate != message->locate || !message->qty ||
               (message->new_reference != message->reference && is_known(match, message->new_reference));
    case 'D':
        return order->locate != message->locate;
    default:
        return order->locate != message->locate || !message->qty;
    }
}

static void take_order(struct venue_match *match, const struct itch_message *message, const uint8_t *framed,
                       uint32_t bytes) {
    struct scripted order = {0};
    bool enters = message->type == 'A' || message->type == 'F';
    if ((!enters && !find(match, message->reference, &order)) || is_odd(match, message, &order)) {
        venue_match_pass(match, framed, bytes);
        venue_match_apply(match);
        return;
    }
    switch (message->type) {
    case 'E':
    case 'C':
        take_executed(match, message, framed, bytes, &order);
        break;
    case 'X':
        take_cancelled(match, message, framed, bytes, &order);
        break;
    case 'D':
        take_deleted(match, framed, bytes, &order);
        break;
    case 'U':
        take_replaced(match, message, framed, bytes, &order);
        break;
    default:
        take_added(match, message, framed, bytes);
        venue_client_enter_held(match, message->locate);
    }
}

static void take_system_event(struct venue_match *match, uint8_t code) {
    if (code == 'M' && match->phase == VENUE_OPEN) {
        match->phase = VENUE_AFTER_HOURS;
        venue_client_cancel_all(match, 0, MARKET_DAY, 'E');
    } else if (code == 'E' || code == 'C') {
        venue_match_end(match);
    }
}

static void take_state(struct venue_match *match, const uint8_t *framed, uint32_t bytes) {
    const uint8_t *message = framed + 2;
    uint16_t locate = bytes_be16(message + 1);
    if (message[0] == 'S')
        take_system_event(match, message[ITCH_HEADER_BYTES]);
    if (message[0] == 'B') {
        struct venue_place *undone =
            venue_table_find(&match->undone, bytes_be64(message + ITCH_HEADER_BYTES));
        if (undone) {
            venue_table_remove(&match->undone, undone);
            match->changed++;
            return;
        }
    }
    venue_match_pass(match, framed, bytes);
    venue_match_apply(match);
    if (message[0] != 'H' && message[0] != 'h')
        return;
    if (!locate || locate > match->set->locates)
        return;
    if (match->set->books[locate].flags & BOOK_HALTED)
        venue_client_cancel_all(match, locate, 0, 'H');
    else
        venue_client_enter_held(match, locate);
}

void venue_script_take(struct venue_match *match, const uint8_t *framed, uint32_t bytes) {
    const uint8_t *message = framed + 2;
    if (message[0] == 'H' || message[0] == 'h' || message[0] == 'S' || message[0] == 'B') {
        take_state(match, framed, bytes);
        return;
    }
    struct itch_message decoded;
    itch_decode(message, &decoded);
    take_order(match, &decoded, framed, bytes);
}
