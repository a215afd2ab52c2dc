/* SoupBinTCP 3.00, the client's side, and the end of a GLIMPSE snapshot: bytes in, events out.
 *
 * No socket and no clock. Whoever owns those sends what soup_login and its like write, and hands over what
 * arrives, cut in any way:
 *
 *     room = soup_room(soup, &bytes);  soup_arrived(soup, read(socket, room, bytes));
 *     while ((event = soup_next(soup, &message)) != SOUP_MORE)
 *         ...
 *
 *     state    packet                           what happens
 *     new      A login accepted                 -> open; SOUP_ACCEPTED
 *     new      J login rejected                 -> over; SOUP_REFUSED
 *     open     S sequenced data                 SOUP_MESSAGE
 *     any      + debug, H heartbeat             passed over
 *     open     U unsequenced data               passed over
 *     any      Z end of session                 -> over; SOUP_ENDED
 *     any      another, or of a wrong length    -> over; SOUP_BROKEN
 *     over     any                              not looked at; SOUP_MORE
 *
 * Numbers are ASCII with spaces on either side, as liberally as real servers write them.
 */
#ifndef APPLIANCE_WIRE_SOUP_H
#define APPLIANCE_WIRE_SOUP_H

#include <stdbool.h>
#include <stdint.h>

enum {
    SOUP_LONGEST_PACKET = 2 + UINT16_MAX, /* the length counts what follows it */
    SOUP_BUFFER_BYTES = 2 * SOUP_LONGEST_PACKET,
    SOUP_LOGIN_BYTES = 49,
    SOUP_HEARTBEAT_BYTES = 3,
    SOUP_LOGOUT_BYTES = 3
};

enum soup_event {
    SOUP_MORE = 0,     /* no whole packet is left */
    SOUP_ACCEPTED = 1, /* `session` and `next_sequence` are the server's */
    SOUP_REFUSED = 2,  /* `reason` says why */
    SOUP_MESSAGE = 3,  /* number `next_sequence - 1` */
    SOUP_ENDED = 4,
    SOUP_BROKEN = 5 /* against the protocol: `broken` says what */
};

enum soup_state { SOUP_NEW = 0, SOUP_OPEN = 1, SOUP_OVER = 2 };

/* The bytes of a message stand in the buffer, and are valid until the next soup_room. */
struct soup_message {
    const uint8_t *data;
    uint32_t length;
};

struct soup {
    enum soup_state state;
    uint32_t start; /* of what has arrived and is not taken */
    uint32_t end;
    char reason; /* 'A': not authorised, 'S': no such session */
    char session[10];
    uint64_t next_sequence;
    const char *broken;
    uint64_t heartbeats; /* of the server, that were passed over */
    uint8_t buffer[SOUP_BUFFER_BYTES];
};

void soup_open(struct soup *soup);
/* Where to put what arrives next: at least SOUP_LONGEST_PACKET bytes when soup_next has said SOUP_MORE. */
uint8_t *soup_room(struct soup *soup, uint32_t *bytes);
void soup_arrived(struct soup *soup, uint32_t bytes);
enum soup_event soup_next(struct soup *soup, struct soup_message *message);

/* Asks for the current session from message `sequence` on. User and password are as long as their fields,
 * padded with spaces or zeros. */
void soup_login(uint8_t packet[SOUP_LOGIN_BYTES], const char user[6], const char password[10],
                uint64_t sequence);
/* Asks for a session by its name, as a server told it. */
void soup_login_again(uint8_t packet[SOUP_LOGIN_BYTES], const char user[6], const char password[10],
                      const char session[10], uint64_t sequence);
void soup_heartbeat(uint8_t packet[SOUP_HEARTBEAT_BYTES]);
void soup_logout(uint8_t packet[SOUP_LOGOUT_BYTES]);

/* True if all of the text is a number between spaces. */
bool soup_number(const uint8_t *text, uint32_t length, uint64_t *number);

enum { GLIMPSE_END_TYPE = 'G', GLIMPSE_END_BYTES = 21 };
/* Of a message of type GLIMPSE_END_TYPE: the sequence number of the first live message to apply behind the
 * snapshot. False if it is malformed; live messages are numbered from 1. */
bool glimpse_end(const uint8_t *message, uint32_t length, uint64_t *sequence);

#endif
