/* port-check: one port by itself, for tests and for a look at a new card. It is not installed.
 *
 *     port-check --kind dpdk --where net_af_xdp0,iface=eth1 --line 233.54.12.1:26400 --frames 100 --out
 * got.pcap
 *     port-check --kind udp --where lo --line 233.54.12.1:26400 --send packets.pcap --times 1000
 *
 * Prints one line of JSON when the port is open, and one at the end: what came in or went out, and the port's
 * counters. Receiving ends with `--frames` frames, after `--ms` milliseconds (10 s unless told), when the
 * port ends, or on SIGTERM; sending with the capture, `--times` over. Both in one: what is sent comes back,
 * on a port that is its own wire (net_ring).
 */
#include "port/file.h"
#include "port/port.h"
#include "stats/clock.h"
#include "wire/frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BURST = 32, LINES_MAX = 2, STATUS_FAILED = 2, PCAP_PACKET_MAX = 256 << 10 };

struct check {
    struct plan plan;
    const char *send;
    const char *out_path;
    FILE *out;
    uint64_t times;
    uint64_t frames;
    uint64_t ms;
    uint64_t received;
    uint64_t received_of[LINES_MAX];
    uint64_t first_ns;
    uint64_t last_ns;
    uint64_t first_cycles;
    uint64_t last_cycles;
    uint64_t tx_cycles;
};

static volatile sig_atomic_t told_to_stop;

static void stop(int signal_number) {
    (void)signal_number;
    told_to_stop = 1;
}

static int complain(const char *what) {
    fprintf(stderr, "port-check: %s\n", what);
    return STATUS_FAILED;
}

static int parse_number(const char *text, uint64_t *number) {
    char *end;
    errno = 0;
    *number = strtoull(text, &end, 10);
    return errno || *end || end == text ? complain("a number is no number") : 0;
}

static int parse_line(struct plan *plan, const char *text) {
    char ip[32];
    struct in_addr address;
    uint64_t port = 0;
    const char *colon = strchr(text, ':');
    snprintf(ip, sizeof ip, "%.*s", (int)strcspn(text, ":"), text);
    if (!colon || plan->lines == LINES_MAX || inet_pton(AF_INET, ip, &address) != 1 ||
        parse_number(colon + 1, &port) || port > UINT16_MAX)
        return complain("--line: GROUP:PORT, at most twice");
    plan->line[plan->lines++] =
        (struct plan_line){.group = ntohl(address.s_addr), .udp_port = (uint16_t)port};
    return 0;
}

static int parse_kind(const char *text, uint32_t *kind) {
    static const char *const names[] = {
        [PLAN_PORT_FILE] = "file", [PLAN_PORT_UDP] = "udp", [PLAN_PORT_DPDK] = "dpdk"};
    for (uint32_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(text, names[i]) == 0) {
            *kind = i;
            return 0;
        }
    return complain("--kind: file, udp or dpdk");
}

static int take_option(struct check *check, int letter) {
    struct plan_port *port = &check->plan.port[0];
    struct in_addr address;
    uint64_t number = 0;
    int failed = 0;
    switch (letter) {
    case 'k':
        return parse_kind(optarg, &port->kind);
    case 'w':
        snprintf(port->where, sizeof port->where, "%s", optarg);
        return 0;
    case 'l':
        return parse_line(&check->plan, optarg);
    case 'i':
        failed = inet_pton(AF_INET, optarg, &address) != 1 && complain("--interface-ip: an IPv4 address");
        port->interface_ip = failed ? 0 : ntohl(address.s_addr);
        return failed ? STATUS_FAILED : 0;
    case 'q':
        failed = parse_number(optarg, &number);
        port->rx_queues = (uint32_t)number;
        return failed;
    case 'e':
        snprintf(check->plan.eal, sizeof check->plan.eal, "%s", optarg);
        return 0;
    case 's':
        check->send = optarg;
        return 0;
    case 'o':
        check->out_path = optarg;
        return 0;
    case 't':
        return parse_number(optarg, &check->times);
    case 'f':
        return parse_number(optarg, &check->frames);
    case 'm':
        return parse_number(optarg, &check->ms);
    default:
        return complain("an option is unknown or lacks its value");
    }
}

static int parse_options(struct check *check, int count, char **words) {
    static const struct option known[] = {
        {"kind", required_argument, NULL, 'k'},   {"where", required_argument, NULL, 'w'},
        {"line", required_argument, NULL, 'l'},   {"interface-ip", required_argument, NULL, 'i'},
        {"queues", required_argument, NULL, 'q'}, {"eal", required_argument, NULL, 'e'},
        {"send", required_argument, NULL, 's'},   {"times", required_argument, NULL, 't'},
        {"frames", required_argument, NULL, 'f'}, {"ms", required_argument, NULL, 'm'},
        {"out", required_argument, NULL, 'o'},    {NULL, 0, NULL, 0},
    };
    int letter;
    int failed = 0;
    opterr = 0;
    while (!failed && (letter = getopt_long(count, words, "", known, NULL)) != -1)
        failed = take_option(check, letter);
    return failed;
}

/* A capture of what came in: nanoseconds, Ethernet (or, of datagrams, whatever a reader makes of them). */
static int start_capture(struct check *check) {
    const uint32_t header[6] = {0xa1b23c4d, 2 | 4 << 16, 0, 0, PCAP_PACKET_MAX, 1};
    if (!check->out_path)
        return 0;
    check->out = fopen(check->out_path, "we");
    if (!check->out || fwrite(header, sizeof header, 1, check->out) != 1)
        return complain("--out: cannot be written");
    return 0;
}

