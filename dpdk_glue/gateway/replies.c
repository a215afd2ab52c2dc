/* What a reply does to the orders of the pool: gateway/orders.h has the table. */
#include "gateway/reply.h"

enum { MOST_QTY = 999999 }; /* that the protocol allows in an order */

static uint32_t least(uint32_t one, uint32_t other) {
    return one < other ? one : other;
}

/* --- fills --- */

static void take_executed(struct reply *reply, struct order_record *record) {
    const struct execution *execution = reply->execution;
    struct order_pool *pool = reply->pool;
    struct order_view *view = &record->view;
    if (execution->match && fills_find(&pool->fills, execution->match, execution->user_ref)) {
        pool->counters.repeats++;
        return;
    }
    if (!execution->qty) {
        pool->counters.senseless++;
        return;
    }
    struct order_effect *effect = reply_effect(reply, view);
    view->heard = 1;
    view->heard_cycles = execution->rx_cycles;
    if (execution->qty > view->leaves_qty) {
        reply_adopt(view, effect, execution->qty - view->leaves_qty);
        pool->counters.odd++;
    }
    view->leaves_qty -= execution->qty;
    view->filled_qty += execution->qty;
    effect->filled_qty = execution->qty;
    effect->fill_px = reply_px(execution->px);
    pool->counters.fills++;
    pool->counters.filled_qty += execution->qty;
    if (execution->match)
        fills_add(&pool->fills, &(struct fill){.match = execution->match,
                                               .user_ref = execution->user_ref,
                                               .qty = execution->qty,
                                               .px = effect->fill_px,
                                               .order_px = view->px,
                                               .instrument = view->instrument,
                                               .side = view->side});
    if (!order_is_open(view))
        return;
    if (!view->leaves_qty)
        reply_close_all(reply, record, ORDER_FILLED, 0, effect);
    else
        reply_resolve(view);
}

/* Both kinds take the fill back; a correction gives another instead. Orders are not concerned. */
static void take_back(struct reply *reply) {
    const struct execution *execution = reply->execution;
    struct order_pool *pool = reply->pool;
    struct fill *fill = fills_find(&pool->fills, execution->match, execution->user_ref);
    struct order_record *record = order_list_find(&pool->list, execution->user_ref);
    if (execution->qty > MOST_QTY) {
        pool->counters.senseless++;
        return;
    }
    if (!fill || fill->broken) {
        *(fill ? &pool->counters.repeats : &pool->counters.unknown_trades) += 1;
        return;
    }
    struct order_view of = {.user_ref = fill->user_ref,
                            .px = fill->order_px,
                            .instrument = fill->instrument,
                            .side = fill->side,
                            .tag = record ? record->view.tag : ABI_NO_TAG};
    struct order_effect *effect = reply_effect(reply, &of);
    effect->broken_qty = fill->qty;
    effect->broken_px = fill->px;
    if (execution->kind == EXECUTION_CORRECTED) {
        effect->adopted_qty = effect->filled_qty = fill->qty = execution->qty;
        effect->fill_px = fill->px = reply_px(execution->px);
        pool->counters.corrected_trades++;
        return;
    }
    fill->broken = 1;
    if (record)
        record->view.broken_qty += fill->qty;
    pool->counters.broken_trades++;
}

/* --- what makes sense for open orders only --- */

static void take_canceled(struct reply *reply, struct order_record *record) {
    const struct execution *execution = reply->execution;
    struct order_view *view = &record->view;
    struct order_effect *effect = reply_effect(reply, view);
    if (execution->qty > view->leaves_qty)
        reply->pool->counters.odd++;
    reply_drop(view, effect, least(execution->qty, view->leaves_qty));
    if (!view->leaves_qty)
        reply_close_all(reply, record, ORDER_CANCELLED, execution->reason, effect);
    else if (view->state != ORDER_CANCEL_SENT || execution->reason == 'U')
        reply_stand(view);
}

static void take_modified(struct reply *reply, struct order_record *record) {
    const struct execution *execution = reply->execution;
    struct order_view *view = &record->view;
    struct order_effect *effect = reply_effect(reply, view);
    if (execution->qty > view->leaves_qty) {
        reply->pool->counters.odd++;
        reply_adopt(view, effect, execution->qty - view->leaves_qty);
    }
    reply_drop(view, effect, view->leaves_qty - execution->qty);
    if (!view->leaves_qty)
        reply_close_all(reply, record, ORDER_CANCELLED, 0, effect);
    else
        reply_resolve(view);
}

/* False: it makes no sense for this order as it stands. */
static bool take_of_open(struct reply *reply, struct order_record *record) {
    const struct execution *execution = reply->execution;
    struct order_view *view = &record->view;
    switch (execution->kind) {
    case EXECUTION_REJECTED:
        if (view->heard)
            return false;
        reply_close_all(reply, record, ORDER_REJECTED, execution->reason, reply_effect(reply, view));
        break;
    case EXECUTION_CANCELED:
    case EXECUTION_AIQ_CANCELED:
        take_canceled(reply, record);
        break;
    case EXECUTION_CANCEL_PENDING:
        if (!view->asked_to_go)
            record->asked_size = UINT32_MAX; /* not by us: ours may follow */
        view->state = ORDER_CANCEL_SENT;
        view->asked_to_go = 1;
        break;
    case EXECUTION_CANCEL_REJECTED:
        if (!view->asked_to_go)
            return false;
        reply_stand(view);
        break;
    case EXECUTION_PRIORITY:
        view->order_ref = execution->order_ref;
        order_list_reprice(&reply->pool->list, record, reply_px(execution->px));
        reply_resolve(view);
        break;
    case EXECUTION_MODIFIED:
        if (view->side != reply_side(execution->side))
            return false;
        take_modified(reply, record);
        break;
    case EXECUTION_RESTATED:
        reply_resolve(view);
        break;
    default:
        return false;
    }
    view->heard = 1;
    view->heard_cycles = execution->rx_cycles;
    return true;
}

