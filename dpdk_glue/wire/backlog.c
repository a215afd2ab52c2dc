#include "wire/backlog.h"

#include "wire/itch.h"
#include "wire/mold64.h"

#include <string.h>
#include <sys/mman.h>

enum { SHORT = 0, JUMBO = 1 };

_Static_assert(BACKLOG_JUMBO_BYTES >= MOLD64_LONGEST + ITCH_SLACK, "a held packet has its slack behind it");
_Static_assert(BACKLOG_SHORT_BYTES == MOLD64_SLOT_LONGEST - MOLD64_HEADER_BYTES + ITCH_SLACK,
               "as the header of mold64 says");

static uint64_t later(uint64_t one, uint64_t other) {
    return one > other ? one : other;
}

bool backlog_is_jumbo(uint32_t length) {
    return length > BACKLOG_SHORT_BYTES - ITCH_SLACK;
}

static unsigned kind_of(const struct backlog *backlog, uint32_t slot) {
    return slot < backlog->short_count ? SHORT : JUMBO;
}

/* The messages of a packet that lie behind `before`. */
static uint64_t messages_from(const struct backlog_packet *packet, uint64_t before) {
    uint64_t first = later(packet->sequence, before);
    uint64_t end = backlog_end_of(packet);
    return end > first ? end - first : 0;
}

static uint64_t end_before(const struct backlog *backlog, const struct backlog_order *order, uint32_t index) {
    return index ? later(backlog_end_of(backlog_at(backlog, order, index - 1)), order->floor) : order->floor;
}

static uint32_t slot_at(const struct backlog *backlog, const struct backlog_order *order, uint32_t index) {
    return order->slots[(order->first + index) & backlog->mask];
}

static void set_slot(const struct backlog *backlog, struct backlog_order *order, uint32_t index,
                     uint32_t slot) {
    order->slots[(order->first + index) & backlog->mask] = slot;
}

static void free_slot(struct backlog *backlog, uint32_t slot) {
    struct backlog_slots *slots = &backlog->slots[kind_of(backlog, slot)];
    slots->free[slots->count++] = slot;
}

struct backlog_place backlog_find(const struct backlog *backlog, const struct backlog_order *order,
                                  const struct backlog_packet *packet) {
    uint64_t end = backlog_end_of(packet);
    uint32_t from = order->held;
    /* Most packets belong behind all others. */
    if (from && backlog_at(backlog, order, from - 1)->sequence > packet->sequence) {
        uint32_t low = 0;
        while (low < from) {
            uint32_t middle = low + (from - low) / 2;
            if (backlog_at(backlog, order, middle)->sequence > packet->sequence)
                from = middle;
            else
                low = middle + 1;
        }
    }
    if (from) {
        const struct backlog_packet *before = backlog_at(backlog, order, from - 1);
        if (backlog_end_of(before) >= end)
            return (struct backlog_place){.from = from, .to = from, .is_covered = true};
        if (before->sequence == packet->sequence)
            from--;
    }
    uint32_t to = from;
    while (to < order->held && backlog_end_of(backlog_at(backlog, order, to)) <= end)
        to++;
    return (struct backlog_place){.from = from, .to = to};
}

bool backlog_has_room(const struct backlog *backlog, const struct backlog_order *order,
                      const struct backlog_place *place, uint32_t length) {
    unsigned kind = backlog_is_jumbo(length) ? JUMBO : SHORT;
    if (backlog->slots[kind].count)
        return true;
    for (uint32_t index = place->from; index < place->to; index++)
        if (kind_of(backlog, slot_at(backlog, order, index)) == kind)
            return true;
    return false;
}

/* Makes `to - from` places into one, moving the shorter side. */
static void make_place(const struct backlog *backlog, struct backlog_order *order, uint32_t from,
                       uint32_t to) {
    uint32_t behind = order->held - to;
    if (to > from || behind <= from) {
        uint32_t new_to = from + 1;
        if (new_to > to)
            for (uint32_t index = order->held; index > to; index--)
                set_slot(backlog, order, index, slot_at(backlog, order, index - 1));
        else if (new_to < to)
            for (uint32_t index = to; index < order->held; index++)
                set_slot(backlog, order, index - (to - new_to), slot_at(backlog, order, index));
    } else {
        order->first--;
        for (uint32_t index = 0; index < from; index++)
            set_slot(backlog, order, index, slot_at(backlog, order, index + 1));
    }
    order->held = order->held + 1 - (to - from);
}

