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
/* The port of a plan, which must outlive it: any kind but dpdk, which Python never loads. */
API_EXPORT struct port *api_port_open_planned(const struct plan *plan, uint32_t index, char *error);
/* How many frames were taken; -1 = this kind of port cannot send. */
API_EXPORT int api_port_tx(struct port *port, const struct port_frame *frames, uint32_t count);
API_EXPORT const char *api_port_note(const struct port *port);
API_EXPORT void api_port_counters(const struct port *port, struct port_counters *counters);
/* Of a port that api_port_open has opened. */
API_EXPORT void api_port_progress(const struct port *port, uint64_t *done, uint64_t *total);
API_EXPORT void api_port_close(struct port *port);

/* wire: packets. Names are NULL behind the last verdict. */
API_EXPORT uint32_t api_frame_parse(const uint8_t *data, uint32_t length, struct frame_udp *udp,
                                    struct frame_counters *counters);
API_EXPORT const char *api_frame_verdict_name(uint32_t verdict);
/* `what` is enum igmp_what; `frame` has room for 200 bytes. Returns the frame's length. */
API_EXPORT uint32_t api_igmp_report(uint32_t version, const uint8_t *mac, uint32_t ip, uint32_t what,
                                    const uint32_t *groups, uint32_t count, uint8_t *frame);
/* The version of the query that a frame is, or 0. */
API_EXPORT uint32_t api_igmp_query(const uint8_t *frame, uint32_t length, uint32_t *group);
/* 0 = line A, 1 = line B, -1 = neither. */
API_EXPORT int api_line_find(struct line_map *map, const struct frame_udp *udp);
struct mold64;
API_EXPORT struct mold64 *api_mold64_open(uint32_t window, uint32_t settle);
API_EXPORT struct mold64 *api_mold64_open_live(uint32_t window, uint32_t far_messages, uint32_t prefault);
API_EXPORT void api_mold64_close(struct mold64 *mold);
API_EXPORT uint64_t api_mold64_bytes(const struct mold64 *mold);
/* The verdict, or -1 for a line that cannot be. The payload must stay in place until its runs are taken. */
API_EXPORT int api_mold64_push(struct mold64 *mold, const uint8_t *payload, uint32_t length, uint32_t line);
API_EXPORT int api_mold64_next(struct mold64 *mold, struct mold64_run *run);
API_EXPORT void api_mold64_finish(struct mold64 *mold);
API_EXPORT uint32_t api_mold64_gaps(const struct mold64 *mold, struct mold64_gap *gaps, uint32_t room);
API_EXPORT void api_mold64_give_up(struct mold64 *mold);
API_EXPORT void api_mold64_hold_all(struct mold64 *mold);
/* 1 if it is joined; `session` (10 characters) may be NULL: ours. */
API_EXPORT int api_mold64_join(struct mold64 *mold, const char *session, uint64_t sequence);
API_EXPORT void api_mold64_release(struct mold64 *mold);
API_EXPORT void api_mold64_leave(struct mold64 *mold);
API_EXPORT void api_mold64_counters(const struct mold64 *mold, struct mold64_counters *counters);
API_EXPORT const char *api_mold64_verdict_name(uint32_t verdict);

/* wire: what is done about missing messages. The counters must outlive the machine. */
struct recovery;
API_EXPORT struct recovery *api_recovery_open(const struct recovery_limits *limits,
                                              struct recovery_counters *counters);
API_EXPORT void api_recovery_close(struct recovery *recovery);
API_EXPORT void api_recovery_see(struct recovery_sight *sight, const struct mold64 *mold);
API_EXPORT void api_recovery_look(struct recovery *recovery, const struct recovery_sight *sight,
                                  uint64_t now_cycles);
/* 1 and the next wish; 0 when there are no more. */
API_EXPORT int api_recovery_next(struct recovery *recovery, struct recovery_wish *wish);
API_EXPORT uint32_t api_recovery_state(const struct recovery *recovery);
API_EXPORT const char *api_recovery_state_name(uint32_t state);