static void take_of_known(struct reply *reply, struct order_record *record) {
    const struct execution *execution = reply->execution;
    if (execution->qty > MOST_QTY || (uint64_t)record->view.entered_qty + execution->qty > UINT32_MAX)
        reply->pool->counters.senseless++;
    else if (execution->kind == EXECUTION_EXECUTED)
        take_executed(reply, record);
    else if (execution->kind == EXECUTION_REJECTED && reply_was_given_up(&record->view))
        record->view.reason = execution->reason;
    else if (!order_is_open(&record->view) || !take_of_open(reply, record))
        reply->pool->counters.senseless++;
}

/* --- the connection --- */

static void lose_connection(struct order_pool *pool) {
    struct order_record *record = NULL;
    while ((record = order_list_after(&pool->list, record)))
        record->view.state = ORDER_UNKNOWN;
    pool->connected = pool->settling = false;
}

bool order_pool_settle(struct order_pool *pool, uint64_t rx_cycles, struct order_effect *effect) {
    struct reply reply = {.pool = pool, .effects = effect};
    while (pool->settling && pool->settled) {
        struct order_record *record = pool->settled;
        pool->settled = order_list_after(&pool->list, record);
        if (record->view.heard) {
            if (record->view.state == ORDER_UNKNOWN)
                reply_stand(&record->view);
            continue;
        }
        record->view.heard_cycles = rx_cycles;
        pool->counters.never_arrived++;
        reply_close(pool, record, ORDER_REJECTED, END_NEVER_ARRIVED, reply_effect(&reply, &record->view));
        pool->counters.open = pool->list.open;
        return true;
    }
    pool->connected = pool->connected || pool->settling;
    pool->settling = false;
    return false;
}

/* --- all replies --- */

/* Numbers go on behind all that was ever used. */
static void see_numbers(struct order_pool *pool, const struct execution *execution) {
    uint64_t next = execution->user_ref + (uint64_t)(execution->kind != EXECUTION_ACCOUNT);
    if (execution->user_ref && next > pool->next_user_ref)
        pool->next_user_ref = next;
    if (execution->number > pool->number)
        pool->number = execution->number;
}

static void take_by_order(struct reply *reply) {
    struct order_pool *pool = reply->pool;
    const struct execution *execution = reply->execution;
    struct order_record *record = order_list_find(&pool->list, execution->user_ref);
    if (record) {
        take_of_known(reply, record);
        return;
    }
    pool->counters.strangers++;
    if (execution->kind == EXECUTION_EXECUTED)
        pool->counters.strange_fills++;
}

static void take_new(struct reply *reply) {
    if (reply->execution->qty > MOST_QTY)
        reply->pool->counters.senseless++;
    else if (reply->execution->kind == EXECUTION_ACCEPTED)
        reply_accepted(reply);
    else
        reply_replaced(reply);
}

static void take_reply(struct reply *reply) {
    struct order_pool *pool = reply->pool;
    switch (reply->execution->kind) {
    case EXECUTION_CONNECTED:
        pool->connection = (uint16_t)reply->execution->connection;
        break;
    case EXECUTION_CAUGHT_UP:
        pool->settling = true;
        pool->settled = order_list_after(&pool->list, NULL);
        break;
    case EXECUTION_DISCONNECTED:
    case EXECUTION_ENDED:
        lose_connection(pool);
        break;
    case EXECUTION_ACCEPTED:
    case EXECUTION_REPLACED:
        take_new(reply);
        break;
    case EXECUTION_BROKEN:
    case EXECUTION_CORRECTED:
        take_back(reply);
        break;
    case EXECUTION_NONE:
        pool->counters.unreadable++;
        break;
    case EXECUTION_SYSTEM:
    case EXECUTION_MASS_CANCELED:
    case EXECUTION_DISABLED:
    case EXECUTION_ENABLED:
    case EXECUTION_ACCOUNT:
        break;
    default:
        take_by_order(reply);
    }
}

uint32_t order_pool_apply(struct order_pool *pool, const struct execution *execution,
                          struct order_effect effects[ORDER_POOL_EFFECTS]) {
    struct reply reply = {.pool = pool, .execution = execution, .effects = effects};
    reply.passed = pool->first_taken && execution->user_ref >= pool->first_taken &&
                   execution->user_ref < pool->next_user_ref;
    pool->counters.replies++;
    if (execution->sequence && execution->kind != EXECUTION_CONNECTED) {
        if (execution->sequence <= pool->sequence) {
            pool->counters.repeats++;
            return 0;
        }
        pool->sequence = execution->sequence;
    }
    see_numbers(pool, execution);
    take_reply(&reply);
    pool->counters.open = pool->list.open;
    return reply.count;
}
