/* book_feed: a run of messages through five steps, a group at a time.
 *
 * Each step asks for the lines that the next one will read, for the whole group, so that the misses of a step
 * overlap. (Groups of 16 that follow each other through the steps, one being applied while the next wait for
 * their lines, were tried: 3 to 8 ns a message worse.)
 */
#include "book/apply.h"
#include "book/digest.h"
#include "wire/bytes.h"

#include <string.h>

enum { LOCATE_END = 3 }; /* of a message: its type, and its locate */

struct group {
    struct itch_message messages[BOOK_GROUP];
    const uint32_t *entries[BOOK_GROUP];
    uint32_t *hints[BOOK_GROUP];
    const struct resting *orders[BOOK_GROUP];
    const struct level *hinted[BOOK_GROUP];
    unsigned count;
};

static inline struct pools pools_of(const struct book_set *set) {
    const struct orders *orders = &set->orders;
    return (struct pools){
        .nodes = orders->nodes,
        .index = orders->index,
        .directory = orders->directory,
        .directory_mask = orders->directory_mask,
        .hints = set->hints,
        .books = set->books,
        .locates = set->locates,
    };
}

/* The hint of a price; what adds nothing shares the first one. */
static inline uint32_t *hint_of(const struct pools *pools, uint16_t locate, uint32_t px, unsigned adds) {
    uint64_t key = ((uint64_t)px << 16 | locate) * UINT64_C(0x9e3779b97f4a7c15);
    return &pools->hints[(key >> (64 - BOOK_HINT_BITS)) & -(uint64_t)(adds / ADDS)];
}

/* A locate beyond the limit has no book: what is read ahead for it is book 0's. */
static inline struct book *book_of(const struct pools *pools, uint16_t locate) {
    return &pools->books[locate <= pools->locates ? locate : 0];
}

static __attribute__((noinline, cold)) void skip_malformed(struct book_set *set, const uint8_t *message,
                                                           unsigned length, struct itch_message *decoded) {
    if (length && !itch_shapes[message[0]].length)
        set->counters.unknown_type++;
    else
        set->counters.bad_length++;
    set->empty_messages += !length;
    memset(decoded, 0, sizeof *decoded);
    if (length && !itch_shapes[message[0]].length)
        return; /* of a type that came after us: nothing that is here could be meant by it */
    /* Its book is flagged when its turn comes, not before: what came before it was not stale. */
    decoded->malformed = 1;
    if (length >= LOCATE_END)
        decoded->locate = bytes_be16(message + 1);
}

/* Asked near the end of the run, and where a length is wrong. */
static __attribute__((noinline)) bool is_whole(const uint8_t *at, const uint8_t *end) {
    return end - at >= 2 && end - at - 2 >= (at[0] << 8 | at[1]);
}

/* First step: decode, and ask for each message's index entry, book and hint. Messages that cannot be applied
 * keep their place with type 0. Returns where the next message starts. */
static inline const uint8_t *decode(struct book_set *set, const struct pools *pools, const uint8_t *at,
                                    const uint8_t *end, unsigned limit, struct group *group) {
    unsigned count = 0;
    while (count < limit) {
        if (unlikely(end - at < 2 + ITCH_LONGEST) && !is_whole(at, end))
            break;
        unsigned length = (unsigned)at[0] << 8 | at[1];
        const uint8_t *message = at + 2;
        struct itch_message *decoded = &group->messages[count];
        if (unlikely(!length || !itch_length_is_right(message[0], length))) {
            if (!is_whole(at, end))
                break;
            skip_malformed(set, message, length, decoded);
        } else {
            itch_decode(message, decoded);
            set->counters.by_type[message[0]]++;
        }
        at = message + length;
        group->entries[count] =
            apply_entry(pools, apply_residue(pools, decoded->reference), decoded->reference);
        group->hints[count] = hint_of(pools, decoded->locate, decoded->px, apply_work[decoded->type] & ADDS);
        apply_ask_for(group->entries[count]);
        apply_ask_for(group->hints[count]);
        apply_ask_for(book_of(pools, decoded->locate));
        count++;
    }
    group->count = count;
    return at;
}

/* Second step: the order and the level that the entries name. */
static inline void look_up(const struct pools *pools, struct group *group) {
    for (unsigned i = 0; i < group->count; i++) {
        group->orders[i] = apply_node(pools, *group->entries[i]);
        group->hinted[i] = apply_level(pools, *group->hints[i]);
        apply_ask_for(group->orders[i]);
        apply_ask_for(group->hinted[i]);
    }
}

