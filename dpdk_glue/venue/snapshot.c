#include "venue/books.h"

#include "synth/writer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SOUP_HEADER_BYTES = 3,
    ADD_BYTES = 36,
    ADD_ATTRIBUTED_BYTES = 40,
    END_BYTES = 21,
    END_NUMBER_BYTES = 20
};

struct writing {
    const struct venue_books *books;
    const uint64_t *references; /* by distance from the first order */
    uint8_t *at;
};

static uint8_t *begin(struct writing *writing, uint32_t bytes) {
    uint8_t *message = writing->at + SOUP_HEADER_BYTES;
    synth_put16(writing->at, (uint16_t)(1 + bytes));
    writing->at[2] = 'S';
    writing->at = message + bytes;
    return message;
}

static void copy_message(struct writing *writing, uint64_t offset) {
    const uint8_t *framed = writing->books->day->framed + offset;
    uint32_t bytes = venue_framed_bytes(framed) - 2;
    memcpy(begin(writing, bytes), framed + 2, bytes);
}

static void write_told(struct writing *writing) {
    const struct venue_books *books = writing->books;
    for (uint32_t i = 0; i < books->event_count; i++)
        copy_message(writing, books->events[i]);
    for (int kind = 0; kind < VENUE_TOLD; kind++)
        for (uint32_t locate = 0; locate < ABI_MAX_LOCATES; locate++)
            if (books->told[kind][locate])
                copy_message(writing, books->told[kind][locate] - 1);
}

static void write_order(struct writing *writing, const struct level *level, const struct resting *order,
                        uint64_t reference) {
    const struct book_set *set = writing->books->set;
    const char *participant = venue_books_participant(writing->books, reference);
    uint8_t *message = begin(writing, participant ? ADD_ATTRIBUTED_BYTES : ADD_BYTES);
    message[0] = participant ? 'F' : 'A';
    synth_put16(message + 1, level->locate);
    synth_put16(message + 3, 0);
    synth_put16(message + 5, (uint16_t)(set->venue_ns >> 32));
    synth_put32(message + 7, (uint32_t)set->venue_ns);
    synth_put64(message + 11, reference);
    message[19] = level->side == SIDE_BID ? 'B' : 'S';
    synth_put32(message + 20, order->qty);
    memcpy(message + 24, set->infos[level->locate].symbol, 8);
    synth_put32(message + 32, level->px);
    if (participant)
        memcpy(message + ADD_BYTES, participant, 4);
}

static void write_level(struct writing *writing, uint32_t level_node) {
    const struct orders *orders = &writing->books->set->orders;
    const struct level *level = orders_level(orders, level_node);
    uint32_t node = level->next;
    for (uint32_t n = 0; n < level->orders; n++) {
        const struct resting *order = orders_node(orders, node);
        write_order(writing, level, order, writing->references[node - orders_first(orders)]);
        node = order->next;
    }
}

static void write_orders(struct writing *writing) {
    const struct book_set *set = writing->books->set;
    for (uint32_t locate = 1; locate <= set->locates_used; locate++)
        for (unsigned side_index = SIDE_BID; side_index <= SIDE_ASK; side_index++) {
            const struct side *side = &set->books[locate].side[side_index];
            for (uint32_t i = side->count; i-- > 0;)
                write_level(writing, (uint32_t)side->levels[i]);
        }
}

static void write_end(struct writing *writing) {
    char number[END_NUMBER_BYTES + 1];
    snprintf(number, sizeof number, "%20" PRIu64, writing->books->set->sequence);
    uint8_t *message = begin(writing, END_BYTES);
    message[0] = 'G';
    memcpy(message + 1, number, END_NUMBER_BYTES);
}

static uint64_t most_bytes(const struct venue_books *books) {
    const struct orders *orders = &books->set->orders;
    uint64_t messages = books->event_count;
    for (int kind = 0; kind < VENUE_TOLD; kind++)
        for (uint32_t locate = 0; locate < ABI_MAX_LOCATES; locate++)
            messages += books->told[kind][locate] != 0;
    uint64_t live = orders->orders_used - orders->free_order_count;
    return messages * (SOUP_HEADER_BYTES + ITCH_LONGEST) + live * (SOUP_HEADER_BYTES + ADD_ATTRIBUTED_BYTES) +
           SOUP_HEADER_BYTES + END_BYTES;
}

int64_t venue_snapshot(const struct venue_books *books, uint8_t *packets, uint64_t room) {
    uint64_t most = most_bytes(books);
    if (books->out_of_memory)
        return -1;
    if (room < most)
        return (int64_t)most;
    uint64_t *references = orders_references(&books->set->orders);
    if (!references)
        return -1;
    struct writing writing = {.books = books, .references = references, .at = packets};
    write_told(&writing);
    write_orders(&writing);
    write_end(&writing);
    free(references);
    return writing.at - packets;
}
