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
API_EXPORT int api_itch_field(uint32_t index, uint8_t *type, uint8_t *offset, uint8_t *length,
                              uint8_t *is_alpha, const char **name);
API_EXPORT int api_itch_length(uint8_t type);
/* Decodes one message and copies field `index` (host order; ASCII as it stands) into `value`. */
API_EXPORT int api_itch_value(const uint8_t *message, uint32_t length, uint32_t index, uint8_t *value);

/* book: the order books of a feed. `struct book_set` is opaque to Python. */
struct book_set;
API_EXPORT struct book_set *api_book_open(const struct book_limits *limits, char *error);
API_EXPORT void api_book_close(struct book_set *set);
/* Applies the whole messages of a run and returns the bytes taken; takes at most `room` messages, as each may
 * give an event. `events` may be NULL. */
API_EXPORT int64_t api_book_feed(struct book_set *set, const uint8_t *run, uint64_t bytes,
                                 struct book_event *events, uint32_t room, uint32_t *event_count);
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

/* port: feed files. Returns NULL with `error` written; `load` = all of it in memory first. */
struct port;
API_EXPORT struct port *api_port_open(const char *path, uint32_t load, char *error);
/* A number of frames, valid until the next call; -1 = no more; -2 = failed, and `error` is written. */
API_EXPORT int api_port_rx(struct port *port, struct port_frame *frames, uint32_t room, char *error);
API_EXPORT void api_port_progress(const struct port *port, uint64_t *done, uint64_t *total);
API_EXPORT void api_port_close(struct port *port);

/* wire: packets. Names are NULL behind the last verdict. */
API_EXPORT uint32_t api_frame_parse(const uint8_t *data, uint32_t length, struct frame_udp *udp,
                                    struct frame_counters *counters);
API_EXPORT const char *api_frame_verdict_name(uint32_t verdict);
/* 0 = line A, 1 = line B, -1 = neither. */
API_EXPORT int api_line_find(struct line_map *map, const struct frame_udp *udp);
struct mold64;
API_EXPORT struct mold64 *api_mold64_open(uint32_t window, uint32_t settle);
API_EXPORT void api_mold64_close(struct mold64 *mold);
/* The verdict, or -1 for a line that cannot be. The payload must stay in place until its runs are taken. */
API_EXPORT int api_mold64_push(struct mold64 *mold, const uint8_t *payload, uint32_t length, uint32_t line);
API_EXPORT int api_mold64_next(struct mold64 *mold, struct mold64_run *run);
API_EXPORT void api_mold64_finish(struct mold64 *mold);
API_EXPORT void api_mold64_counters(const struct mold64 *mold, struct mold64_counters *counters);
API_EXPORT const char *api_mold64_verdict_name(uint32_t verdict);

/* ring: records between a writer and a reader. NULL: of a size that cannot be, no room, nothing there. */
struct records;
API_EXPORT struct records *api_records_open(uint64_t bytes);
API_EXPORT void api_records_close(struct records *ring);
API_EXPORT uint8_t *api_records_reserve(struct records *ring, uint32_t bytes);
API_EXPORT void api_records_commit(struct records *ring);
API_EXPORT const uint8_t *api_records_peek(struct records *ring, uint32_t *bytes);
API_EXPORT void api_records_release(struct records *ring);

/* synth: a synthetic market, as framed messages or as a capture of two lines. Both handles are opaque to
 * Python. A fill writes whole messages (or pcap records), as many as fit, and returns their bytes: 0 at the
 * end. It needs room for at least API_SYNTH_ROOM bytes. */
#define API_SYNTH_ROOM 2048
struct synth;
struct synth_pcap;
API_EXPORT uint64_t api_synth_minimum(uint32_t symbols);
API_EXPORT struct synth *api_synth_open(const struct synth_config *config, char *error);
API_EXPORT uint64_t api_synth_fill(struct synth *synth, uint8_t *buffer, uint64_t capacity);
API_EXPORT void api_synth_counters(const struct synth *synth, struct synth_counters *counters);
API_EXPORT void api_synth_close(struct synth *synth);
API_EXPORT struct synth_pcap *api_synth_pcap_open(const struct synth_config *config,
                                                  const struct synth_lines_config *lines, char *error);
API_EXPORT uint64_t api_synth_pcap_fill(struct synth_pcap *pcap, uint8_t *buffer, uint64_t capacity);
API_EXPORT void api_synth_pcap_counters(const struct synth_pcap *pcap, struct synth_counters *counters);
API_EXPORT void api_synth_pcap_close(struct synth_pcap *pcap);

/* stage: a feed file through the books. The books of a feed may be another set after each advance. */
struct feed;
API_EXPORT struct feed *api_feed_open(const char *path, const struct book_limits *limits, char *error);
API_EXPORT void api_feed_close(struct feed *feed);
/* Applies messages up to sequence number `until`, about `budget` of them. How many; 0 = done, -1 = failed. */
API_EXPORT int64_t api_feed_advance(struct feed *feed, uint64_t until, uint64_t budget, char *error);
API_EXPORT struct book_set *api_feed_books(struct feed *feed);
API_EXPORT void api_feed_progress(const struct feed *feed, uint64_t *done, uint64_t *total);
/* 1 if packets were seen, 0 if the file holds bare messages. */
API_EXPORT int api_feed_packets(const struct feed *feed, struct frame_counters *frames,
                                struct line_map *lines, struct mold64_counters *mold);
API_EXPORT int api_feed_stale(const struct feed *feed);
struct trace;
/* `symbol` may be NULL. The feed must outlive the trace. */
API_EXPORT struct trace *api_trace_open(struct feed *feed, uint32_t depth, const char *symbol, char *error);
API_EXPORT void api_trace_close(struct trace *trace);
API_EXPORT uint64_t api_trace_row_bytes(const struct trace *trace);
/* Whole lines of text: their bytes, or -1. `room` is at least one row. */
API_EXPORT int64_t api_trace_fill(struct trace *trace, char *text, uint64_t room, uint64_t budget, int *ended,
                                  char *error);

/* stats: the time-stamp counter now, as the data planes of this machine stamp with it. */
API_EXPORT uint64_t api_clock_cycles(void);

/* bench */
struct bench_input;
API_EXPORT struct bench_input *api_bench_load(const char *path, char *error);
API_EXPORT void api_bench_unload(struct bench_input *input);
/* `pages` is what the input lies in, as api_pages_name takes it. */
API_EXPORT void api_bench_input(const struct bench_input *input, uint64_t *frames, uint64_t *bytes,
                                uint32_t *pages);
/* `block_ns` has room for one number a frame. */
API_EXPORT void api_bench_decode(const struct bench_input *input, struct bench_run *run, float *block_ns);
/* The books are the caller's, and empty: what they took can be measured while they are there. */
API_EXPORT void api_bench_book(const struct bench_input *input, struct book_set *books, struct bench_run *run,
                               float *block_ns);
API_EXPORT const char *api_pages_name(uint32_t pages);
API_EXPORT double api_clock_read_ns(void);

#endif
