/* A UDP datagram to a multicast group as an Ethernet frame, with both checksums. */
#ifndef APPLIANCE_SYNTH_DATAGRAM_H
#define APPLIANCE_SYNTH_DATAGRAM_H

#include <stdint.h>

enum {
    SYNTH_ETHERNET_BYTES = 14,
    SYNTH_IP_BYTES = 20,
    SYNTH_UDP_BYTES = 8,
    SYNTH_HEADERS_BYTES = SYNTH_ETHERNET_BYTES + SYNTH_IP_BYTES + SYNTH_UDP_BYTES
};

/* Addresses have their first number in the highest byte. */
struct synth_path {
    uint32_t source;
    uint32_t group;
    uint16_t source_port;
    uint16_t port;
    uint16_t identification; /* of the next datagram */
    uint16_t reserved;
};

/* Writes the frame and returns its bytes: `bytes` and SYNTH_HEADERS_BYTES. */
uint32_t synth_datagram_write(uint8_t *frame, struct synth_path *path, const uint8_t *payload,
                              uint32_t bytes);

#endif
