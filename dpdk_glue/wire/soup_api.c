#include "api.h"
#include "wire/soup.h"

#include <stdlib.h>
#include <string.h>

struct soup *api_soup_open(void) {
    struct soup *soup = malloc(sizeof *soup);
    if (soup)
        soup_open(soup);
    return soup;
}

void api_soup_close(struct soup *soup) {
    free(soup);
}

uint32_t api_soup_arrived(struct soup *soup, const uint8_t *data, uint32_t length) {
    uint32_t room;
    uint8_t *to = soup_room(soup, &room);
    if (length > room)
        length = room;
    memcpy(to, data, length);
    soup_arrived(soup, length);
    return length;
}

int api_soup_next(struct soup *soup, const uint8_t **data, uint32_t *length) {
    struct soup_message message = {0};
    enum soup_event event = soup_next(soup, &message);
    *data = message.data;
    *length = message.length;
    return event;
}

void api_soup_read(const struct soup *soup, char session[10], uint64_t *next_sequence, char *reason,
                   const char **broken) {
    memcpy(session, soup->session, sizeof soup->session);
    *next_sequence = soup->next_sequence;
    *reason = soup->reason;
    *broken = soup->broken;
}

uint32_t api_soup_login(uint8_t packet[64], const char user[6], const char password[10], uint64_t sequence) {
    soup_login(packet, user, password, sequence);
    return SOUP_LOGIN_BYTES;
}

uint32_t api_soup_heartbeat(uint8_t packet[64]) {
    soup_heartbeat(packet);
    return SOUP_HEARTBEAT_BYTES;
}

uint32_t api_soup_logout(uint8_t packet[64]) {
    soup_logout(packet);
    return SOUP_LOGOUT_BYTES;
}

uint64_t api_glimpse_end(const uint8_t *message, uint32_t length) {
    uint64_t sequence;
    return length && message[0] == GLIMPSE_END_TYPE && glimpse_end(message, length, &sequence) ? sequence : 0;
}
