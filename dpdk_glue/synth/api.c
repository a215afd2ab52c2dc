/* The synthetic market as Python calls it. */
#include "api.h"

#include "synth/day.h"
#include "synth/lines.h"
#include "synth/pcap.h"
#include "synth/synth.h"

_Static_assert(API_SYNTH_ROOM >= 24 + 16 + SYNTH_FRAME_MAX, "a file header and the longest record");

uint64_t api_synth_minimum(uint32_t symbols) {
    return synth_minimum_messages(symbols);
}

struct synth *api_synth_open(const struct synth_config *config, char *error) {
    return synth_open(config, error);
}

uint64_t api_synth_fill(struct synth *synth, uint8_t *buffer, uint64_t capacity) {
    return synth_fill(synth, buffer, capacity);
}

void api_synth_counters(const struct synth *synth, struct synth_counters *counters) {
    synth_counters(synth, counters);
}

void api_synth_close(struct synth *synth) {
    synth_close(synth);
}

struct synth_pcap *api_synth_pcap_open(const struct synth_config *config,
                                       const struct synth_lines_config *lines, char *error) {
    return synth_pcap_open(config, lines, error);
}

uint64_t api_synth_pcap_fill(struct synth_pcap *pcap, uint8_t *buffer, uint64_t capacity) {
    return synth_pcap_fill(pcap, buffer, capacity);
}

void api_synth_pcap_counters(const struct synth_pcap *pcap, struct synth_counters *counters) {
    synth_pcap_counters(pcap, counters);
}

void api_synth_pcap_close(struct synth_pcap *pcap) {
    synth_pcap_close(pcap);
}
