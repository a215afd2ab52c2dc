#include "gateway/order_list.h"

#include <stdlib.h>
#include <string.h>

int order_list_open(struct order_list *list, uint32_t orders, uint32_t instruments) {
    size_t bytes = (size_t)orders * sizeof *list->records;
    memset(list, 0, sizeof *list);
    list->records = aligned_alloc(64, bytes);
    list->here = calloc(instruments ? instruments : 1, sizeof *list->here);
    list->best_px = calloc(instruments ? instruments : 1, sizeof *list->best_px);
    list->mask = orders - 1;
    list->instruments = instruments;
    if (!list->records || !list->here || !list->best_px) {
        order_list_close(list);
        return -1;
    }
    memset(list->records, 0, bytes); /* also touches it */
    return 0;
}

void order_list_close(struct order_list *list) {
    free(list->records);
    free(list->here);
    free(list->best_px);
    list->records = NULL;
    list->here = NULL;
    list->best_px = NULL;
}

static struct order_record *at(const struct order_list *list, uint32_t place) {
    return place ? &list->records[place - 1] : NULL;
}

static uint32_t place_of(const struct order_list *list, const struct order_record *record) {
    return (uint32_t)(record - list->records) + 1;
}

struct order_record *order_list_after(const struct order_list *list, const struct order_record *record) {
    return at(list, record ? record->all.after : list->all.first);
}

struct order_record *order_list_after_here(const struct order_list *list, uint32_t instrument,
                                           const struct order_record *record) {
    return at(list, record ? record->here.after : list->here[instrument].first);
}

/* --- the best price --- */

static bool is_better(uint32_t side, uint32_t px, uint32_t than) {
    return !than || (side == SIDE_BID ? px > than : px < than);
}

static bool counts(const struct order_view *view) {
    return view->tif != TIF_IOC;
}

static void raise_best(struct order_list *list, const struct order_view *view) {
    uint32_t *best = &list->best_px[view->instrument][view->side];
    if (counts(view) && is_better(view->side, view->resting_px, *best))
        *best = view->resting_px;
}

/* It has left: another may have the same price, or the next best. */
static void seek_best(struct order_list *list, uint32_t instrument, uint32_t side) {
    list->best_px[instrument][side] = 0;
    const struct order_record *record = NULL;
    while ((record = order_list_after_here(list, instrument, record)))
        if (record->view.side == side)
            raise_best(list, &record->view);
}

static bool was_best(const struct order_list *list, const struct order_view *view, uint32_t px) {
    return counts(view) && list->best_px[view->instrument][view->side] == px;
}

/* --- the lists --- */

void order_list_add(struct order_list *list, struct order_record *record) {
    struct order_ends *here = &list->here[record->view.instrument];
    uint32_t place = place_of(list, record);
    record->all = (struct order_neighbours){.before = list->all.last};
    record->here = (struct order_neighbours){.before = here->last};
    *(list->all.last ? &at(list, list->all.last)->all.after : &list->all.first) = place;
    *(here->last ? &at(list, here->last)->here.after : &here->first) = place;
    list->all.last = here->last = place;
    list->open++;
    raise_best(list, &record->view);
}

void order_list_remove(struct order_list *list, struct order_record *record) {
    const struct order_view *view = &record->view;
    struct order_ends *here = &list->here[view->instrument];
    *(record->all.before ? &at(list, record->all.before)->all.after : &list->all.first) = record->all.after;
    *(record->all.after ? &at(list, record->all.after)->all.before : &list->all.last) = record->all.before;
    *(record->here.before ? &at(list, record->here.before)->here.after : &here->first) = record->here.after;
    *(record->here.after ? &at(list, record->here.after)->here.before : &here->last) = record->here.before;
    list->open--;
    if (was_best(list, view, view->resting_px))
        seek_best(list, view->instrument, view->side);
}

void order_list_reprice(struct order_list *list, struct order_record *record, uint32_t px) {
    struct order_view *view = &record->view;
    bool seek = was_best(list, view, view->resting_px);
    view->resting_px = px;
    if (seek)
        seek_best(list, view->instrument, view->side);
    else
        raise_best(list, view);
}
