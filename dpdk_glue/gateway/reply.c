#include "gateway/reply.h"

struct order_effect *reply_effect(struct reply *reply, const struct order_view *view) {
    struct order_effect *effect = &reply->effects[reply->count++];
    *effect = (struct order_effect){
        .instrument = view->instrument,
        .side = view->side,
        .order_px = view->px,
        .user_ref = view->user_ref,
        .tag = view->tag,
    };
    return effect;
}

void reply_stand(struct order_view *view) {
    view->state = view->filled_qty ? ORDER_PARTLY_FILLED : ORDER_LIVE;
    view->asked_to_go = 0;
}

void reply_resolve(struct order_view *view) {
    if (view->state == ORDER_SENT || view->state == ORDER_UNKNOWN || view->state == ORDER_LIVE)
        reply_stand(view);
}

bool reply_was_given_up(const struct order_view *view) {
    return view->state == ORDER_REJECTED && view->reason >= END_NEVER_ARRIVED && !view->accepted;
}

/* --- quantities --- */

void reply_drop(struct order_view *view, struct order_effect *effect, uint32_t qty) {
    view->leaves_qty -= qty;
    view->cancelled_qty += qty;
    effect->released_qty += qty;
}

void reply_adopt(struct order_view *view, struct order_effect *effect, uint32_t qty) {
    view->leaves_qty += qty;
    view->entered_qty += qty;
    effect->adopted_qty += qty;
}

void reply_enter(struct order_pool *pool, struct order_view *view, struct order_effect *effect,
                 uint32_t qty) {
    uint32_t gone = view->filled_qty + view->cancelled_qty;
    if (qty > view->entered_qty || qty < gone)
        pool->counters.odd++;
    if (qty < gone)
        qty = gone;
    if (qty > view->entered_qty)
        reply_adopt(view, effect, qty - view->entered_qty);
    uint32_t less = view->entered_qty - qty;
    view->leaves_qty -= less;
    view->entered_qty -= less;
    effect->released_qty += less;
}

/* --- the end of an order --- */

void reply_close(struct order_pool *pool, struct order_record *record, enum order_state state,
                 uint32_t reason, struct order_effect *effect) {
    struct order_view *view = &record->view;
    reply_drop(view, effect, view->leaves_qty);
    order_list_remove(&pool->list, record);
    view->state = state;
    view->reason = reason;
    view->asked_to_go = 0;
    effect->closes = 1;
    order_pool_leave_tag(pool, view);
    /* The one before it may be replaced again. */
    struct order_record *old = view->replaces ? order_list_find(&pool->list, view->replaces) : NULL;
    if (old && !view->accepted && old->view.replaced_by == view->user_ref)
        old->view.replaced_by = 0;
}

void reply_end_replacement(struct reply *reply, const struct order_view *old) {
    struct order_pool *pool = reply->pool;
    struct order_record *new = old->replaced_by ? order_list_find(&pool->list, old->replaced_by) : NULL;
    if (!new || !order_is_open(&new->view) || new->view.heard)
        return;
    pool->counters.originals_gone++;
    reply_close(pool, new, ORDER_REJECTED, END_ORIGINAL_GONE, reply_effect(reply, &new->view));
}

void reply_close_all(struct reply *reply, struct order_record *record, enum order_state state,
                     uint32_t reason, struct order_effect *effect) {
    reply_close(reply->pool, record, state, reason, effect);
    reply_end_replacement(reply, &record->view);
}
