#include "api.h"
#include "stage/recoverer.h"

struct recoverer *api_recoverer_open(const struct plan_recovery *plan, int32_t core,
                                     struct recoverer_counters *counters, char *error) {
    return recoverer_open(plan, core, counters, error);
}

void api_recoverer_close(struct recoverer *recoverer) {
    recoverer_close(recoverer);
}

int api_recoverer_ask(struct recoverer *recoverer, const uint8_t session[10], uint64_t first,
                      uint32_t count) {
    return recoverer_ask(recoverer, session, first, count);
}

uint32_t api_recoverer_fetch(struct recoverer *recoverer) {
    return recoverer_fetch(recoverer);
}

const uint8_t *api_recoverer_peek(struct recoverer *recoverer, uint32_t *kind, uint32_t *length,
                                  uint64_t *sequence, uint32_t *fetch) {
    const struct recoverer_record *record = recoverer_peek(recoverer);
    if (!record)
        return NULL;
    *kind = record->kind;
    *length = record->length;
    *sequence = record->sequence;
    *fetch = record->fetch;
    return record->data;
}

void api_recoverer_release(struct recoverer *recoverer) {
    recoverer_release(recoverer);
}
