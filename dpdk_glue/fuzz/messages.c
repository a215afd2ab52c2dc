/* Bytes as framed messages -> books, all at once and a few at a time: both must come to the same. */
#include "fuzz/checked.h"
#include "wire/bytes.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

static size_t whole_messages(const uint8_t *input, size_t size) {
    size_t end = 0;
    while (size - end >= 2 && size - end - 2 >= bytes_be16(input + end))
        end += 2 + (size_t)bytes_be16(input + end);
    return end;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size) {
    if (size == 0)
        return 0;
    uint32_t room = 1 + input[0] % 40;
    size_t length = whole_messages(input + 1, size - 1);
    struct book_set *at_once = checked_books();
    struct book_set *in_pieces = checked_books();
    checked_feed(at_once, input + 1, length, 0);
    checked_feed(in_pieces, input + 1, length, room);
    checked_verify(at_once);

    struct book_counters all;
    struct book_counters pieces;
    book_read_counters(at_once, &all);
    book_read_counters(in_pieces, &pieces);
    CHECK(memcmp(&all, &pieces, sizeof all) == 0);
    CHECK(book_depth_digest(at_once) == book_depth_digest(in_pieces));
    for (uint16_t locate = 0; locate <= CHECKED_LOCATES; locate++) {
        struct book_view views[2];
        memset(views, 0, sizeof views);
        book_view_fill(at_once, locate, &views[0]);
        book_view_fill(in_pieces, locate, &views[1]);
        CHECK(memcmp(&views[0], &views[1], sizeof views[0]) == 0);
    }
    book_close(at_once);
    book_close(in_pieces);
    return 0;
}
