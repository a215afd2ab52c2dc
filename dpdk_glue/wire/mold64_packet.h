/* One MoldUDP64 packet, checked against everything that can be known without knowing its stream. */
#ifndef APPLIANCE_WIRE_MOLD64_PACKET_H
#define APPLIANCE_WIRE_MOLD64_PACKET_H

#include "wire/backlog.h"

#include "abi.h"

/* MOLD64_DELIVERED stands for data. The session is the first bytes of the payload. */
enum mold64_verdict mold64_parse(const uint8_t *payload, uint32_t length, struct backlog_packet *packet);

#endif
