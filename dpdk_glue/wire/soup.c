#include "wire/soup.h"

#include "wire/bytes.h"

#include <stdio.h>
#include <string.h>

enum {
    DEBUG_TEXT = '+',
    LOGIN_ACCEPTED = 'A',
    LOGIN_REJECTED = 'J',
    SEQUENCED = 'S',
    UNSEQUENCED = 'U',
    SERVER_HEARTBEAT = 'H',
    END_OF_SESSION = 'Z',
    LOGIN_REQUEST = 'L',
    CLIENT_HEARTBEAT = 'R',
    LOGOUT_REQUEST = 'O',

    SESSION_BYTES = 10,
    NUMBER_BYTES = 20,
    USER_BYTES = 6,
    PASSWORD_BYTES = 10
};

void soup_open(struct soup *soup) {
    soup->state = SOUP_NEW;
    soup->start = soup->end = 0;
    soup->next_sequence = 0;
    soup->heartbeats = 0;
    soup->reason = 0;
    soup->broken = NULL;
    memset(soup->session, ' ', sizeof soup->session);
}

uint8_t *soup_room(struct soup *soup, uint32_t *bytes) {
    /* What is left of a packet moves to the front only when the longest might not fit behind it. */
    if (soup->start == soup->end || sizeof soup->buffer - soup->end < SOUP_LONGEST_PACKET) {
        memmove(soup->buffer, soup->buffer + soup->start, soup->end - soup->start);
        soup->end -= soup->start;
        soup->start = 0;
    }
    *bytes = sizeof soup->buffer - soup->end;
    return soup->buffer + soup->end;
}

void soup_arrived(struct soup *soup, uint32_t bytes) {
    soup->end += bytes;
    if (soup->state == SOUP_OVER)
        soup->start = soup->end;
}

static enum soup_event over(struct soup *soup, enum soup_event event) {
    soup->state = SOUP_OVER;
    soup->start = soup->end;
    return event;
}

static enum soup_event broken(struct soup *soup, const char *what) {
    soup->broken = what;
    return over(soup, SOUP_BROKEN);
}

static enum soup_event accept_login(struct soup *soup, const uint8_t *payload, uint32_t length) {
    if (soup->state != SOUP_NEW)
        return broken(soup, "a second login was accepted");
    if (length != SESSION_BYTES + NUMBER_BYTES)
        return broken(soup, "the accepted login is of a wrong length");
    if (!soup_number(payload + SESSION_BYTES, NUMBER_BYTES, &soup->next_sequence))
        return broken(soup, "the accepted login has no sequence number");
    memcpy(soup->session, payload, SESSION_BYTES);
    soup->state = SOUP_OPEN;
    return SOUP_ACCEPTED;
}

static enum soup_event refuse_login(struct soup *soup, const uint8_t *payload, uint32_t length) {
    if (soup->state != SOUP_NEW)
        return broken(soup, "a login was rejected that had been accepted");
    if (length != 1)
        return broken(soup, "the rejected login is of a wrong length");
    soup->reason = (char)payload[0];
    return over(soup, SOUP_REFUSED);
}

static enum soup_event sequenced(struct soup *soup, const uint8_t *payload, uint32_t length,
                                 struct soup_message *message) {
    if (soup->state != SOUP_OPEN)
        return broken(soup, "data came before the login was answered");
    soup->next_sequence++;
    *message = (struct soup_message){.data = payload, .length = length};
    return SOUP_MESSAGE;
}

/* SOUP_MORE: it is passed over. */
static enum soup_event look_at(struct soup *soup, uint8_t type, const uint8_t *payload, uint32_t length,
                               struct soup_message *message) {
    switch (type) {
    case SEQUENCED:
        return sequenced(soup, payload, length, message);
    case LOGIN_ACCEPTED:
        return accept_login(soup, payload, length);
    case LOGIN_REJECTED:
        return refuse_login(soup, payload, length);
    case DEBUG_TEXT:
        return SOUP_MORE;
    case SERVER_HEARTBEAT:
        soup->heartbeats++;
        return length ? broken(soup, "a heartbeat is of a wrong length") : SOUP_MORE;
    case UNSEQUENCED:
        return soup->state == SOUP_OPEN ? SOUP_MORE : broken(soup, "data came before the login was answered");
    case END_OF_SESSION:
        return length ? broken(soup, "an end of session is of a wrong length") : over(soup, SOUP_ENDED);
    default:
        return broken(soup, "a packet is of an unknown type");
    }
}

enum soup_event soup_next(struct soup *soup, struct soup_message *message) {
    while (soup->end - soup->start >= 2) {
        const uint8_t *packet = soup->buffer + soup->start;
        uint32_t length = bytes_be16(packet);
        if (!length)
            return broken(soup, "a packet has length 0");
        if (soup->end - soup->start < 2 + length)
            break;
        soup->start += 2 + length;
        enum soup_event event = look_at(soup, packet[2], packet + 3, length - 1, message);
        if (event != SOUP_MORE)
            return event;
    }
    return SOUP_MORE;
}

static uint8_t *put_left(uint8_t *at, const char *text, uint32_t bytes) {
    uint32_t length = (uint32_t)strnlen(text, bytes);
    memset(at, ' ', bytes);
    memcpy(at, text, length);
    return at + bytes;
}

static uint8_t *put_start(uint8_t *at, uint8_t type, uint16_t payload) {
    uint16_t length = payload + 1;
    *at++ = (uint8_t)(length >> 8);
    *at++ = (uint8_t)length;
    *at++ = type;
    return at;
}

void soup_login(uint8_t packet[SOUP_LOGIN_BYTES], const char user[6], const char password[10],
                uint64_t sequence) {
    static const char current[SESSION_BYTES] = {0};
    soup_login_again(packet, user, password, current, sequence);
}

void soup_login_again(uint8_t packet[SOUP_LOGIN_BYTES], const char user[6], const char password[10],
                      const char session[10], uint64_t sequence) {
    char number[NUMBER_BYTES + 1];
    uint8_t *at = put_start(packet, LOGIN_REQUEST, SOUP_LOGIN_BYTES - 3);
    at = put_left(at, user, USER_BYTES);
    at = put_left(at, password, PASSWORD_BYTES);
    at = put_left(at, session, SESSION_BYTES);
    snprintf(number, sizeof number, "%*llu", NUMBER_BYTES, (unsigned long long)sequence);
    memcpy(at, number, NUMBER_BYTES);
}

void soup_heartbeat(uint8_t packet[SOUP_HEARTBEAT_BYTES]) {
    put_start(packet, CLIENT_HEARTBEAT, 0);
}

void soup_logout(uint8_t packet[SOUP_LOGOUT_BYTES]) {
    put_start(packet, LOGOUT_REQUEST, 0);
}

bool soup_number(const uint8_t *text, uint32_t length, uint64_t *number) {
    const uint8_t *end = text + length;
    uint64_t value = 0;
    while (text < end && *text == ' ')
        text++;
    while (text < end && end[-1] == ' ')
        end--;
    if (text == end)
        return false;
    for (; text < end; text++)
        if (*text < '0' || *text > '9' || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, *text - '0', &value))
            return false;
    *number = value;
    return true;
}

bool glimpse_end(const uint8_t *message, uint32_t length, uint64_t *sequence) {
    return length == GLIMPSE_END_BYTES && soup_number(message + 1, length - 1, sequence) && *sequence;
}
