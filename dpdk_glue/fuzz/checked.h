/* Books and streams that check themselves while a fuzzer feeds them.
 *
 * Every run of messages is copied to the heap with just the slack it is promised, so the address sanitizer
 * sees a read beyond it. Books are compared with what their own listings add up to, and runs must follow each
 * other by sequence. Whatever does not hold stops the program.
 */
#ifndef APPLIANCE_FUZZ_CHECKED_H
#define APPLIANCE_FUZZ_CHECKED_H

#include "book/book.h"
#include "wire/frame.h"
#include "wire/lines.h"
#include "wire/mold64.h"

#include <stddef.h>
#include <stdint.h>

enum { CHECKED_LOCATES = 4 };

/* Pools so small that a short input can exhaust them, and large enough to hold what a seed leaves. */
extern const struct book_limits checked_limits;
struct book_set *checked_books(void);
/* Feeds whole messages. A room above 0 feeds with events, as many at a time. */
void checked_feed(struct book_set *books, const uint8_t *run, size_t length, uint32_t room);
/* Every level is sorted, holds orders, and has the quantity of its queue; all orders are accounted for. */
void checked_verify(const struct book_set *books);

struct checked_stream {
    struct mold64 *mold;
    struct book_set *books;
    struct line_map lines;
    struct frame_counters frames;
    uint64_t following; /* sequence after the last run; 0 = none yet */
    uint64_t messages;
    uint64_t lost;
    uint64_t pushed;
};

void checked_open(struct checked_stream *stream);
void checked_frame(struct checked_stream *stream, const uint8_t *frame, uint32_t length);
void checked_payload(struct checked_stream *stream, const uint8_t *payload, uint32_t length, unsigned line);
/* Ends the input, verifies everything and gives the memory back. */
void checked_close(struct checked_stream *stream);

/* Bytes at the end of the heap's last word, with `slack` behind them. */
uint8_t *checked_copy(const uint8_t *bytes, size_t length, size_t slack);

/* libFuzzer calls it once, before the first input. */
int LLVMFuzzerInitialize(int *count, char ***words);

#define CHECK(condition) ((condition) ? (void)0 : checked_fail(#condition, __FILE__, __LINE__))
__attribute__((noreturn)) void checked_fail(const char *condition, const char *file, int line);

#endif
