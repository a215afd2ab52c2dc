#include "wire/recovery_requests.h"

#include <string.h>

_Static_assert(sizeof((struct recovery_sight){0}.gap) / sizeof(struct mold64_gap) >= RECOVERY_REQUESTS,
               "as many gaps are seen as can be asked for");

void recovery_wish_for(struct recovery_wishes *wishes, enum recovery_action action, uint64_t first,
                       uint64_t count) {
    if (wishes->count < sizeof wishes->list / sizeof *wishes->list)
        wishes->list[wishes->count++] =
            (struct recovery_wish){.action = (uint32_t)action, .first = first, .count = count};
}

static uint64_t gap_end(const struct mold64_gap *gap) {
    return gap->first + gap->count;
}

static uint64_t later(uint64_t one, uint64_t other) {
    return one > other ? one : other;
}

static uint64_t sooner(uint64_t one, uint64_t other) {
    return one < other ? one : other;
}

/* One past the last message of which the sight says whether it is missing. */
static uint64_t seen_end(const struct recovery_sight *sight) {
    bool all = sight->gaps < sizeof sight->gap / sizeof *sight->gap;
    return all ? UINT64_MAX : gap_end(&sight->gap[sight->gaps - 1]);
}

/* Narrows a request to what is still missing of it. `gap` is the first that may touch it, and moves on. */
static bool narrow(struct recovery_request *request, const struct recovery_sight *sight, uint32_t *gap) {
    uint64_t missing = 0;
    uint64_t first = 0;
    uint64_t end = 0;
    if (request->end > seen_end(sight))
        return true;
    while (*gap < sight->gaps && gap_end(&sight->gap[*gap]) <= request->first)
        ++*gap;
    for (uint32_t at = *gap; at < sight->gaps && sight->gap[at].first < request->end; at++) {
        uint64_t from = later(sight->gap[at].first, request->first);
        uint64_t to = sooner(gap_end(&sight->gap[at]), request->end);
        first = missing ? first : from;
        end = to;
        missing += to - from;
    }
    if (!missing)
        return false;
    request->first = first;
    request->end = end;
    if (missing < request->missing) {
        request->has_moved = true;
        request->tries = 0;
    }
    request->missing = missing;
    return true;
}

static void ask(struct recovery_request *request, struct recovery_counters *counters,
                struct recovery_wishes *wishes, uint64_t now) {
    request->has_moved = request->is_due = false;
    request->tries++;
    request->asked_cycles = now;
    counters->requests++;
    recovery_wish_for(wishes, RECOVERY_ASK, request->first, request->end - request->first);
}

static void look_at(struct recovery_request *request, bool moved_now, const struct recovery_limits *limits,
                    uint64_t now) {
    uint64_t patience = limits->request_timeout_cycles * limits->request_tries * RECOVERY_PATIENCE;
    bool has_answer = request->has_moved && !moved_now;
    request->is_due = has_answer || now - request->asked_cycles >= limits->request_timeout_cycles;
    if (request->is_due &&
        (request->tries >= limits->request_tries || now - request->begun_cycles >= patience))
        request->has_failed = true;
}

void recovery_requests_look(struct recovery_requests *requests, const struct recovery_sight *sight,
                            const struct recovery_limits *limits, uint64_t now_cycles) {
    uint32_t kept = 0;
    uint32_t gap = 0;
    requests->any_failed = false;
    for (uint32_t i = 0; i < requests->count; i++) {
        struct recovery_request request = requests->table[i];
        uint64_t missing = request.missing;
        if (!narrow(&request, sight, &gap))
            continue;
        if (!request.has_failed)
            look_at(&request, request.missing < missing, limits, now_cycles);
        requests->any_failed |= request.has_failed;
        requests->table[kept++] = request;
    }
    requests->count = kept;
}

void recovery_requests_ask(struct recovery_requests *requests, const struct recovery_sight *sight,
                           uint64_t below, const struct recovery_limits *limits,
                           struct recovery_counters *counters, struct recovery_wishes *wishes,
                           uint64_t now_cycles) {
    for (uint32_t i = 0; i < requests->count; i++) {
        struct recovery_request *request = &requests->table[i];
        if (request->is_due && !request->has_failed) {
            counters->repeats += request->tries > 0;
            ask(request, counters, wishes, now_cycles);
        }
    }
    uint32_t place = 0; /* of the first request that ends behind where we are */
    for (uint32_t gap = 0; gap < sight->gaps && sight->gap[gap].count <= limits->request_longest; gap++) {
        uint64_t end = sooner(gap_end(&sight->gap[gap]), below);
        for (uint64_t at = sight->gap[gap].first; at < end;) {
            while (place < requests->count && requests->table[place].end <= at)
                place++;
            bool is_next = place < requests->count;
            if (is_next && requests->table[place].first <= at) {
                at = requests->table[place].end;
                continue;
            }
            if (requests->count == RECOVERY_REQUESTS)
                return;
            uint64_t to = sooner(end, at + limits->request_messages);
            if (is_next)
                to = sooner(to, requests->table[place].first);
            memmove(&requests->table[place + 1], &requests->table[place],
                    (requests->count - place) * sizeof *requests->table);
            requests->count++;
            requests->table[place] = (struct recovery_request){
                .first = at, .end = to, .missing = to - at, .begun_cycles = now_cycles};
            ask(&requests->table[place], counters, wishes, now_cycles);
            at = to;
        }
    }
}

bool recovery_requests_failed_below(const struct recovery_requests *requests, uint64_t end) {
    bool failed = false;
    for (uint32_t i = 0; i < requests->count && requests->table[i].first < end; i++) {
        if (!requests->table[i].has_failed)
            return false;
        failed = true;
    }
    return failed;
}

bool recovery_requests_are_out(const struct recovery_requests *requests) {
    for (uint32_t i = 0; i < requests->count; i++)
        if (!requests->table[i].has_failed)
            return true;
    return false;
}
