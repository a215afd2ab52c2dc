/* The day of the simulated exchange: framed messages in memory, found by their sequence number.
 *
 * Opening it walks all messages once, refuses what no packet could carry, and notes where every 64th begins.
 * The bytes are the caller's and stay where they are. A live day is noted in the same way while it grows.
 */
#ifndef APPLIANCE_VENUE_DAY_H
#define APPLIANCE_VENUE_DAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    VENUE_MOLD_HEADER_BYTES = 20,
    VENUE_SESSION_BYTES = 10,
    VENUE_PAYLOAD_BYTES = 1400 /* of a packet, its header included */
};

struct venue_day {
    const uint8_t *framed;
    uint64_t bytes;
    uint64_t messages;
    uint64_t *starts; /* of messages 0, 64, 128, ... */
    uint64_t room;
};

/* NULL with one line in `error` (API_ERROR_BYTES). */
struct venue_day *venue_day_open(const uint8_t *framed, uint64_t bytes, char *error);
void venue_day_close(struct venue_day *day);

/* A day that is still being written, of at most so many messages: empty. One thread extends it while others
 * look at what is there. NULL without memory. */
struct venue_day *venue_day_open_live(const uint8_t *framed, uint64_t most_messages);
/* Whole messages now reach to `bytes`. */
void venue_day_extend(struct venue_day *day, uint64_t bytes);

/* Bytes of the first `messages` messages. */
uint64_t venue_day_bytes(const struct venue_day *day, uint64_t messages);

/* See api_venue_reply. */
uint32_t venue_reply(const struct venue_day *day, const char *session, uint64_t first, uint32_t count,
                     uint64_t last, uint8_t *packet, uint32_t room);

/* Counts the digits at the end of a session's name up; false when they do not reach. */
bool venue_session_name(const char *first, uint32_t sessions_before, char *name);

static inline uint64_t venue_day_messages(const struct venue_day *day) {
    return __atomic_load_n(&day->messages, __ATOMIC_ACQUIRE);
}

static inline uint32_t venue_framed_bytes(const uint8_t *framed) {
    return 2 + ((uint32_t)framed[0] << 8 | framed[1]);
}

#endif
