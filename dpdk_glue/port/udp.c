#include "port/udp.h"

#include "port/udp_socket.h"
#include "wire/bytes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    BATCH = 32,
    LINES_MAX = sizeof((struct plan){0}.line) / sizeof(struct plan_line),
    LONGEST = 65507,
    /* Room for the longest datagram and the slack behind it. Of most buffers only the first pages are ever
     * touched. The odd kilobytes keep the heads of the buffers apart: at a distance of 64 KiB they would all
     * compete for the same few places in the first-level cache. */
    BUFFER_BYTES = (64 << 10) + (3 << 9),
    TOUCHED_BYTES = 4 << 10,
    /* Two control messages: a timespec, and the kernel's count of drops. */
    CONTROL_BYTES = CMSG_SPACE(sizeof(struct timespec)) + CMSG_SPACE(sizeof(uint32_t)),
    HEADERS_BYTES = 14 + 20 + 8,
    UDP_LENGTH_AT = 14 + 20 + 4,
    UDP_HEADER_BYTES = 8
};

_Static_assert((int)BUFFER_BYTES >= (int)LONGEST + (int)PORT_SLACK, "a datagram is followed by slack");

struct line {
    int descriptor;
    uint16_t number; /* of the plan */
    uint32_t dropped;
};

struct udp {
    struct port port; /* first: the port is the sockets */
    struct line lines[LINES_MAX];
    unsigned line_count;
    unsigned turn; /* the line that the next burst looks at first */
    int sender;
    uint8_t *buffers;
    struct sockaddr_in address[LINES_MAX]; /* by line of the plan, to send to */
    struct mmsghdr messages[BATCH];
    struct iovec parts[BATCH];
    char control[BATCH][CONTROL_BYTES] __attribute__((aligned(sizeof(size_t))));
};

static void take_control(struct udp *udp, struct line *line, struct msghdr *header,
                         struct port_frame *frame) {
    for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part; part = CMSG_NXTHDR(header, part)) {
        if (part->cmsg_level != SOL_SOCKET)
            continue;
        if (part->cmsg_type == SCM_TIMESTAMPNS) {
            struct timespec time;
            memcpy(&time, CMSG_DATA(part), sizeof time);
            frame->time_ns = (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
        } else if (part->cmsg_type == SO_RXQ_OVFL) { /* since the socket was made, modulo 2^32 */
            uint32_t dropped;
            memcpy(&dropped, CMSG_DATA(part), sizeof dropped);
            udp->port.counters.dropped += dropped - line->dropped;
            line->dropped = dropped;
        }
    }
}

static unsigned take(struct udp *udp, struct line *line, struct port_frame *frames, unsigned count) {
    struct port_counters *counters = &udp->port.counters;
    unsigned kept = 0;
    for (unsigned i = 0; i < count; i++) {
        struct msghdr *header = &udp->messages[i].msg_hdr;
        struct port_frame *frame = &frames[kept];
        *frame = (struct port_frame){.data = udp->parts[i].iov_base,
                                     .length = udp->messages[i].msg_len,
                                     .line = line->number,
                                     .kind = PORT_DATAGRAM};
        take_control(udp, line, header, frame);
        header->msg_controllen = CONTROL_BYTES; /* the kernel has written what it used of it */
        if (header->msg_flags & MSG_TRUNC) {
            counters->truncated++;
            continue;
        }
        counters->bytes += frame->length;
        kept++;
    }
    counters->frames += kept;
    counters->bursts += kept != 0;
    return kept;
}

static int rx_burst(struct port *port, struct port_frame *frames, unsigned room) {
    struct udp *udp = (struct udp *)port;
    if (room > BATCH)
        room = BATCH;
    for (unsigned looked = 0; looked < udp->line_count; looked++) {
        struct line *line = &udp->lines[udp->turn];
        udp->turn = udp->turn + 1 == udp->line_count ? 0 : udp->turn + 1;
        int count = recvmmsg(line->descriptor, udp->messages, room, MSG_DONTWAIT, NULL);
        if (count > 0)
            return (int)take(udp, line, frames, (unsigned)count);
        if (count < 0 && errno != EAGAIN && errno != EINTR)
            port->counters.errors++;
    }
    return 0;
}