/* Third step: the order's level and neighbours, and the newest order of the level to join. */
static inline void neighbours(const struct pools *pools, const struct group *group) {
    for (unsigned i = 0; i < group->count; i++) {
        const struct resting *order = group->orders[i];
        apply_ask_for(apply_node(pools, order->level));
        apply_ask_for(apply_node(pools, order->prev));
        apply_ask_for(apply_node(pools, order->next));
        apply_ask_for(apply_node(pools, group->hinted[i]->prev));
    }
}

/* Fourth step: the end of the side. */
static inline void sides(const struct pools *pools, const struct group *group) {
    for (unsigned i = 0; i < group->count; i++) {
        const struct itch_message *message = &group->messages[i];
        uint32_t level = group->orders[i]->level;
        unsigned of_level = apply_level(pools, level)->side; /* level 0 is on side 0 */
        unsigned of_message = (message->side == 'S') & (apply_work[message->type] == ADDS);
        const struct side *side = &book_of(pools, message->locate)->side[(of_level | of_message) & 1];
        uintptr_t end_of_side = (uintptr_t)side->levels + side->count * sizeof(int64_t);
        apply_ask_for((void *)(end_of_side - 8));
        apply_ask_for((void *)(end_of_side - 64));
    }
}

static inline void write_event(const struct book_set *set, const struct book *book, uint64_t sequence,
                               uint64_t venue_ns, uint16_t flags, struct book_event *event) {
    event->sequence = sequence;
    event->venue_ns = venue_ns;
    event->rx_cycles = set->rx_cycles;
    event->bid_px = book->best_px[SIDE_BID];
    event->ask_px = book->best_px[SIDE_ASK];
    event->bid_qty = book->best_qty[SIDE_BID];
    event->ask_qty = book->best_qty[SIDE_ASK];
    event->bid_orders = book->best_orders[SIDE_BID];
    event->ask_orders = book->best_orders[SIDE_ASK];
    event->locate = book->locate;
    bool both = event->bid_orders && event->ask_orders;
    uint16_t state = (uint16_t)((both && event->bid_px == event->ask_px) * BOOK_LOCKED |
                                (both && event->bid_px > event->ask_px) * BOOK_CROSSED);
    event->flags = flags | state | set->every_flag |
                   (book->flags & (BOOK_HALTED | BOOK_UNTRUSTED | BOOK_SHORT_SALE_RESTRICTED | BOOK_STALE));
    event->reserved = 0;
}

/* Last step. Returns behind the last event written. */
static inline struct book_event *apply(struct book_set *set, const struct pools *pools,
                                       const struct group *group, struct book_event *event) {
    uint64_t sequence = set->sequence;
    uint64_t digest = set->counters.digest;
    for (unsigned i = 0; i < group->count; i++, sequence++) {
        const struct itch_message *message = &group->messages[i];
        unsigned work = apply_work[message->type];
        uint16_t flags = likely(work) ? apply_order_message(set, pools, message, work, group->hints[i], event)
                                      : book_admin(set, message, event);
        if (flags) {
            write_event(set, book_of(pools, message->locate), sequence, message->timestamp_ns, flags, event);
            if (flags & (BOOK_BID_CHANGED | BOOK_ASK_CHANGED))
                digest = digest_fold(digest, event);
            event++;
        }
    }
    set->sequence = sequence;
    set->counters.digest = digest;
    return event;
}

/* The time of the last message that has one. */
static inline void note_time(struct book_set *set, const struct group *group) {
    for (unsigned i = group->count; i-- > 0;)
        if (likely(group->messages[i].type)) {
            set->venue_ns = group->messages[i].timestamp_ns;
            return;
        }
}

size_t book_feed(struct book_set *set, const uint8_t *run, size_t bytes, struct book_event *events,
                 uint32_t room, uint32_t *event_count) {
    const struct pools pools = pools_of(set);
    struct group group;
    struct book_event scratch[BOOK_GROUP];
    struct book_event *event = events ? events : scratch;
    const uint8_t *at = run;
    uint64_t left = events ? room : UINT64_MAX;
    uint64_t first = set->sequence;
    for (;;) {
        at = decode(set, &pools, at, run + bytes, left < BOOK_GROUP ? (unsigned)left : BOOK_GROUP, &group);
        if (!group.count)
            break;
        left -= group.count;
        look_up(&pools, &group);
        neighbours(&pools, &group);
        sides(&pools, &group);
        struct book_event *end = apply(set, &pools, &group, event);
        note_time(set, &group);
        set->counters.events += (uint64_t)(end - event);
        if (events)
            event = end;
    }
    set->counters.messages += set->sequence - first;
    if (event_count)
        *event_count = events ? (uint32_t)(event - events) : 0;
    return (size_t)(at - run);
}

bool book_type_has_order(uint8_t type) {
    return apply_work[type] != 0;
}
