#include "wire/recovery_tally.h"

static uint64_t gap_end(const struct mold64_gap *gap) {
    return gap->first + gap->count;
}

static bool is_open(const struct recovery_open_gap *open, const struct recovery_sight *sight) {
    const uint32_t room = sizeof sight->gap / sizeof *sight->gap;
    if (sight->gaps == room && open->end > gap_end(&sight->gap[room - 1]))
        return true; /* nobody knows */
    for (uint32_t gap = 0; gap < sight->gaps && sight->gap[gap].first < open->end; gap++)
        if (gap_end(&sight->gap[gap]) > open->first)
            return true;
    return false;
}

static void close_filled(struct recovery_tally *tally, const struct recovery_sight *sight,
                         struct recovery_counters *counters) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < tally->count; i++) {
        if (is_open(&tally->open[i], sight))
            tally->open[kept++] = tally->open[i];
        else if (tally->open[i].was_asked_for)
            counters->filled_by_request++;
        else
            counters->filled_by_lines++;
    }
    tally->count = kept;
}

static void note(struct recovery_tally *tally, const struct mold64_gap *gap,
                 struct recovery_counters *counters) {
    struct recovery_open_gap *last = tally->count ? &tally->open[tally->count - 1] : NULL;
    uint64_t end = gap_end(gap);
    uint64_t from = gap->first > tally->noted_end ? gap->first : tally->noted_end;
    if (end <= from)
        return;
    if (last && last->end == from && gap->first < last->end) {
        last->end = end;
    } else {
        tally->open[tally->count++] = (struct recovery_open_gap){.first = from, .end = end};
        counters->gaps++;
    }
    counters->gap_messages += end - from;
    tally->noted_end = end;
}

void recovery_tally_look(struct recovery_tally *tally, const struct recovery_sight *sight,
                         struct recovery_counters *counters) {
    const uint32_t room = sizeof tally->open / sizeof *tally->open;
    close_filled(tally, sight, counters);
    for (uint32_t gap = 0; gap < sight->gaps; gap++) {
        if (tally->count == room)
            return;
        note(tally, &sight->gap[gap], counters);
    }
}

void recovery_tally_asked(struct recovery_tally *tally, uint64_t first, uint64_t count) {
    for (uint32_t i = 0; i < tally->count; i++)
        if (tally->open[i].first < first + count && first < tally->open[i].end)
            tally->open[i].was_asked_for = true;
}

void recovery_tally_close(struct recovery_tally *tally, uint64_t end, uint64_t *counter) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < tally->count; i++) {
        if (tally->open[i].end <= end) {
            ++*counter;
            continue;
        }
        tally->open[kept] = tally->open[i];
        if (tally->open[kept].first < end)
            tally->open[kept].first = end;
        kept++;
    }
    tally->count = kept;
    if (!kept && tally->noted_end > end)
        tally->noted_end = end;
}