void backlog_put(struct backlog *backlog, struct backlog_order *order, const struct backlog_place *place,
                 const struct backlog_packet *packet) {
    uint64_t before = end_before(backlog, order, place->from);
    for (uint32_t index = place->from; index < place->to; index++) {
        order->messages -=
            messages_from(backlog_at(backlog, order, index), end_before(backlog, order, index));
        free_slot(backlog, slot_at(backlog, order, index));
    }
    if (place->to < order->held) {
        const struct backlog_packet *after = backlog_at(backlog, order, place->to);
        order->messages -= messages_from(after, end_before(backlog, order, place->to));
        order->messages += messages_from(after, later(backlog_end_of(packet), order->floor));
    }
    order->messages += messages_from(packet, before);

    struct backlog_slots *slots = &backlog->slots[backlog_is_jumbo(packet->length) ? JUMBO : SHORT];
    uint32_t slot = slots->free[--slots->count];
    uint8_t *bytes = kind_of(backlog, slot) == SHORT
                         ? backlog->short_bytes + (size_t)slot * BACKLOG_SHORT_BYTES
                         : backlog->jumbo_bytes + (size_t)(slot - backlog->short_count) * BACKLOG_JUMBO_BYTES;
    memcpy(bytes, packet->blocks, packet->length);
    backlog->packets[slot] = *packet;
    backlog->packets[slot].blocks = bytes;
    make_place(backlog, order, place->from, place->to);
    set_slot(backlog, order, place->from, slot);
}

void backlog_take_first(struct backlog *backlog, struct backlog_order *order) {
    const struct backlog_packet *packet = backlog_at(backlog, order, 0);
    order->messages -= messages_from(packet, order->floor);
    order->floor = later(order->floor, backlog_end_of(packet));
    free_slot(backlog, slot_at(backlog, order, 0));
    order->first++;
    order->held--;
}

void backlog_drop_last(struct backlog *backlog, struct backlog_order *order) {
    uint32_t last = order->held - 1;
    order->messages -= messages_from(backlog_at(backlog, order, last), end_before(backlog, order, last));
    free_slot(backlog, slot_at(backlog, order, last));
    order->held = last;
}

void backlog_set_floor(const struct backlog *backlog, struct backlog_order *order, uint64_t floor) {
    if (order->held)
        order->messages -= messages_from(backlog_at(backlog, order, 0), order->floor);
    order->floor = floor;
    if (order->held)
        order->messages += messages_from(backlog_at(backlog, order, 0), floor);
}

/* Memory of which most is never touched. A huge page would make many slots resident for the one in use. */
static int map_lazily(struct memory *memory, size_t bytes) {
    void *base =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED)
        return -1;
    madvise(base, bytes, MADV_NOHUGEPAGE);
    *memory = (struct memory){.base = base, .bytes = bytes, .pages = MEMORY_SMALL};
    return 0;
}

static size_t whole_pages(size_t bytes) {
    return (bytes + 4095) & ~(size_t)4095;
}

static void fill_free(struct backlog_slots *slots, uint32_t *room, uint32_t first, uint32_t count) {
    *slots = (struct backlog_slots){.free = room, .count = count};
    for (uint32_t slot = 0; slot < count; slot++)
        room[slot] = first + count - 1 - slot;
}

int backlog_open(struct backlog *backlog, uint32_t packets, uint32_t jumbos, enum backlog_memory how) {
    uint32_t ring = 1;
    while (ring < packets + jumbos)
        ring *= 2;
    size_t headers = whole_pages((size_t)(packets + jumbos) * sizeof *backlog->packets);
    size_t rings = whole_pages((size_t)ring * sizeof(uint32_t));
    size_t free_lists = whole_pages((size_t)(packets + jumbos) * sizeof(uint32_t));
    size_t shorts = (size_t)packets * BACKLOG_SHORT_BYTES;
    size_t before = BACKLOG_ORDERS * rings + headers + free_lists;
    size_t bytes = before + whole_pages(shorts) + (size_t)jumbos * BACKLOG_JUMBO_BYTES;

    *backlog = (struct backlog){.short_count = packets, .mask = ring - 1};
    if (how == BACKLOG_LAZY ? map_lazily(&backlog->memory, bytes)
                            : memory_map(&backlog->memory, bytes, how == BACKLOG_TOUCHED))
        return -1;
    uint8_t *base = backlog->memory.base;
    for (unsigned order = 0; order < BACKLOG_ORDERS; order++)
        backlog->rings[order] = (uint32_t *)(base + order * rings);
    backlog->packets = (struct backlog_packet *)(base + BACKLOG_ORDERS * rings);
    uint32_t *room = (uint32_t *)(base + BACKLOG_ORDERS * rings + headers);
    fill_free(&backlog->slots[SHORT], room, 0, packets);
    fill_free(&backlog->slots[JUMBO], room + packets, packets, jumbos);
    backlog->short_bytes = base + before;
    backlog->jumbo_bytes = backlog->short_bytes + whole_pages(shorts);
    return 0;
}

void backlog_close(struct backlog *backlog) {
    memory_unmap(&backlog->memory);
}
