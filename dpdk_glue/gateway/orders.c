#include "gateway/orders.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_power_of_two(uint32_t number) {
    return number && !(number & (number - 1));
}

int order_pool_open(struct order_pool *pool, const struct order_pool_limits *limits,
                    const char (*symbols)[8]) {
    memset(pool, 0, sizeof *pool);
    if (!is_power_of_two(limits->orders) || !is_power_of_two(limits->fills) ||
        limits->instruments > ABI_MAX_VIEWS) {
        errno = EINVAL;
        return -1;
    }
    pool->symbols = symbols;
    pool->next_user_ref = limits->first_user_ref ? limits->first_user_ref : 1;
    pool->tags = calloc(limits->instruments ? limits->instruments : 1, sizeof *pool->tags);
    if (pool->tags && !order_list_open(&pool->list, limits->orders, limits->instruments) &&
        !fills_open(&pool->fills, limits->fills))
        return 0;
    order_pool_close(pool);
    errno = ENOMEM;
    return -1;
}

void order_pool_close(struct order_pool *pool) {
    free(pool->tags);
    pool->tags = NULL;
    order_list_close(&pool->list);
    fills_close(&pool->fills);
}

const struct order_view *order_pool_find(const struct order_pool *pool, uint32_t user_ref) {
    const struct order_record *record = user_ref ? order_list_find(&pool->list, user_ref) : NULL;
    return record ? &record->view : NULL;
}

const struct order_view *order_pool_find_tag(const struct order_pool *pool, uint32_t instrument,
                                             uint32_t tag) {
    return order_pool_find(pool, pool->tags[instrument][tag]);
}

uint32_t order_pool_best(const struct order_pool *pool, uint32_t instrument, uint32_t side) {
    return pool->list.best_px[instrument][side];
}

uint32_t order_pool_list(const struct order_pool *pool, struct order_view *views, uint32_t room) {
    const struct order_record *record = NULL;
    for (uint32_t place = 0; place < room && (record = order_list_after(&pool->list, record)); place++)
        views[place] = record->view;
    return pool->list.open;
}

void order_pool_leave_tag(struct order_pool *pool, const struct order_view *view) {
    if (view->tag == ABI_NO_TAG || pool->tags[view->instrument][view->tag] != view->user_ref)
        return;
    const struct order_view *old = order_pool_find(pool, view->replaces);
    bool stays = old && order_is_open(old) && old->tag == view->tag;
    pool->tags[view->instrument][view->tag] = stays ? old->user_ref : 0;
}

/* --- whether an order can be made --- */

static enum order_take judge_replace(const struct order_view *order) {
    if (!order)
        return TAKE_NO_ORDER;
    /* One that is itself a replacement on its way would fall with the one before it, unheard. */
    bool on_its_way = order->replaces && !order->heard;
    return order->asked_to_go || order->replaced_by || on_its_way ? TAKE_BUSY : TAKE_DONE;
}

static enum order_take judge_cancel(const struct order_pool *pool, const struct order_view *order,
                                    uint32_t size) {
    if (!order)
        return TAKE_NO_ORDER;
    if (order->asked_to_go && size >= order_list_place(&pool->list, order->user_ref)->asked_size)
        return TAKE_BUSY;
    return size && size >= order->entered_qty - order->cancelled_qty ? TAKE_NOT_LESS : TAKE_DONE;
}

static bool is_well_formed(const struct order_pool *pool, const struct intent *intent) {
    const struct signal *signal = &intent->signal;
    if (intent->instrument >= pool->list.instruments || signal->tag >= ABI_TAGS)
        return false;
    switch (signal->action) {
    case SIGNAL_ENTER:
        return signal->side <= SIDE_ASK && signal->qty && (signal->tif == TIF_DAY || signal->tif == TIF_IOC);
    case SIGNAL_REPLACE:
        return signal->qty && (signal->tif == TIF_DAY || signal->tif == TIF_IOC);
    case SIGNAL_CANCEL:
        return true;
    default:
        return false;
    }
}

static bool has_room(const struct order_pool *pool) {
    return pool->list.open <= pool->list.mask;
}

static enum order_take judge_new(const struct order_pool *pool) {
    if (!has_room(pool))
        return TAKE_FULL;
    /* As many numbers as there are records may have to be passed over. */
    return pool->next_user_ref + pool->list.mask > UINT32_MAX ? TAKE_NO_USER_REF : TAKE_DONE;
}