static int tx_burst(struct port *port, const struct port_frame *frames, unsigned count) {
    struct udp *udp = (struct udp *)port;
    unsigned batch = count < BATCH ? count : BATCH;
    for (unsigned i = 0; i < batch; i++) {
        const uint8_t *data = frames[i].data;
        udp->parts[i] = (struct iovec){.iov_base = (uint8_t *)data + HEADERS_BYTES,
                                       .iov_len = bytes_be16(data + UDP_LENGTH_AT) - UDP_HEADER_BYTES};
        udp->messages[i].msg_hdr.msg_name = &udp->address[frames[i].line];
    }
    int sent = batch ? sendmmsg(udp->sender, udp->messages, batch, MSG_DONTWAIT) : 0;
    unsigned taken = sent > 0 ? (unsigned)sent : 0;
    port->counters.sent += taken;
    if (sent < 0 && errno != EAGAIN && errno != ENOBUFS && errno != EINTR) {
        port->counters.errors++; /* the first one will never go: the others shall */
        port->counters.unsent++;
        return 1;
    }
    port->counters.unsent += count - taken;
    return (int)taken;
}

static void close_sockets(struct port *port) {
    struct udp *udp = (struct udp *)port;
    for (unsigned i = 0; i < udp->line_count; i++)
        close(udp->lines[i].descriptor);
    if (udp->sender >= 0)
        close(udp->sender);
    if (udp->buffers)
        munmap(udp->buffers, (size_t)BATCH * BUFFER_BYTES);
    free(udp);
}

static int open_receivers(struct udp *udp, const struct plan *plan, unsigned index) {
    for (unsigned i = 0; i < plan->lines; i++) {
        if (plan->line[i].port != index)
            continue;
        int descriptor = udp_socket_receiving(&udp->port, &plan->port[index], &plan->line[i]);
        if (descriptor < 0)
            return -1;
        udp->lines[udp->line_count++] = (struct line){.descriptor = descriptor, .number = (uint16_t)i};
    }
    void *buffers = mmap(NULL, (size_t)BATCH * BUFFER_BYTES, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (buffers == MAP_FAILED) {
        snprintf(udp->port.error, sizeof udp->port.error, "udp port: no memory for its buffers");
        return -1;
    }
    udp->buffers = buffers;
    for (unsigned i = 0; i < BATCH; i++) {
        uint8_t *buffer = udp->buffers + (size_t)i * BUFFER_BYTES;
        memset(buffer, 0, TOUCHED_BYTES); /* no page fault while packets wait */
        udp->parts[i] = (struct iovec){.iov_base = buffer, .iov_len = LONGEST};
        udp->messages[i].msg_hdr.msg_control = udp->control[i];
        udp->messages[i].msg_hdr.msg_controllen = CONTROL_BYTES;
    }
    return 0;
}

static int open_sender(struct udp *udp, const struct plan *plan, unsigned index) {
    udp->sender = udp_socket_sending(&udp->port, &plan->port[index]);
    for (unsigned i = 0; i < plan->lines; i++)
        udp->address[i] = udp_socket_address(&plan->line[i]);
    for (unsigned i = 0; i < BATCH; i++)
        udp->messages[i].msg_hdr.msg_namelen = sizeof udp->address[0];
    return udp->sender < 0 ? -1 : 0;
}

static struct port *open_sockets(const struct plan *plan, unsigned index, unsigned options, char *error) {
    (void)options;
    struct udp *udp = calloc(1, sizeof *udp);
    if (!udp) {
        snprintf(error, PORT_ERROR_BYTES, "udp port: no memory");
        return NULL;
    }
    udp->port.driver = &port_udp;
    udp->sender = -1;
    for (unsigned i = 0; i < BATCH; i++) {
        udp->messages[i].msg_hdr.msg_iov = &udp->parts[i];
        udp->messages[i].msg_hdr.msg_iovlen = 1;
    }
    bool sends = plan->port[index].sends;
    if ((sends ? open_sender(udp, plan, index) : open_receivers(udp, plan, index)) == 0)
        return &udp->port;
    memcpy(error, udp->port.error, PORT_ERROR_BYTES);
    close_sockets(&udp->port);
    return NULL;
}

const struct port_driver port_udp = {
    .name = "udp",
    .open = open_sockets,
    .rx_burst = rx_burst,
    .tx_burst = tx_burst,
    .close = close_sockets,
};
