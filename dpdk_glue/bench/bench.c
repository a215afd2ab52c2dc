#include "bench/bench.h"

#include "book/book.h"
#include "port/file.h"
#include "stats/clock.h"
#include "wire/itch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bench_input *bench_load(const char *path, char *error) {
    enum { BURST = 256 };
    struct bench_input *input = calloc(1, sizeof *input);
    if (!input || !(input->port = port_file_open(path, PORT_LOAD, error))) {
        free(input);
        return NULL;
    }
    int count;
    do {
        struct port_frame *grown = realloc(input->frames, (input->frame_count + BURST) * sizeof *grown);
        if (!grown) {
            snprintf(error, PORT_ERROR_BYTES, "%s: no memory for its frames", path);
            bench_unload(input);
            return NULL;
        }
        input->frames = grown;
        count = input->port->driver->rx_burst(input->port, grown + input->frame_count, BURST);
        for (int i = 0; i < count; i++)
            input->bytes += grown[input->frame_count++].length;
    } while (count >= 0);
    if (count == PORT_END && input->frame_count && input->frames[0].kind == PORT_ITCH)
        return input;
    if (count == PORT_FAILED)
        memcpy(error, input->port->error, sizeof input->port->error);
    else
        snprintf(error, PORT_ERROR_BYTES, "%s: the benchmarks read framed ITCH files; this is something else",
                 path);
    bench_unload(input);
    return NULL;
}

void bench_unload(struct bench_input *input) {
    if (input->port)
        input->port->driver->close(input->port);
    free(input->frames);
    free(input);
}

/* Decodes a frame and adds up every lane of every message, that is, every field. */
static uint64_t decode_frame(const struct port_frame *frame, __m128i *checksum) {
    struct itch_message decoded[4]; /* a short ring: what is stored is not loaded at once */
    const uint8_t *at = frame->data;
    const uint8_t *end = at + frame->length;
    uint64_t messages = 0;
    while (at < end) {
        unsigned length = (unsigned)at[0] << 8 | at[1];
        const uint8_t *message = at + 2;
        at = message + length;
        messages++;
        if (!length || !itch_length_is_right(message[0], length))
            continue;
        struct itch_message *slot = &decoded[messages & 3];
        itch_decode(message, slot);
        const __m128i *lanes = (const __m128i *)slot;
        __m128i sum = _mm_add_epi64(_mm_add_epi64(lanes[0], lanes[1]), _mm_add_epi64(lanes[2], lanes[3]));
        *checksum = _mm_add_epi64(*checksum, sum);
    }
    return messages;
}

void bench_decode(const struct bench_input *input, struct bench_run *run, float *block_ns) {
    double cycles_per_ns = clock_cycles_per_ns();
    __m128i checksum = _mm_setzero_si128();
    memset(run, 0, sizeof *run);
    uint64_t start = clock_cycles_fenced();
    uint64_t before = start;
    for (uint64_t i = 0; i < input->frame_count; i++) {
        uint64_t messages = decode_frame(&input->frames[i], &checksum);
        uint64_t now = clock_cycles();
        block_ns[i] = (float)((double)(now - before) / cycles_per_ns / (double)messages);
        before = now;
        run->messages += messages;
    }
    run->ns = (double)(clock_cycles_fenced() - start) / cycles_per_ns;
    run->digest = (uint64_t)_mm_extract_epi64(checksum, 0) ^ (uint64_t)_mm_extract_epi64(checksum, 1);
}

void bench_book(const struct bench_input *input, struct book_set *books, struct bench_run *run,
                float *block_ns) {
    double cycles_per_ns = clock_cycles_per_ns();
    memset(run, 0, sizeof *run);
    uint64_t start = clock_cycles_fenced();
    uint64_t before = start;
    for (uint64_t i = 0; i < input->frame_count; i++) {
        uint64_t sequence = books->sequence;
        book_feed(books, input->frames[i].data, input->frames[i].length, NULL, 0, NULL);
        uint64_t now = clock_cycles();
        block_ns[i] = (float)((double)(now - before) / cycles_per_ns / (double)(books->sequence - sequence));
        before = now;
    }
    run->ns = (double)(clock_cycles_fenced() - start) / cycles_per_ns;
    run->messages = books->counters.messages;
    run->digest = books->counters.digest;
    run->pages[0] = (uint16_t)books->orders.memory.pages;
    run->pages[1] = (uint16_t)books->sides.memory.pages;
    run->pages[2] = (uint16_t)books->memory.pages;
    run->book_bytes = books->orders.memory.bytes + books->sides.memory.bytes + books->memory.bytes;
    run->refused = books->counters.no_order + books->counters.no_order_page + books->counters.no_level;
}
