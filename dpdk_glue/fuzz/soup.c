/* Bytes of a SoupBinTCP server in any cut -> client -> messages, and ends of snapshots among them.
 *
 * The input is a byte that says how to cut, and what the server sends. Two clients read it, one in large
 * pieces and one in the cuts, and must say the same. Messages lie within what has arrived, one after the
 * other.
 */
#include "wire/soup.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

/* What a client has said so far, as one number. */
struct told {
    uint64_t digest;
    uint64_t messages;
    uint64_t ends;
};

static void require(bool holds) {
    if (!holds)
        abort();
}

static void fold(struct told *told, uint64_t value) {
    told->digest = (told->digest ^ value) * 0x100000001b3;
}

static void take_message(struct told *told, const struct soup_message *message) {
    /* On the heap without slack: whoever reads past the end is seen. */
    uint8_t *copy = malloc(message->length ? message->length : 1);
    uint64_t sequence;
    require(copy);
    memcpy(copy, message->data, message->length);
    fold(told, message->length);
    for (uint32_t at = 0; at < message->length; at++)
        fold(told, copy[at]);
    if (message->length && copy[0] == GLIMPSE_END_TYPE && glimpse_end(copy, message->length, &sequence)) {
        require(message->length == GLIMPSE_END_BYTES && sequence);
        fold(told, sequence);
        told->ends++;
    }
    told->messages++;
    free(copy);
}

static void take_events(struct soup *soup, struct told *told) {
    struct soup_message message;
    enum soup_event event;
    uint32_t from = soup->start;
    bool over = soup->state == SOUP_OVER;
    while ((event = soup_next(soup, &message)) != SOUP_MORE) {
        require(!over);
        over = soup->state == SOUP_OVER;
        require(over == (event == SOUP_REFUSED || event == SOUP_ENDED || event == SOUP_BROKEN));
        require((event == SOUP_BROKEN) == (soup->broken != NULL));
        fold(told, event);
        if (event == SOUP_MESSAGE) {
            uint32_t at = (uint32_t)(message.data - soup->buffer);
            require(at >= from + 3 && at + message.length <= soup->end && at + message.length == soup->start);
            from = soup->start;
            take_message(told, &message);
        }
    }
}

static void arrive(struct soup *soup, struct told *told, const uint8_t *data, size_t bytes, uint32_t piece) {
    while (bytes) {
        uint32_t room;
        uint8_t *to = soup_room(soup, &room);
        require(room >= SOUP_LONGEST_PACKET);
        uint32_t taken = piece < room ? piece : room;
        if (taken > bytes)
            taken = (uint32_t)bytes;
        memcpy(to, data, taken);
        soup_arrived(soup, taken);
        take_events(soup, told);
        data += taken;
        bytes -= taken;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size) {
    struct soup *clients[2] = {malloc(sizeof(struct soup)), malloc(sizeof(struct soup))};
    struct told told[2] = {{0}, {0}};
    if (size) {
        const uint32_t pieces[2] = {UINT32_MAX, 1 + (uint32_t)input[0] * input[0]};
        for (int i = 0; i < 2; i++) {
            require(clients[i]);
            soup_open(clients[i]);
            arrive(clients[i], &told[i], input + 1, size - 1, pieces[i]);
        }
        require(!memcmp(&told[0], &told[1], sizeof told[0]));
        require(clients[0]->state == clients[1]->state && clients[0]->broken == clients[1]->broken);
        require(clients[0]->next_sequence == clients[1]->next_sequence);
    }
    free(clients[0]);
    free(clients[1]);
    return 0;
}
