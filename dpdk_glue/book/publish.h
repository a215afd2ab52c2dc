/* Views of chosen books in shared memory: the top ten levels of each, under a seqlock.
 *
 * The writer makes `version` odd, writes, and makes it even again. A reader copies the view and keeps the
 * copy if the version was even and the same before and after. Only views whose book has changed since the
 * last call are written; a new session blanks them all. The view of a symbol that the feed has not named is
 * blank, and as stale as all books are: it may be the message with its name that is missing. Before the first
 * call every view is stale.
 */
#ifndef APPLIANCE_BOOK_PUBLISH_H
#define APPLIANCE_BOOK_PUBLISH_H

#include "book/book.h"

struct publisher {
    struct book_view *views; /* one for each symbol, in the order they were asked for */
    uint32_t count;
    uint32_t found;           /* symbols that the feed has named so far */
    uint64_t symbols_known;   /* when last looked for the rest */
    uint64_t session;         /* of the books: another one begins with nothing found */
    uint16_t blank_flags;     /* in the views of symbols not found */
    uint16_t *slots;          /* view of a locate, + 1 */
    const char (*symbols)[8]; /* padded with spaces */
};

/* `views` and `symbols` belong to the caller. Returns 0, or -1 without memory. */
int publisher_open(struct publisher *publisher, struct book_view *views, const char (*symbols)[8],
                   uint32_t count);
void publisher_close(struct publisher *publisher);
/* Writes what has changed in these books since the last call. */
void publisher_write(struct publisher *publisher, struct book_set *books);
/* The same, and looks for symbols that the feed has named since: that takes a while. */
void publisher_step(struct publisher *publisher, struct book_set *books);

#endif
