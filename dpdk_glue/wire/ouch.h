/* OUCH 5.0: orders to bytes, and the venue's messages to executions.
 *
 * What is known at start is written once, into a template a message: for Enter Order one an instrument, with
 * symbol and options in place. To encode is to copy it and to patch what differs. Both ways of sending come
 * of the same bytes: a SoupBinTCP packet (length, 'U', message), or the bare message as one UDP payload.
 *
 * ClOrdID is the order's number as 14 hexadecimal digits, so that an order which comes back after a crash
 * says which one it was. The firm, if there is one, is named where the protocol has a place for it: in the
 * appendage of Enter Order (a replacement keeps what the order has), and in the body of Mass Cancel.
 *
 * A message is decoded by its table of lengths and offsets. It is refused, with nothing decoded, if it is
 * shorter than its type, if anything stands behind its end, or if the elements of its appendage do not add
 * up; elements are passed over, known or not. Types of which some venues send an appendage and some do not
 * are taken either way; so is AIQ Canceled without its last byte, and Trade Correction, which later venues
 * lack.
 */
#ifndef APPLIANCE_WIRE_OUCH_H
#define APPLIANCE_WIRE_OUCH_H

#include "abi.h"

#include <stdbool.h>

enum {
    OUCH_PACKET_ROOM = 64, /* that each encoding may write; the packet is what it returns */
    OUCH_SOUP_BYTES = 3,   /* of a packet, before the message */
    OUCH_QUERY_BYTES = 4,
    OUCH_NUMBER_DIGITS = 14
};

struct ouch_template {
    uint8_t packet[OUCH_PACKET_ROOM];
} __attribute__((aligned(64)));

struct ouch_templates {
    struct ouch_template replace;
    struct ouch_template cancel;
    struct ouch_template mass_cancel;
    uint32_t enter_bytes; /* of its packet */
    uint32_t instruments;
    struct ouch_template *enter; /* one an instrument */
};

/* Symbols are 8 bytes, padded with spaces. 0, or -1 without memory. */
int ouch_templates_open(struct ouch_templates *templates, const struct ouch_options *options,
                        const char (*symbols)[8], uint32_t instruments);
void ouch_templates_close(struct ouch_templates *templates);

/* Writes the SoupBinTCP packet of an order whose instrument is one of the templates'. Returns its bytes; 0 =
 * it has no such action. `to` has OUCH_PACKET_ROOM bytes. */
uint32_t ouch_encode(const struct ouch_templates *templates, const struct order *order, uint8_t *to);
/* The same as the payload of a datagram. */
uint32_t ouch_datagram(const struct ouch_templates *templates, const struct order *order, uint8_t *to);
/* An Account Query, as a SoupBinTCP packet. */
void ouch_account_query(uint8_t packet[OUCH_QUERY_BYTES]);

/* Decodes all but `sequence`, `connection` and `rx_cycles`, which are not in the message: they become 0. */
enum ouch_verdict ouch_decode(const uint8_t *message, uint32_t length, struct execution *execution);
const char *ouch_verdict_name(enum ouch_verdict verdict);

/* The number that a ClOrdID stands for; 0 = none of ours. */
uint64_t ouch_number(const uint8_t text[OUCH_NUMBER_DIGITS]);

#endif