/* ring: records between a writer and a reader. NULL: of a size that cannot be, no room, nothing there. */
struct records;
API_EXPORT struct records *api_records_open(uint64_t bytes);
API_EXPORT void api_records_close(struct records *ring);
API_EXPORT uint8_t *api_records_reserve(struct records *ring, uint32_t bytes);
API_EXPORT void api_records_commit(struct records *ring);
API_EXPORT const uint8_t *api_records_peek(struct records *ring, uint32_t *bytes);
API_EXPORT void api_records_release(struct records *ring);
API_EXPORT uint64_t api_records_bytes(uint64_t bytes);
API_EXPORT struct records *api_records_place(uint8_t *memory, uint64_t bytes, uint32_t slack);
API_EXPORT struct records *api_records_attach(uint8_t *memory, uint64_t bytes);
API_EXPORT const uint8_t *api_records_youngest(struct records *ring, uint32_t *bytes);
API_EXPORT uint64_t api_records_waiting(const struct records *ring);

/* ring: items of one size between a producer and a consumer, in the caller's memory (ring/spsc.h). */
struct spsc;
API_EXPORT uint64_t api_spsc_bytes(uint64_t items, uint32_t item_bytes);
API_EXPORT struct spsc *api_spsc_place(uint8_t *memory, uint64_t items, uint32_t item_bytes,
                                       uint64_t position);
API_EXPORT struct spsc *api_spsc_attach(uint8_t *memory, uint64_t bytes);
API_EXPORT uint8_t *api_spsc_reserve(struct spsc *ring, uint32_t want, uint32_t *count);
API_EXPORT void api_spsc_commit(struct spsc *ring, uint32_t count);
API_EXPORT const uint8_t *api_spsc_peek(struct spsc *ring, uint32_t want, uint32_t *count);
API_EXPORT void api_spsc_release(struct spsc *ring, uint32_t count);
API_EXPORT uint64_t api_spsc_waiting(const struct spsc *ring);
API_EXPORT uint32_t api_spsc_item_bytes(const struct spsc *ring);

/* journal: checksums; `plain` = without the processor's own instructions for it, `piece` by piece. */
API_EXPORT uint32_t api_crc32c(uint32_t before, const uint8_t *data, uint64_t bytes);
API_EXPORT void api_sha256(const uint8_t *data, uint64_t bytes, uint64_t piece, int plain, uint8_t *digest);
/* journal: the shared segment of taps, as journal/taps.h has it. `ring_bytes` has one number a stream. */
struct journal_tap;
API_EXPORT uint64_t api_journal_taps_bytes(const uint64_t *ring_bytes);
API_EXPORT struct journal_taps *api_journal_taps_place(uint8_t *memory, const uint64_t *ring_bytes);
API_EXPORT void api_journal_taps_publish(struct journal_taps *taps);
API_EXPORT struct journal_taps *api_journal_taps_attach(uint8_t *memory, uint64_t bytes, char *error);
API_EXPORT struct journal_tap *api_journal_tap_open(struct journal_taps *taps, uint32_t stream, char *error);
API_EXPORT void api_journal_tap_close(struct journal_tap *tap);
/* The record's number, or 0: there is no room now. */
API_EXPORT uint64_t api_journal_tap_append(struct journal_tap *tap, uint32_t kind, const uint8_t *payload,
                                           uint32_t bytes, uint64_t cycles);
/* journal: reading a segment, which begins at a multiple of 8; journal/scan.h says how. */
API_EXPORT void api_journal_scan(const uint8_t *data, uint64_t bytes, struct journal_scan *scan);
API_EXPORT uint32_t api_journal_offsets(const uint8_t *data, uint64_t end, uint64_t *at, uint64_t *offsets,
                                        uint32_t room);
/* 1: there is a whole record somewhere from `at` on. */
API_EXPORT int api_journal_finds_record(const uint8_t *data, uint64_t bytes, uint64_t at);
/* NULL behind the last one. */
API_EXPORT const char *api_journal_flaw_name(uint32_t flaw);