static void keep(struct check *check, const struct port_frame *frame) {
    const uint32_t header[4] = {(uint32_t)(frame->time_ns / 1000000000),
                                (uint32_t)(frame->time_ns % 1000000000), frame->length, frame->length};
    fwrite(header, sizeof header, 1, check->out);
    fwrite(frame->data, frame->length, 1, check->out);
}

static int receive_once(struct check *check, struct port *port) {
    struct port_frame frames[BURST];
    int count = port->driver->rx_burst(port, frames, BURST);
    for (int i = 0; i < count; i++) {
        if (check->out)
            keep(check, &frames[i]);
        check->received_of[frames[i].line < LINES_MAX ? frames[i].line : 0]++;
        check->last_ns = frames[i].time_ns;
        if (!check->received++)
            check->first_ns = frames[i].time_ns;
    }
    if (count > 0) {
        check->last_cycles = clock_cycles();
        if (!check->first_cycles)
            check->first_cycles = check->last_cycles;
    }
    return count;
}

static int receive(struct check *check, struct port *port) {
    uint64_t end = clock_cycles() + (uint64_t)((double)check->ms * 1e6 * clock_cycles_per_ns());
    while (!told_to_stop && (!check->frames || check->received < check->frames) && clock_cycles() < end) {
        int count = receive_once(check, port);
        if (count == PORT_END)
            break;
        if (count == PORT_FAILED)
            return complain(port->error);
    }
    return 0;
}

static void set_lines(const struct plan *plan, struct port_frame *frames, unsigned count) {
    struct frame_counters ignored = {0};
    struct frame_udp udp;
    for (unsigned i = 0; i < count; i++)
        if (frame_parse(frames[i].data, frames[i].length, &udp, &ignored) == FRAME_UDP)
            for (uint16_t line = 0; line < plan->lines; line++)
                if (plan->line[line].group == udp.ip && plan->line[line].udp_port == udp.port)
                    frames[i].line = line;
}

/* On a port that is its own wire what comes back makes room for more. */
static int send_once(struct check *check, struct port *port) {
    char error[PORT_ERROR_BYTES];
    struct port_frame frames[BURST];
    struct port *file = port_file_open(check->send, PORT_LOAD, error);
    if (!file)
        return complain(error);
    int count;
    while (!told_to_stop && (count = file->driver->rx_burst(file, frames, BURST)) > 0) {
        set_lines(&check->plan, frames, (unsigned)count);
        for (int taken = 0; taken < count && !told_to_stop;) {
            int now = port->driver->tx_burst(port, frames + taken, (unsigned)(count - taken));
            if (!now && check->frames)
                receive_once(check, port);
            taken += now;
        }
    }
    file->driver->close(file);
    return 0;
}

static int send_all(struct check *check, struct port *port) {
    int failed = 0;
    if (!port->driver->tx_burst)
        return complain("this kind of port cannot send");
    uint64_t start = clock_cycles();
    for (uint64_t i = 0; i < check->times && !failed && !told_to_stop; i++)
        failed = send_once(check, port);
    check->tx_cycles = clock_cycles() - start;
    return failed;
}

static double seconds(uint64_t cycles) {
    return (double)cycles / clock_cycles_per_ns() / 1e9;
}

static void report(const struct check *check, const struct port *port) {
    const struct port_counters *counters = &port->counters;
    printf("{\"received\": %" PRIu64 ", \"lines\": [%" PRIu64 ", %" PRIu64 "], \"first_ns\": %" PRIu64
           ", \"last_ns\": %" PRIu64 ", \"rx_s\": %.6f, \"tx_s\": %.6f, ",
           check->received, check->received_of[0], check->received_of[1], check->first_ns, check->last_ns,
           seconds(check->last_cycles - check->first_cycles), seconds(check->tx_cycles));
    printf("\"frames\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"bursts\": %" PRIu64 ", \"dropped\": %" PRIu64
           ", \"errors\": %" PRIu64 ", \"no_buffer\": %" PRIu64 ", \"truncated\": %" PRIu64
           ", \"sent\": %" PRIu64 ", \"unsent\": %" PRIu64 ", \"memberships\": %" PRIu64 "}\n",
           counters->frames, counters->bytes, counters->bursts, counters->dropped, counters->errors,
           counters->no_buffer, counters->truncated, counters->sent, counters->unsent, counters->memberships);
}

static int run(struct check *check, struct port *port) {
    printf("{\"driver\": \"%s\", \"note\": \"%s\"}\n", port->driver->name, port->note);
    fflush(stdout);
    int failed = start_capture(check);
    if (!failed && check->send)
        failed = send_all(check, port);
    if (!failed && (!check->send || check->frames))
        failed = receive(check, port);
    report(check, port);
    if (check->out && fclose(check->out) != 0)
        failed = complain("--out: cannot be written");
    return failed;
}

int main(int count, char **words) {
    static struct check check = {
        .plan = {.ports = 1, .feed_core = -1, .cold_core = -1}, .times = 1, .ms = 10000};
    char error[PORT_ERROR_BYTES];
    int failed = parse_options(&check, count, words);
    if (failed)
        return failed;
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    check.plan.port[0].sends = check.send && !check.frames;
    const struct port_driver *driver = port_driver_for(&check.plan.port[0]);
    struct port *port = driver->open(&check.plan, 0, 0, error);
    if (!port)
        return complain(error);
    failed = run(&check, port);
    port->driver->close(port);
    return failed;
}
