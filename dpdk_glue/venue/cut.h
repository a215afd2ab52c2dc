/* Which messages of the day make the next packet.
 *
 * A packet takes messages while they come within 20 us of its first one by their own times, up to as many as
 * configured and 1,400 bytes of payload. Nothing else decides, no clock and no fault, so a day is cut into
 * the same packets whenever it is sent. A packet is told by where it stands: the bytes stay in the day.
 */
#ifndef APPLIANCE_VENUE_CUT_H
#define APPLIANCE_VENUE_CUT_H

#include <stdbool.h>
#include <stdint.h>

struct venue_packet {
    uint64_t sequence; /* of the first message; of a signal: of the next one */
    uint64_t offset;   /* of the first message in the day */
    uint64_t last_ns;  /* the time of the last message; 0 = no message of the day so far had one */
    uint32_t bytes;    /* of all framed messages */
    uint16_t count;    /* as the header has it */
    uint16_t sum;      /* of the framed messages, as venue_sum has it */
};

struct venue_cut {
    const uint8_t *day;
    uint64_t at;
    uint64_t sequence;
    uint64_t ns;
    uint32_t most;
};

/* The ones' complement sum of 16-bit words in the machine's order, which is the one of the wire with its
 * bytes swapped: what is added in one order may be written in the other. */
uint16_t venue_sum(const uint8_t *data, uint32_t bytes);

static inline uint16_t venue_fold(uint64_t sum) {
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

void venue_cut_open(struct venue_cut *cut, const uint8_t *day, uint32_t most_messages);
/* The next packet of the day's first `bytes` bytes; false = there is none. */
bool venue_cut_next(struct venue_cut *cut, uint64_t bytes, struct venue_packet *packet);

#endif
