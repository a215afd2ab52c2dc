/* Messages into MoldUDP64 packets: a burst becomes a packet, as long as it fits.
 *
 * A packet takes messages while they come within SYNTH_PACKET_WINDOW_NS of its first one, up to 30 of them
 * and 1,400 bytes of payload. The packer does no input or output and knows no clock but that of the messages,
 * so a live sender can use it as well as a capture. Framed messages are MoldUDP64 blocks as they stand.
 */
#ifndef APPLIANCE_SYNTH_PACKER_H
#define APPLIANCE_SYNTH_PACKER_H

#include <stdbool.h>
#include <stdint.h>

enum {
    SYNTH_MOLD_HEADER_BYTES = 20,
    SYNTH_PAYLOAD_BYTES = 1400,
    SYNTH_PACKET_MESSAGES = 30,
    SYNTH_PACKET_WINDOW_NS = 20000,
    SYNTH_MOLD_HEARTBEAT = 0,
    SYNTH_MOLD_END_OF_SESSION = 0xffff
};

struct synth_packer {
    char session[10];
    uint16_t count;
    uint32_t bytes;
    uint64_t sequence; /* of the first message of the open packet */
    uint64_t first_ns;
    uint64_t last_ns;
    uint8_t payload[SYNTH_PAYLOAD_BYTES];
};

void synth_packer_open(struct synth_packer *packer, const char session[10], uint64_t first_sequence);

/* Whether a framed message of `bytes` joins the open packet; if not, the packet is to be sealed first. */
bool synth_packer_takes(const struct synth_packer *packer, uint32_t bytes, uint64_t ns);
void synth_packer_add(struct synth_packer *packer, const uint8_t *framed, uint32_t bytes, uint64_t ns);

/* Completes packer->payload and returns its bytes; the next message opens the next packet. */
uint32_t synth_packer_seal(struct synth_packer *packer);

/* A packet without messages: a heartbeat, or the end of the session. Only between two packets. */
uint32_t synth_packer_signal(struct synth_packer *packer, uint16_t count);

#endif
