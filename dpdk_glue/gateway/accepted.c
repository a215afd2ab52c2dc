/* An order that the venue has taken, by itself or in the place of another. */
#include "gateway/reply.h"

#include <string.h>

/* An order of an earlier life. NULL: it cannot be one of this pool. */
static struct order_record *rebuild(struct order_pool *pool, const struct execution *execution) {
    struct order_record *record = order_list_place(&pool->list, execution->user_ref);
    uint32_t instrument = 0;
    while (instrument < pool->list.instruments &&
           memcmp(pool->symbols[instrument], execution->symbol, sizeof execution->symbol) != 0)
        instrument++;
    if (!execution->user_ref || instrument == pool->list.instruments) {
        pool->counters.foreign++;
        return NULL;
    }
    if (order_is_open(&record->view)) {
        pool->counters.no_room++;
        return NULL;
    }
    record->view = (struct order_view){
        .user_ref = execution->user_ref,
        .state = ORDER_SENT,
        .replaces = execution->replaces,
        .px = reply_px(execution->px),
        .resting_px = reply_px(execution->px),
        .instrument = (uint16_t)instrument,
        .side = reply_side(execution->side),
        .tif = execution->tif == '0' + TIF_IOC ? TIF_IOC : TIF_DAY,
        .tag = ABI_NO_TAG,
        .number = execution->number,
    };
    memcpy(record->view.symbol, execution->symbol, sizeof execution->symbol);
    order_list_add(&pool->list, record);
    pool->counters.rebuilt++;
    return record;
}

/* The venue has it after all. Its tag may be another's by now. */
static void revive(struct order_pool *pool, struct order_record *record) {
    struct order_view *view = &record->view;
    uint32_t *tag = view->tag == ABI_NO_TAG ? NULL : &pool->tags[view->instrument][view->tag];
    view->entered_qty = view->filled_qty;
    view->cancelled_qty = 0;
    view->state = ORDER_SENT;
    view->reason = 0;
    if (tag && !*tag)
        *tag = view->user_ref;
    else
        view->tag = ABI_NO_TAG;
    order_list_add(&pool->list, record);
    pool->counters.revived++;
}

static bool contradicts(const struct order_view *view, const struct execution *execution) {
    return view->side != reply_side(execution->side) ||
           memcmp(view->symbol, execution->symbol, sizeof view->symbol) != 0;
}

static void accept_open(struct reply *reply, struct order_record *record, struct order_effect *effect) {
    const struct execution *execution = reply->execution;
    struct order_view *view = &record->view;
    bool was_filled = view->filled_qty != 0;
    reply_resolve(view);
    order_list_reprice(&reply->pool->list, record, reply_px(execution->px));
    if (execution->state == 'D')
        reply_close_all(reply, record, ORDER_CANCELLED, END_DEAD, effect);
    else if (!view->leaves_qty)
        reply_close_all(reply, record, was_filled ? ORDER_FILLED : ORDER_CANCELLED, 0, effect);
}

/* It cannot be true of this order; it is counted. */
static bool refuse(struct order_pool *pool, const struct order_view *view,
                   const struct execution *execution) {
    if (view->accepted) {
        pool->counters.repeats++;
        return true;
    }
    bool rejected = view->state == ORDER_REJECTED && !reply_was_given_up(view);
    if (!rejected && !contradicts(view, execution))
        return false;
    pool->counters.senseless++;
    return true;
}

/* Accepted, and the new order of Replaced. */
static void accept_order(struct reply *reply, struct order_record *record, bool is_new) {
    struct order_pool *pool = reply->pool;
    const struct execution *execution = reply->execution;
    struct order_view *view = &record->view;
    bool revived = reply_was_given_up(view);
    if (revived)
        revive(pool, record);
    view->heard = view->accepted = 1;
    view->order_ref = execution->order_ref;
    view->heard_cycles = execution->rx_cycles;
    if (!order_is_open(view))
        return;
    struct order_effect *effect = reply_effect(reply, view);
    effect->opens = is_new || revived;
    if (!effect->opens)
        reply_enter(pool, view, effect, execution->qty);
    else if (execution->qty > view->filled_qty)
        reply_adopt(view, effect, execution->qty - view->filled_qty);
    accept_open(reply, record, effect);
}

/* Of a known order, or made anew. NULL: counted, and no more. One whose number we had passed in this life,
 * and that is not known, is one of ours that is over and forgotten: it is told twice. */
static struct order_record *find_or_rebuild(struct reply *reply, bool *is_new) {
    struct order_pool *pool = reply->pool;
    struct order_record *known = order_list_find(&pool->list, reply->execution->user_ref);
    *is_new = !known;
    if (known)
        return refuse(pool, &known->view, reply->execution) ? NULL : known;
    if (!reply->passed)
        return rebuild(pool, reply->execution);
    pool->counters.strangers++;
    return NULL;
}

void reply_accepted(struct reply *reply) {
    bool is_new;
    struct order_record *record = find_or_rebuild(reply, &is_new);
    if (record)
        accept_order(reply, record, is_new);
}

/* The old order goes first: the new one may need its place. */
static void end_replaced(struct reply *reply) {
    const struct execution *execution = reply->execution;
    struct order_record *old = order_list_find(&reply->pool->list, execution->replaces);
    if (!old || !order_is_open(&old->view))
        return;
    uint32_t another = old->view.replaced_by;
    old->view.heard = 1;
    old->view.heard_cycles = execution->rx_cycles;
    reply_close(reply->pool, old, ORDER_REPLACED, 0, reply_effect(reply, &old->view));
    if (another != execution->user_ref)
        reply_end_replacement(reply, &old->view);
    old->view.replaced_by = execution->user_ref;
}

void reply_replaced(struct reply *reply) {
    struct order_pool *pool = reply->pool;
    const struct execution *execution = reply->execution;
    const struct order_record *known = order_list_find(&pool->list, execution->user_ref);
    if (known ? refuse(pool, &known->view, execution) : reply->passed) {
        pool->counters.strangers += !known;
        return;
    }
    end_replaced(reply);
    bool is_new;
    struct order_record *record = find_or_rebuild(reply, &is_new);
    if (record)
        accept_order(reply, record, is_new);
}