/* wire: the client's side of SoupBinTCP; wire/soup.h numbers the events. */
struct soup;
API_EXPORT struct soup *api_soup_open(void);
API_EXPORT void api_soup_close(struct soup *soup);
/* How many of the bytes there was room for. */
API_EXPORT uint32_t api_soup_arrived(struct soup *soup, const uint8_t *data, uint32_t length);
/* An event; a message is valid until more arrives. */
API_EXPORT int api_soup_next(struct soup *soup, const uint8_t **data, uint32_t *length);
/* `broken` may become NULL. */
API_EXPORT void api_soup_read(const struct soup *soup, char session[10], uint64_t *next_sequence,
                              char *reason, const char **broken);
API_EXPORT uint32_t api_soup_login(uint8_t packet[64], const char user[6], const char password[10],
                                   uint64_t sequence);
API_EXPORT uint32_t api_soup_heartbeat(uint8_t packet[64]);
API_EXPORT uint32_t api_soup_logout(uint8_t packet[64]);
/* The first live message behind a snapshot, or 0: its last message is malformed. */
API_EXPORT uint64_t api_glimpse_end(const uint8_t *message, uint32_t length);

/* stage: what fetches missing messages; stage/recoverer.h says what it promises and numbers the records. */
struct recoverer;
API_EXPORT struct recoverer *api_recoverer_open(const struct plan_recovery *plan, int32_t core,
                                                struct recoverer_counters *counters, char *error);
API_EXPORT void api_recoverer_close(struct recoverer *recoverer);
API_EXPORT int api_recoverer_ask(struct recoverer *recoverer, const uint8_t session[10], uint64_t first,
                                 uint32_t count);
API_EXPORT uint32_t api_recoverer_fetch(struct recoverer *recoverer);
/* The data of the oldest record, and what stands in front of it; NULL when there is none. */
API_EXPORT const uint8_t *api_recoverer_peek(struct recoverer *recoverer, uint32_t *kind, uint32_t *length,
                                             uint64_t *sequence, uint32_t *fetch);
API_EXPORT void api_recoverer_release(struct recoverer *recoverer);

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

/* risk: the gate; risk/risk.h says what it promises. `kill` may be NULL, and must outlive it. */
struct risk;
API_EXPORT struct risk *api_risk_open(uint32_t instruments, const uint32_t *kill);
API_EXPORT void api_risk_close(struct risk *risk);
/* -1: no such scope or instrument, or a symbol with a gross limit. */
API_EXPORT int api_risk_set_limits(struct risk *risk, uint32_t scope, uint32_t index,
                                   const struct risk_limits *limits);
API_EXPORT int api_risk_read_limits(const struct risk *risk, uint32_t scope, uint32_t index,
                                    struct risk_limits *limits);
API_EXPORT int api_risk_permit(struct risk *risk, uint32_t instrument, uint32_t permitted);
API_EXPORT void api_risk_set_state(struct risk *risk, uint32_t gate);
API_EXPORT uint32_t api_risk_check(struct risk *risk, const struct risk_ask *ask, struct risk_reject *reject);
/* Checks them all, and returns how many passed; their verdicts are all zero. */
API_EXPORT uint64_t api_risk_run(struct risk *risk, const struct risk_ask *asks, struct risk_reject *verdicts,
                                 uint64_t count);
API_EXPORT void api_risk_fill(struct risk *risk, uint32_t instrument, uint32_t side, uint32_t order_px,
                              uint32_t fill_px, uint32_t qty);
API_EXPORT void api_risk_release(struct risk *risk, uint32_t instrument, uint32_t side, uint32_t order_px,
                                 uint32_t qty);
API_EXPORT void api_risk_close_order(struct risk *risk, uint32_t instrument, uint32_t side);
API_EXPORT void api_risk_own_best(struct risk *risk, uint32_t instrument, uint32_t side, uint32_t px);
API_EXPORT void api_risk_cancelled_message(struct risk *risk, uint32_t instrument);
API_EXPORT void api_risk_restore_order(struct risk *risk, uint32_t instrument, uint32_t side, uint32_t px,
                                       uint32_t qty);
API_EXPORT void api_risk_restore_shares(struct risk *risk, uint32_t instrument, uint32_t side, uint32_t px,
                                        uint32_t qty);
