/* The functions that Python calls in libappliance.so, read by cffi like abi.h. One section per room.
 *
 * Conventions: a call that can fail returns a negative value or NULL and writes one line to `error`
 * (API_ERROR_BYTES long): what happened, where, what to do.
 */
#ifndef APPLIANCE_API_H
#define APPLIANCE_API_H

#include "abi.h"

#define API_EXPORT      __attribute__((visibility("default")))
#define API_ERROR_BYTES 512

/* wire: the ITCH table and decoder, field by field. */
API_EXPORT uint32_t api_itch_field_count(void);
API_EXPORT int api_itch_field(uint32_t index, uint8_t *type, uint8_t *offset, uint8_t *length, uint8_t *is_alpha,
                              const char **name);
API_EXPORT int api_itch_length(uint8_t type);
/* Decodes one message and copies field `index` (host order; ASCII as it stands) into `value`. */
API_EXPORT int api_itch_value(const uint8_t *message, uint32_t length, uint32_t index, uint8_t *value);

/* book: the order books of a feed. `struct book_set` is opaque to Python. */
struct book_set;
API_EXPORT struct book_set *api_book_open(const struct book_limits *limits, char *error);
API_EXPORT void api_book_close(struct book_set *set);
/* Applies the whole messages of a run and returns the bytes taken; stops early when `room` events are written.
 * `events` may be NULL. */
API_EXPORT int64_t api_book_feed(struct book_set *set, const uint8_t *run, uint64_t bytes, struct book_event *events,
                                 uint32_t room, uint32_t *event_count);
/* Sets and reads the sequence number of the next message. */
API_EXPORT void api_book_sequence(struct book_set *set, uint64_t sequence);
API_EXPORT uint64_t api_book_next_sequence(const struct book_set *set);
API_EXPORT void api_book_counters(const struct book_set *set, struct book_counters *counters);
API_EXPORT void api_book_view(const struct book_set *set, uint16_t locate, struct book_view *view);
/* Both return how many there are, and write as many as fit. */
API_EXPORT uint32_t api_book_levels(const struct book_set *set, uint16_t locate, uint32_t side,
                                    struct level_view *levels, uint32_t room);
API_EXPORT uint32_t api_book_queue(const struct book_set *set, uint16_t locate, uint32_t side,
                                   struct queued_order *queue, uint32_t room);
API_EXPORT uint64_t api_book_depth_digest(const struct book_set *set);
/* The locate of a symbol, or -1. */
API_EXPORT int32_t api_book_locate(const struct book_set *set, const char *symbol);

#endif
