#include "venue/books.h"

#include "wire/bytes.h"

#include <stdlib.h>
#include <string.h>

enum {
    LOCATE_OFFSET = 1,
    REFERENCE_OFFSET = 11,
    NEW_REFERENCE_OFFSET = 19,
    PARTICIPANT_OFFSET = 36,
    EVENTS_ROOM = 16,
    ATTRIBUTIONS_ROOM = 1024,
    TAIL_BYTES = 2 * BOOK_RUN_SLACK /* more than a message and what is read behind it */
};

struct venue_books *venue_books_open(const struct venue_day *day, const struct book_limits *limits) {
    struct venue_books *books = calloc(1, sizeof *books);
    if (!books)
        return NULL;
    books->day = day;
    books->set = book_open(limits);
    bool ready = books->set != NULL;
    for (int kind = 0; kind < VENUE_TOLD; kind++) {
        books->told[kind] = calloc(ABI_MAX_LOCATES, sizeof *books->told[kind]);
        ready = ready && books->told[kind];
    }
    if (ready)
        return books;
    venue_books_close(books);
    return NULL;
}

void venue_books_close(struct venue_books *books) {
    if (!books)
        return;
    book_close(books->set);
    for (int kind = 0; kind < VENUE_TOLD; kind++)
        free(books->told[kind]);
    free(books->events);
    free(books->attributions.places);
    free(books);
}

static uint64_t home_of(const struct venue_attributions *all, uint64_t reference) {
    return (reference * UINT64_C(0x9e3779b97f4a7c15)) >> 16 & all->mask;
}

static struct venue_attribution *find_place(const struct venue_attributions *all, uint64_t reference) {
    uint64_t at = home_of(all, reference);
    while (all->places[at].reference && all->places[at].reference != reference)
        at = (at + 1) & all->mask;
    return &all->places[at];
}

static bool grow(struct venue_attributions *all) {
    uint64_t room = all->places ? 2 * (all->mask + 1) : ATTRIBUTIONS_ROOM;
    struct venue_attributions grown = {.places = calloc(room, sizeof *grown.places), .mask = room - 1};
    if (!grown.places)
        return false;
    for (uint64_t at = 0; all->places && at <= all->mask; at++)
        if (all->places[at].reference)
            *find_place(&grown, all->places[at].reference) = all->places[at];
    free(all->places);
    grown.count = all->count;
    *all = grown;
    return true;
}

static void attribute(struct venue_books *books, uint64_t reference, const char *participant) {
    struct venue_attributions *all = &books->attributions;
    if (!reference)
        return;
    if ((!all->places || 2 * all->count > all->mask) && !grow(all)) {
        books->out_of_memory = true;
        return;
    }
    struct venue_attribution *place = find_place(all, reference);
    all->count += !place->reference;
    place->reference = reference;
    memcpy(place->participant, participant, sizeof place->participant);
}

const char *venue_books_participant(const struct venue_books *books, uint64_t reference) {
    const struct venue_attributions *all = &books->attributions;
    if (!all->places || !reference)
        return NULL;
    const struct venue_attribution *place = find_place(all, reference);
    return place->reference ? place->participant : NULL;
}

static void note_event(struct venue_books *books, uint64_t at) {
    if (books->event_count == books->event_room) {
        uint32_t room = books->event_room ? 2 * books->event_room : EVENTS_ROOM;
        uint64_t *events = realloc(books->events, room * sizeof *events);
        if (!events) {
            books->out_of_memory = true;
            return;
        }
        books->events = events;
        books->event_room = room;
    }
    books->events[books->event_count++] = at;
}

static void note_replace(struct venue_books *books, const uint8_t *message) {
    char participant[4];
    const char *found = venue_books_participant(books, bytes_be64(message + REFERENCE_OFFSET));
    if (!found)
        return;
    memcpy(participant, found, sizeof participant); /* the place may move */
    attribute(books, bytes_be64(message + NEW_REFERENCE_OFFSET), participant);
}

static void note(struct venue_books *books, uint64_t at, const uint8_t *message) {
    static const struct {
        uint8_t type;
        uint8_t kind;
    } kinds[] = {{'R', VENUE_DIRECTORY},
                 {'H', VENUE_ACTION},
                 {'Y', VENUE_SHORT_SALE},
                 {'h', VENUE_HALT},
                 {'N', VENUE_RETAIL}};
    switch (message[0]) {
    case 'F':
        attribute(books, bytes_be64(message + REFERENCE_OFFSET), (const char *)message + PARTICIPANT_OFFSET);
        return;
    case 'U':
        note_replace(books, message);
        return;
    case 'S':
        note_event(books, at);
        return;
    default:
        for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++)
            if (kinds[i].type == message[0])
                books->told[kinds[i].kind][bytes_be16(message + LOCATE_OFFSET)] = at + 1;
    }
}

/* Everything but what adds or changes orders without a name, which is nearly all. */
static bool is_noted(uint8_t type) {
    return type == 'F' || type == 'U' || !book_type_has_order(type);
}

/* Returns where the messages begin of which the decoder would read behind the run. */
static uint64_t note_run(struct venue_books *books, uint64_t from, uint64_t until) {
    const uint8_t *framed = books->day->framed;
    uint64_t tail = until;
    while (from < until) {
        if (tail == until && until - from <= TAIL_BYTES)
            tail = from;
        const uint8_t *message = framed + from + 2;
        uint32_t bytes = venue_framed_bytes(framed + from);
        if (bytes > 2 && is_noted(message[0]) && itch_length_is_right(message[0], bytes - 2))
            note(books, from, message);
        from += bytes;
    }
    return tail;
}

/* Behind the run of a live day somebody may be writing: its last messages are read elsewhere. */
static void feed_run(struct venue_books *books, uint64_t from, uint64_t until) {
    const uint8_t *framed = books->day->framed;
    uint8_t last[TAIL_BYTES + BOOK_RUN_SLACK] = {0};
    uint64_t tail = note_run(books, from, until);
    memcpy(last, framed + tail, until - tail);
    book_feed(books->set, framed + from, tail - from, NULL, 0, NULL);
    book_feed(books->set, last, until - tail, NULL, 0, NULL);
}

static void start_session(struct venue_books *books) {
    book_clear(books->set);
    books->set->sequence = 1;
    books->session++;
    books->at = 0;
    books->event_count = 0;
    for (int kind = 0; kind < VENUE_TOLD; kind++)
        memset(books->told[kind], 0, ABI_MAX_LOCATES * sizeof *books->told[kind]);
    if (books->attributions.places)
        memset(books->attributions.places, 0,
               (books->attributions.mask + 1) * sizeof *books->attributions.places);
    books->attributions.count = 0;
}

int64_t venue_books_advance(struct venue_books *books, uint32_t session, uint64_t until, uint64_t budget) {
    uint64_t messages = venue_day_messages(books->day);
    if (session < books->session)
        return 0;
    if (session > books->session && books->set->sequence > messages)
        start_session(books);
    if (session > books->session || until > messages)
        until = messages;
    uint64_t next = books->set->sequence;
    if (until < next)
        return 0;
    uint64_t count = until - next + 1 < budget ? until - next + 1 : budget;
    uint64_t end = venue_day_bytes(books->day, next - 1 + count);
    feed_run(books, books->at, end);
    books->at = end;
    return (int64_t)count;
}
