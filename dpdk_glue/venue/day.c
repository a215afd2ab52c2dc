#include "venue/day.h"

#include "api.h"
#include "synth/writer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEP = 64, FIRST_ROOM = 4096 };

static bool note_start(struct venue_day *day, uint64_t at) {
    uint64_t index = day->messages / STEP;
    if (index == day->room) {
        uint64_t room = day->room ? 2 * day->room : FIRST_ROOM;
        uint64_t *starts = realloc(day->starts, room * sizeof *starts);
        if (!starts)
            return false;
        day->starts = starts;
        day->room = room;
    }
    day->starts[index] = at;
    return true;
}

static bool find_messages(struct venue_day *day, char *error) {
    uint64_t at = 0;
    while (at < day->bytes) {
        uint32_t bytes = day->bytes - at < 2 ? 2 : venue_framed_bytes(day->framed + at);
        if (bytes > day->bytes - at) {
            snprintf(error, API_ERROR_BYTES,
                     "message %" PRIu64 " at byte %" PRIu64 " ends behind the day's end", day->messages + 1,
                     at);
            return false;
        }
        if (bytes > VENUE_PAYLOAD_BYTES - VENUE_MOLD_HEADER_BYTES) {
            snprintf(error, API_ERROR_BYTES,
                     "message %" PRIu64 " at byte %" PRIu64 " has %u bytes: a packet takes at most %d",
                     day->messages + 1, at, bytes - 2, VENUE_PAYLOAD_BYTES - VENUE_MOLD_HEADER_BYTES - 2);
            return false;
        }
        if (day->messages % STEP == 0 && !note_start(day, at)) {
            snprintf(error, API_ERROR_BYTES, "no memory to index %" PRIu64 " messages", day->messages);
            return false;
        }
        day->messages++;
        at += bytes;
    }
    return true;
}

struct venue_day *venue_day_open(const uint8_t *framed, uint64_t bytes, char *error) {
    struct venue_day *day = calloc(1, sizeof *day);
    if (!day) {
        snprintf(error, API_ERROR_BYTES, "no memory for a day");
        return NULL;
    }
    day->framed = framed;
    day->bytes = bytes;
    if (find_messages(day, error))
        return day;
    venue_day_close(day);
    return NULL;
}

struct venue_day *venue_day_open_live(const uint8_t *framed, uint64_t most_messages) {
    struct venue_day *day = calloc(1, sizeof *day);
    uint64_t room = most_messages / STEP + 2;
    if (!day || !(day->starts = calloc(room, sizeof *day->starts))) {
        free(day);
        return NULL;
    }
    day->framed = framed;
    day->room = room;
    return day;
}

void venue_day_extend(struct venue_day *day, uint64_t bytes) {
    uint64_t messages = day->messages;
    while (day->bytes < bytes) {
        if (messages % STEP == 0)
            day->starts[messages / STEP] = day->bytes;
        messages++;
        day->bytes += venue_framed_bytes(day->framed + day->bytes);
    }
    __atomic_store_n(&day->messages, messages, __ATOMIC_RELEASE);
}

void venue_day_close(struct venue_day *day) {
    if (day)
        free(day->starts);
    free(day);
}

uint64_t venue_day_bytes(const struct venue_day *day, uint64_t messages) {
    uint64_t most = venue_day_messages(day);
    if (messages > most)
        messages = most;
    if (!messages)
        return 0;
    uint64_t before =
        messages - 1; /* there is a message behind so many: where a live day ends is in motion */
    uint64_t at = day->starts[before / STEP];
    for (uint64_t left = before % STEP + 1; left; left--)
        at += venue_framed_bytes(day->framed + at);
    return at;
}

uint32_t venue_reply(const struct venue_day *day, const char *session, uint64_t first, uint32_t count,
                     uint64_t last, uint8_t *packet, uint32_t room) {
    if (last > venue_day_messages(day))
        last = venue_day_messages(day);
    if (!first || first > last || room < VENUE_MOLD_HEADER_BYTES)
        return 0;
    uint64_t wanted = last - first + 1 < count ? last - first + 1 : count;
    const uint8_t *from = day->framed + venue_day_bytes(day, first - 1);
    uint32_t bytes = 0;
    uint16_t taken = 0;
    while (taken < wanted && taken < UINT16_MAX - 1) {
        uint32_t next = venue_framed_bytes(from + bytes);
        if (VENUE_MOLD_HEADER_BYTES + bytes + next > room)
            break;
        bytes += next;
        taken++;
    }
    if (!taken)
        return 0;
    memcpy(packet, session, VENUE_SESSION_BYTES);
    synth_put64(packet + VENUE_SESSION_BYTES, first);
    synth_put16(packet + VENUE_SESSION_BYTES + 8, taken);
    memcpy(packet + VENUE_MOLD_HEADER_BYTES, from, bytes);
    return VENUE_MOLD_HEADER_BYTES + bytes;
}

bool venue_session_name(const char *first, uint32_t sessions_before, char *name) {
    memcpy(name, first, VENUE_SESSION_BYTES);
    int end = VENUE_SESSION_BYTES;
    while (end > 0 && name[end - 1] == ' ')
        end--;
    uint32_t carry = sessions_before;
    for (int at = end - 1; carry && at >= 0 && name[at] >= '0' && name[at] <= '9'; at--) {
        carry += (uint32_t)(name[at] - '0');
        name[at] = (char)('0' + carry % 10);
        carry /= 10;
    }
    return carry == 0;
}