API_EXPORT void api_risk_read(const struct risk *risk, uint32_t instrument, struct risk_state *state);
API_EXPORT void api_risk_read_totals(const struct risk *risk, struct risk_totals *totals);
/* NULL behind the last. */
API_EXPORT const char *api_risk_reason_name(uint32_t reason);
/* How many bytes of the gate a check may touch, and where the two parts of them begin. */
API_EXPORT uint32_t api_risk_check_bytes(const struct risk *risk, uint32_t instrument, uint64_t addresses[2]);

/* stats: the time-stamp counter now, as the data planes of this machine stamp with it. */
API_EXPORT uint64_t api_clock_cycles(void);
/* Cycles a nanosecond; measured at the first call. */
API_EXPORT double api_clock_rate(void);

/* strategy: one compiled strategy after another, called as the data plane calls it. */
struct slots;
API_EXPORT struct slots *api_strategy_open(uint32_t instruments, uint64_t budget_cycles);
API_EXPORT void api_strategy_close(struct slots *slots);
/* Loads a shared object and calls it from now on; `params` may be NULL. -1: `error` says why, and the one
 * before goes on. */
API_EXPORT int api_strategy_load(struct slots *slots, const char *path, const uint8_t *params,
                                 uint32_t params_bytes, char *error);
/* enum strategy_fault; the signals of a call that failed are none. -1: there is no strategy. */
API_EXPORT int api_strategy_call(struct slots *slots, uint32_t instrument, const struct book_view *view,
                                 struct signals *out);
/* What a shared object says of itself. The fields are those of its state (`which` 0) or parameters (1);
 * returns how many there are, and writes as many as fit. -1: it is no strategy. */
API_EXPORT int api_strategy_info(const char *path, struct strategy_info *info, char *error);
API_EXPORT int api_strategy_fields(const char *path, uint32_t which, struct strategy_field *fields,
                                   uint32_t room, char *error);

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
/* bench/gate.h numbers the mixes, and says what a block is; -1 without memory. */
API_EXPORT int api_bench_gate(uint32_t mix, uint32_t blocks, struct bench_run *run, float *block_ns);
API_EXPORT const char *api_pages_name(uint32_t pages);
API_EXPORT double api_clock_read_ns(void);
API_EXPORT double api_bench_measure_ns(void);
API_EXPORT double api_bench_stamp_ns(void);
/* bench/ring.h and bench/journal.h say what these return. */
API_EXPORT double api_bench_ring(uint32_t what, uint64_t count, int32_t core, int32_t other_core);
API_EXPORT int api_bench_journal_hot(struct journal_tap *tap, const struct journal_taps *taps,
                                     uint32_t payload_bytes, uint32_t bursts, uint32_t burst_records,
                                     float *record_ns);
API_EXPORT double api_bench_journal_rate(struct journal_tap *tap, const struct journal_taps *taps,
                                         uint32_t payload_bytes, uint64_t records);
/* From tick to order. The input outlives it. NULL with one line in `error`. */
struct bench_tick;
API_EXPORT struct bench_tick *api_bench_tick_open(const struct bench_input *input,
                                                  const struct bench_tick_plan *plan, char *error);
API_EXPORT void api_bench_tick_close(struct bench_tick *bench);
/* Takes up to `packets` more; `ns` gets the nanoseconds of each one that led to an order, and has room for
 * all. Returns how many packets there were. */
API_EXPORT uint64_t api_bench_tick_run(struct bench_tick *bench, uint64_t packets, float *ns);
API_EXPORT void api_bench_tick_read(const struct bench_tick *bench, struct bench_tick_run *run);
/* Orders a second through risk, the order pool and the encoder alone. 0: not all of them passed. */
API_EXPORT double api_bench_tick_gate(struct bench_tick *bench);

/* venue: what the servers of the simulated exchange need of its day. A day is framed messages in memory that
 * the caller owns, with 64 readable bytes behind them; it must outlive all that looks at it. */
