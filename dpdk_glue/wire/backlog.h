/* The packets that wait: copies of their blocks in slots of a fixed size, and their order by sequence.
 *
 * A backlog owns the slots: as many short ones as packets can wait, and some that take the longest datagram.
 * An order is a ring of slot numbers, so that taking the first, dropping the last and adding behind the last
 * cost the same whatever waits; adding in the middle moves the shorter side. Of any two packets of an order,
 * the one that starts first also ends first: a packet takes the place of those it covers, and none is added
 * that another covers. An order knows at all times how many messages it holds, each counted once.
 *
 * All memory is made at the start, in one piece.
 */
#ifndef APPLIANCE_WIRE_BACKLOG_H
#define APPLIANCE_WIRE_BACKLOG_H

#include "memory/memory.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    BACKLOG_SHORT_BYTES = 2 << 10,
    /* Whole pages, so that of a jumbo slot only what is used is touched. */
    BACKLOG_JUMBO_BYTES = 68 << 10,
    BACKLOG_ORDERS = 2
};

/* A well-formed packet; `count` is 0 for heartbeat and end of session. */
struct backlog_packet {
    const uint8_t *blocks;
    uint64_t sequence;
    uint32_t length;
    uint32_t count;
};

struct backlog_order {
    uint32_t *slots;
    uint32_t first; /* place in the ring */
    uint32_t held;
    uint64_t floor;    /* messages below it do not count */
    uint64_t messages; /* held, each once */
};

struct backlog_slots {
    uint32_t *free;
    uint32_t count;
};

struct backlog {
    struct memory memory;
    struct backlog_packet *packets; /* by slot: the short ones first */
    uint8_t *short_bytes;
    uint8_t *jumbo_bytes;
    uint32_t short_count;
    uint32_t mask;
    struct backlog_slots slots[2]; /* free ones: short, jumbo */
    uint32_t *rings[BACKLOG_ORDERS];
};

/* Where a packet belongs: in place of those from `from` up to `to`. */
struct backlog_place {
    uint32_t from;
    uint32_t to;
    bool is_covered; /* another holds all of it */
};

/* How the memory is to be: touched only as it is used, in huge pages if there are any, or all touched now. */
enum backlog_memory { BACKLOG_LAZY, BACKLOG_HUGE, BACKLOG_TOUCHED };

/* 0, or -1 without memory. */
int backlog_open(struct backlog *backlog, uint32_t packets, uint32_t jumbos, enum backlog_memory how);
void backlog_close(struct backlog *backlog);

static inline uint64_t backlog_end_of(const struct backlog_packet *packet) {
    return packet->sequence + packet->count;
}

static inline const struct backlog_packet *backlog_at(const struct backlog *backlog,
                                                      const struct backlog_order *order, uint32_t index) {
    return &backlog->packets[order->slots[(order->first + index) & backlog->mask]];
}

bool backlog_is_jumbo(uint32_t length);
struct backlog_place backlog_find(const struct backlog *backlog, const struct backlog_order *order,
                                  const struct backlog_packet *packet);
/* There is a slot for a packet of this length, if those it covers go. */
bool backlog_has_room(const struct backlog *backlog, const struct backlog_order *order,
                      const struct backlog_place *place, uint32_t length);
/* Copies the packet. Its place is the one just found, and has room. */
void backlog_put(struct backlog *backlog, struct backlog_order *order, const struct backlog_place *place,
                 const struct backlog_packet *packet);
/* The packet's bytes stay until the next backlog_put. */
void backlog_take_first(struct backlog *backlog, struct backlog_order *order);
void backlog_drop_last(struct backlog *backlog, struct backlog_order *order);
void backlog_set_floor(const struct backlog *backlog, struct backlog_order *order, uint64_t floor);

#endif