enum order_take order_pool_look(const struct order_pool *pool, const struct intent *intent,
                                const struct order_view **order) {
    const struct signal *signal = &intent->signal;
    const struct order_view *named = NULL;
    enum order_take verdict = TAKE_DONE;
    if (order)
        *order = NULL;
    if (!is_well_formed(pool, intent))
        return TAKE_MALFORMED;
    named = order_pool_find_tag(pool, intent->instrument, signal->tag);
    if (order)
        *order = named;
    if (!pool->connected)
        return TAKE_NOT_CONNECTED;
    if (signal->action == SIGNAL_CANCEL)
        return judge_cancel(pool, named, signal->qty);
    if (signal->action == SIGNAL_ENTER)
        verdict = named ? TAKE_TAG_IN_USE : TAKE_DONE;
    else
        verdict = judge_replace(named);
    return verdict == TAKE_DONE ? judge_new(pool) : verdict;
}

/* --- making it --- */

/* The next number whose place no open order has. There is one. */
static uint32_t new_user_ref(struct order_pool *pool) {
    while (order_is_open(&order_list_place(&pool->list, (uint32_t)pool->next_user_ref)->view))
        pool->next_user_ref++;
    if (!pool->first_taken)
        pool->first_taken = pool->next_user_ref;
    return (uint32_t)pool->next_user_ref++;
}

static void begin_order(struct order_pool *pool, const struct intent *intent, struct order *order) {
    *order = (struct order){
        .connection = pool->connection,
        .instrument = (uint16_t)intent->instrument,
        .number = ++pool->number,
        .intent = intent->number,
        .rx_cycles = intent->event.rx_cycles,
    };
    memcpy(order->symbol, pool->symbols[intent->instrument], sizeof order->symbol);
}

static void keep(struct order_pool *pool, const struct order *order, uint32_t tag) {
    struct order_record *record = order_list_place(&pool->list, order->user_ref);
    record->view = (struct order_view){
        .user_ref = order->user_ref,
        .state = ORDER_SENT,
        .replaces = order->replaces,
        .entered_qty = order->qty,
        .leaves_qty = order->qty,
        .px = order->px,
        .resting_px = order->px,
        .instrument = order->instrument,
        .side = order->side,
        .tif = order->tif,
        .tag = (uint8_t)tag,
        .number = order->number,
        .intent = order->intent,
        .rx_cycles = order->rx_cycles,
    };
    memcpy(record->view.symbol, order->symbol, sizeof order->symbol);
    order_list_add(&pool->list, record);
    pool->tags[order->instrument][tag] = order->user_ref;
}

static void ask_to_go(struct order_record *record, uint32_t size) {
    record->view.state = ORDER_CANCEL_SENT;
    record->view.asked_to_go = 1;
    record->asked_size = size;
}

static void make_new(struct order_pool *pool, const struct signal *signal, struct order_record *old,
                     struct order *order) {
    order->action = old ? ORDER_REPLACE : ORDER_ENTER;
    order->side = old ? old->view.side : signal->side;
    order->tif = signal->tif;
    order->px = signal->px;
    order->qty = signal->qty;
    order->user_ref = new_user_ref(pool);
    if (old) {
        order->replaces = old->view.user_ref;
        old->view.replaced_by = order->user_ref;
    }
    keep(pool, order, signal->tag);
}

enum order_take order_pool_take(struct order_pool *pool, const struct intent *intent, struct order *order) {
    const struct signal *signal = &intent->signal;
    enum order_take verdict = order_pool_look(pool, intent, NULL);
    if (verdict != TAKE_DONE) {
        pool->counters.refused[verdict]++;
        return verdict;
    }
    begin_order(pool, intent, order);
    uint32_t user_ref = pool->tags[intent->instrument][signal->tag];
    struct order_record *named = order_list_place(&pool->list, user_ref);
    if (signal->action == SIGNAL_CANCEL) {
        order->action = ORDER_CANCEL;
        order->user_ref = user_ref;
        order->side = named->view.side;
        order->tif = named->view.tif;
        order->px = named->view.px;
        order->qty = signal->qty;
        ask_to_go(named, signal->qty);
    } else {
        make_new(pool, signal, user_ref ? named : NULL, order);
    }
    pool->counters.taken++;
    pool->counters.open = pool->list.open;
    return TAKE_DONE;
}

bool order_pool_mass_cancel(struct order_pool *pool, uint32_t instrument, uint64_t rx_cycles,
                            struct order *order) {
    bool all = instrument == ORDER_POOL_ALL;
    if (!pool->connected || pool->next_user_ref > UINT32_MAX ||
        (!all && instrument >= pool->list.instruments))
        return false;
    *order = (struct order){
        .action = ORDER_MASS_CANCEL,
        .connection = pool->connection,
        .user_ref = (uint32_t)pool->next_user_ref++,
        .instrument = all ? 0 : (uint16_t)instrument,
        .number = ++pool->number,
        .rx_cycles = rx_cycles,
    };
    memcpy(order->symbol, all ? "        " : pool->symbols[instrument], sizeof order->symbol);
    struct order_record *record = NULL;
    while ((record = all ? order_list_after(&pool->list, record)
                         : order_list_after_here(&pool->list, instrument, record)))
        ask_to_go(record, 0);
    pool->counters.mass_cancels++;
    return true;
}
