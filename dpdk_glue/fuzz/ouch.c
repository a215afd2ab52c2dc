/* Bytes of a venue in any cut -> order session -> executions -> order pool.
 *
 * The input is a byte that says how to cut, and what the venue sends. Two sessions read it, one in large
 * pieces and one in the cuts, and must say the same. Each message is decoded once more from memory of its
 * very size. What comes out is applied to a pool that has asked for orders, and so small that it must forget
 * some: all its quantities add up, and so do those of the effects.
 */
#include "gateway/orders.h"
#include "gateway/session.h"

#include <stdlib.h>
#include <string.h>

enum { ORDERS = 16, LEDGER = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

static const char symbols[2][8] = {"FUZZ    ", "OTHER   "};

static void require(bool holds) {
    if (!holds)
        abort();
}

/* --- the pool --- */

struct book_keeper {
    struct order_pool pool;
    uint32_t open[LEDGER]; /* by user reference, of those that are small */
};

static void check_order(const struct order_view *view) {
    require(view->entered_qty == view->filled_qty + view->cancelled_qty + view->leaves_qty);
    require(view->leaves_qty <= view->entered_qty);
    require(order_is_open(view) == (view->leaves_qty != 0));
}

static void check_pool(const struct order_pool *pool) {
    struct order_view views[ORDERS];
    uint32_t best[2][2] = {{0}};
    uint32_t open = order_pool_list(pool, views, ORDERS);
    require(open <= ORDERS && open == pool->counters.open);
    for (uint32_t place = 0; place < ORDERS; place++)
        check_order(&pool->list.records[place].view);
    for (uint32_t place = 0; place < open; place++) {
        const struct order_view *view = &views[place];
        uint32_t *px = &best[view->instrument][view->side];
        require(order_is_open(view));
        if (view->tif != TIF_IOC && (!*px || (view->side ? view->resting_px < *px : view->resting_px > *px)))
            *px = view->resting_px;
    }
    for (int instrument = 0; instrument < 2; instrument++)
        for (int side = 0; side < 2; side++)
            require(order_pool_best(pool, instrument, side) == best[instrument][side]);
}

static void keep_effect(struct book_keeper *keeper, const struct order_effect *effect) {
    require(effect->user_ref && effect->instrument < 2 && effect->side < 2);
    if (effect->user_ref >= LEDGER)
        return;
    uint32_t *open = &keeper->open[effect->user_ref];
    require((uint64_t)*open + effect->adopted_qty >= (uint64_t)effect->filled_qty + effect->released_qty);
    *open += effect->adopted_qty - effect->filled_qty - effect->released_qty;
    require(!effect->closes || !*open);
}

static void ask(struct book_keeper *keeper, uint32_t action, uint16_t tag) {
    struct intent intent = {.signal = {.action = (uint16_t)action, .tag = tag, .px = 5000 + tag, .qty = 100}};
    struct order order;
    if (order_pool_take(&keeper->pool, &intent, &order) == TAKE_DONE && order.user_ref < LEDGER &&
        action != SIGNAL_CANCEL)
        keeper->open[order.user_ref] += order.qty;
}

static void apply(struct book_keeper *keeper, const struct execution *execution) {
    struct order_effect effects[ORDER_POOL_EFFECTS];
    uint32_t count = order_pool_apply(&keeper->pool, execution, effects);
    require(count <= ORDER_POOL_EFFECTS);
    for (uint32_t place = 0; place < count; place++)
        keep_effect(keeper, &effects[place]);
    while (order_pool_settle(&keeper->pool, 0, effects))
        keep_effect(keeper, effects);
    if (execution->kind == EXECUTION_CAUGHT_UP) {
        for (uint16_t tag = 0; tag < 3; tag++)
            ask(keeper, SIGNAL_ENTER, tag);
        ask(keeper, SIGNAL_REPLACE, 0);
    }
    if (execution->kind == EXECUTION_CANCEL_PENDING)
        ask(keeper, SIGNAL_CANCEL, 2);
    check_pool(&keeper->pool);
}

/* --- the session --- */

struct told {
    uint64_t digest;
    uint64_t executions;
};

static void fold(struct told *told, const struct execution *execution) {
    const uint8_t *bytes = (const uint8_t *)execution;
    for (size_t at = 0; at < sizeof *execution; at++)
        told->digest = (told->digest ^ bytes[at]) * 0x100000001b3;
    told->executions++;
}

static void take_executions(struct order_session *session, struct told *told, struct book_keeper *keeper) {
    struct execution execution;
    while (order_session_next(session, &execution)) {
        fold(told, &execution);
        if (keeper)
            apply(keeper, &execution);
    }
    uint32_t bytes;
    order_session_output(session, &bytes);
    order_session_sent(session, bytes, 1);
}

static void arrive(struct order_session *session, struct told *told, struct book_keeper *keeper,
                   const uint8_t *data, size_t bytes, uint32_t piece) {
    while (bytes) {
        uint32_t room;
        uint8_t *to = order_session_room(session, &room);
        uint32_t taken = piece < room ? piece : room;
        if (taken > bytes)
            taken = (uint32_t)bytes;
        memcpy(to, data, taken);
        order_session_arrived(session, taken, 1);
        take_executions(session, told, keeper);
        data += taken;
        bytes -= taken;
    }
    order_session_cut(session, CUT_CLOSED);
    take_executions(session, told, keeper);
}

/* Every place where a packet might begin, as a message of its own. */
static void decode_alone(const uint8_t *data, size_t bytes) {
    struct execution execution;
    uint8_t *copy = malloc(bytes ? bytes : 1);
    require(copy);
    memcpy(copy, data, bytes);
    enum ouch_verdict verdict = ouch_decode(copy, (uint32_t)bytes, &execution);
    require(ouch_verdict_name(verdict) && (verdict == OUCH_TAKEN) == (execution.kind != 0));
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size) {
    static struct book_keeper keeper;
    static struct order_session sessions[2];
    static struct gateway_counters counters[2];
    const struct order_pool_limits limits = {.orders = ORDERS, .fills = 8, .instruments = 2};
    if (!size)
        return 0;
    struct gateway_settings settings = {.next_sequence = 1,
                                        .asks_account = !(input[0] & 1 << 7),
                                        .queries_unanswered = input[0] & 1 << 6 ? UINT32_MAX : 0,
                                        .second_cycles = 1000,
                                        .silence_cycles = 10000};
    const uint32_t pieces[2] = {UINT32_MAX, 1 + (uint32_t)(input[0] & 63) * (input[0] & 63)};
    struct told told[2] = {{0}, {0}};
    memset(settings.session, ' ', sizeof settings.session);
    memset(&keeper, 0, sizeof keeper);
    memset(counters, 0, sizeof counters);
    require(!order_pool_open(&keeper.pool, &limits, symbols));
    for (int i = 0; i < 2; i++) {
        order_session_open(&sessions[i], &settings, &counters[i]);
        order_session_begin(&sessions[i], 1);
        arrive(&sessions[i], &told[i], i ? NULL : &keeper, input + 1, size - 1, pieces[i]);
    }
    require(!memcmp(&told[0], &told[1], sizeof told[0]) && sessions[0].state == sessions[1].state);
    require(sessions[0].next_sequence == sessions[1].next_sequence);
    decode_alone(input + 1, size - 1);
    order_pool_close(&keeper.pool);
    return 0;
}
