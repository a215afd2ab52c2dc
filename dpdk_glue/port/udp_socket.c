#include "port/udp_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    /* Many bursts of a sender that runs flat out, before the interface takes them. */
    SEND_BUFFER_BYTES = 4 << 20,
    NAME_BYTES = 64
};

/* Where a socket joins or sends: by index, by address, or wherever the routes say. */
struct place {
    struct ip_mreqn request;
    char name[NAME_BYTES];
};

__attribute__((format(printf, 2, 3))) static int refuse(struct port *port, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(port->error, sizeof port->error, format, arguments);
    va_end(arguments);
    return -1;
}

/* Once for all sockets of a port: they are all alike. */
__attribute__((format(printf, 2, 3))) static void note(struct port *port, const char *format, ...) {
    char text[PORT_ERROR_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (strstr(port->note, text))
        return;
    size_t used = strlen(port->note);
    snprintf(port->note + used, sizeof port->note - used, "%s%s", used ? "; " : "", text);
}

struct sockaddr_in udp_socket_address(const struct plan_line *line) {
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(line->udp_port), .sin_addr.s_addr = htonl(line->group)};
}

static const char *text_of(const struct sockaddr_in *address, char text[NAME_BYTES]) {
    char ip[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &address->sin_addr, ip, sizeof ip);
    snprintf(text, NAME_BYTES, "%s:%u", ip, ntohs(address->sin_port));
    return text;
}

/* `where` is the name of an interface or an address of one; `interface_ip` is used when it is empty. */
static int find_place(struct port *port, const struct plan_port *plan, struct place *place) {
    *place = (struct place){0};
    struct in_addr *address = &place->request.imr_address;
    if (!plan->where[0]) {
        address->s_addr = htonl(plan->interface_ip);
        if (plan->interface_ip)
            inet_ntop(AF_INET, address, place->name, sizeof place->name);
        else
            snprintf(place->name, sizeof place->name, "the interface that the routes name");
        return 0;
    }
    snprintf(place->name, sizeof place->name, "%.*s", NAME_BYTES - 1, plan->where);
    if (inet_pton(AF_INET, plan->where, address) == 1)
        return 0;
    place->request.imr_ifindex = (int)if_nametoindex(plan->where);
    if (!place->request.imr_ifindex)
        return refuse(port, "udp port: no interface is called %s; `ip -br link` lists those there are",
                      place->name);
    return 0;
}

static int open_socket(struct port *port) {
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return refuse(port, "udp port: no socket: %s", strerror(errno));
    return descriptor;
}

static bool set(int descriptor, int level, int option, int value) {
    return setsockopt(descriptor, level, option, &value, sizeof value) == 0;
}

/* The kernel reports twice the bytes it was asked for: half is its own bookkeeping. */
static void set_buffer(struct port *port, int descriptor, int option, int force, uint32_t bytes) {
    int given = 0;
    socklen_t length = sizeof given;
    if (bytes > INT32_MAX / 2)
        bytes = INT32_MAX / 2;
    if (!set(descriptor, SOL_SOCKET, force, (int)bytes))
        set(descriptor, SOL_SOCKET, option, (int)bytes);
    getsockopt(descriptor, SOL_SOCKET, option, &given, &length);
    if (option == SO_RCVBUF && (uint32_t)given / 2 < bytes)
        note(port, "the receive buffer is %d bytes, not %u: raise net.core.rmem_max or run as root",
             given / 2, bytes);
}

static void set_options(struct port *port, const struct plan_port *plan, int descriptor) {
    set(descriptor, SOL_SOCKET, SO_TIMESTAMPNS, 1);
    set(descriptor, SOL_SOCKET, SO_RXQ_OVFL, 1);
    if (plan->receive_buffer_bytes)
        set_buffer(port, descriptor, SO_RCVBUF, SO_RCVBUFFORCE, plan->receive_buffer_bytes);
    if (plan->busy_poll_us && !set(descriptor, SOL_SOCKET, SO_BUSY_POLL, (int)plan->busy_poll_us))
        note(port, "no busy polling: %s", errno == EPERM ? "only root may ask for it" : strerror(errno));
}

static int join(struct port *port, int descriptor, const struct sockaddr_in *address,
                const struct place *place) {
    struct ip_mreqn request = place->request;
    request.imr_multiaddr = address->sin_addr;
    /* Without this a datagram of the group comes in from whatever interface another program has joined on. */
    set(descriptor, IPPROTO_IP, IP_MULTICAST_ALL, 0);
    if (setsockopt(descriptor, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request) == 0)
        return 0;
    char text[NAME_BYTES];
    const char *advice = errno == ENODEV    ? "no interface has that address, or there is no route"
                         : errno == ENOBUFS ? "raise net.ipv4.igmp_max_memberships"
                                            : strerror(errno);
    return refuse(port, "udp port: cannot join %s on %s: %s", text_of(address, text), place->name, advice);
}

static int bind_and_join(struct port *port, const struct plan_port *plan, const struct plan_line *line,
                         int descriptor) {
    struct sockaddr_in address = udp_socket_address(line);
    bool is_group = IN_MULTICAST(line->group);
    struct place place;
    char text[NAME_BYTES];
    if (find_place(port, plan, &place) < 0)
        return -1;
    set_options(port, plan, descriptor);
    if (is_group) /* every socket gets a copy; of a plain address only one would */
        set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1);
    if (bind(descriptor, (const struct sockaddr *)&address, sizeof address) < 0)
        return refuse(port, "udp port: cannot receive on %s: %s", text_of(&address, text),
                      errno == EADDRINUSE      ? "another program does, and not as a sharer"
                      : errno == EADDRNOTAVAIL ? "it is neither a multicast group nor an address of this host"
                                               : strerror(errno));
    return is_group ? join(port, descriptor, &address, &place) : 0;
}

int udp_socket_receiving(struct port *port, const struct plan_port *plan, const struct plan_line *line) {
    int descriptor = open_socket(port);
    if (descriptor < 0)
        return -1;
    if (bind_and_join(port, plan, line, descriptor) == 0)
        return descriptor;
    close(descriptor);
    return -1;
}

int udp_socket_sending(struct port *port, const struct plan_port *plan) {
    struct place place;
    int descriptor = find_place(port, plan, &place) < 0 ? -1 : open_socket(port);
    if (descriptor < 0)
        return -1;
    if (setsockopt(descriptor, IPPROTO_IP, IP_MULTICAST_IF, &place.request, sizeof place.request) == 0) {
        /* A feed stays in its own segment, and receivers on this very host hear it. */
        set(descriptor, IPPROTO_IP, IP_MULTICAST_TTL, 1);
        set(descriptor, IPPROTO_IP, IP_MULTICAST_LOOP, 1);
        set_buffer(port, descriptor, SO_SNDBUF, SO_SNDBUFFORCE, SEND_BUFFER_BYTES);
        return descriptor;
    }
    refuse(port, "udp port: cannot send from %s: %s", place.name,
           errno == EADDRNOTAVAIL ? "no interface has that address" : strerror(errno));
    close(descriptor);
    return -1;
}
