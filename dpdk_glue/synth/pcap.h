/* A synthetic market as a capture of its two lines: classic pcap with nanoseconds, Ethernet frames in the
 * order of their arrival. After a second (as configured) without data come heartbeats, and at the end of the
 * day the end of the session, three times. */
#ifndef APPLIANCE_SYNTH_PCAP_H
#define APPLIANCE_SYNTH_PCAP_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"

/* Midnight in New York of the day that the capture shows, 2019-12-30, in seconds since 1970. */
#define SYNTH_PCAP_MIDNIGHT_S ((uint64_t)1577682000)

struct synth_pcap;

/* NULL, and one line in `error`, when either configuration cannot be met. */
struct synth_pcap *synth_pcap_open(const struct synth_config *config, const struct synth_lines_config *lines,
                                   char *error);
void synth_pcap_close(struct synth_pcap *pcap);

/* Writes whole records (the file header first), as many as fit and as there are, and returns their bytes: 0
 * at the end, or when there is no room for the longest (API_SYNTH_ROOM is enough). */
uint64_t synth_pcap_fill(struct synth_pcap *pcap, uint8_t *buffer, uint64_t capacity);

void synth_pcap_counters(const struct synth_pcap *pcap, struct synth_counters *counters);

#endif