struct venue_day;
API_EXPORT struct venue_day *api_venue_day_open(const uint8_t *framed, uint64_t bytes, char *error);
API_EXPORT void api_venue_day_close(struct venue_day *day);
API_EXPORT uint64_t api_venue_day_messages(const struct venue_day *day);
/* Of the first so many messages. */
API_EXPORT uint64_t api_venue_day_bytes(const struct venue_day *day, uint64_t messages);
/* Writes the MoldUDP64 packet that answers a request: up to `count` messages from `first` on, none behind
 * `last`, at most `room` bytes. 0 = there is nothing to answer. */
API_EXPORT uint32_t api_venue_reply(const struct venue_day *day, const char *session, uint64_t first,
                                    uint32_t count, uint64_t last, uint8_t *packet, uint32_t room);
/* The name of a session after so many others, 10 bytes; -1 when the digits at its end do not reach. */
API_EXPORT int api_venue_session(const char *first, uint32_t sessions_before, char *name);
struct venue_books;
API_EXPORT struct venue_books *api_venue_books_open(const struct venue_day *day,
                                                    const struct book_limits *limits, char *error);
API_EXPORT void api_venue_books_close(struct venue_books *books);
/* Applies about `budget` messages, up to number `until` of a session; earlier ones are finished first. How
 * many; 0 = there already. */
API_EXPORT int64_t api_venue_books_advance(struct venue_books *books, uint32_t session, uint64_t until,
                                           uint64_t budget);
API_EXPORT uint32_t api_venue_books_session(const struct venue_books *books);
API_EXPORT struct book_set *api_venue_books_set(struct venue_books *books);
/* A GLIMPSE snapshot of the books as they are, as SoupBinTCP packets of sequenced data. Its bytes, -1 without
 * memory. Called with no room for them, it writes nothing. */
API_EXPORT int64_t api_venue_snapshot(const struct venue_books *books, uint8_t *packets, uint64_t room);

/* venue: the market of its order side; venue/match.h and venue/market.h say what it does. The script is a day
 * as above; the live day has `live_room` writable bytes. All of them must outlive the market. Every call may
 * come from any thread. Without a start nothing moves but by `step`. */
struct venue_market;
API_EXPORT struct venue_market *api_venue_market_open(const struct market_config *config,
                                                      const uint8_t *script, uint64_t script_bytes,
                                                      uint8_t *live, uint64_t live_room, char *error);
API_EXPORT void api_venue_market_close(struct venue_market *market);
/* `bell` is an eventfd that rings when there are events, or -1. */
API_EXPORT int api_venue_market_start(struct venue_market *market, struct venue_segment *segment,
                                      const struct venue_plan *pace, int32_t bell, char *error);
/* Ends what start began: the segment is left alone from then on. */
API_EXPORT void api_venue_market_stop(struct venue_market *market);
API_EXPORT const struct venue_day *api_venue_market_day(const struct venue_market *market);
/* ABI_MAX_LOCATES names of 8 bytes, of those that the script has; the others begin with 0. */
API_EXPORT const char *api_venue_market_symbols(const struct venue_market *market);
API_EXPORT struct book_set *api_venue_market_books(struct venue_market *market);
API_EXPORT void api_venue_market_status(struct venue_market *market, struct market_status *status);
API_EXPORT uint64_t api_venue_match_step(struct venue_market *market, uint64_t count);
/* The market closes now, and nothing more comes of its script. */
API_EXPORT void api_venue_match_end(struct venue_market *market);
/* 0, or the number of the reason why not. */
API_EXPORT int api_venue_match_enter(struct venue_market *market, const struct market_entry *entry);
API_EXPORT int api_venue_match_replace(struct venue_market *market, uint64_t reference,
                                       const struct market_entry *entry);
/* Down to `keep` shares; reason 0: told as a reduction. 1 = done. */
API_EXPORT int api_venue_match_cancel(struct venue_market *market, uint64_t reference, uint32_t keep,
                                      uint8_t reason);
API_EXPORT int api_venue_match_hold(struct venue_market *market, const struct market_entry *entry);
API_EXPORT uint32_t api_venue_match_events(struct venue_market *market, struct market_event *events,
                                           uint32_t room);

/* A part of its own, behind what it needs. */
#include "api/gateway.h"

#endif
