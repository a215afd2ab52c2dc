#include "build_config.h"

#ifdef HAVE_DPDK

#include "port/eal.h"
#include "port/port.h"
#include "port/quiet.h"

#include <glob.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mbuf.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WORDS_MAX = 96,
    TEXT_BYTES = 4096,
    BUFFERS_A_QUEUE = 4096, /* net_af_xdp: 2,048 to be filled, as many filled */
    BUFFERS_TO_SEND = 4095,
    EAL_BYTES = 16 << 20 /* its own tables */
};

static bool running;
static bool huge_pages;

struct words {
    char text[TEXT_BYTES]; /* EAL keeps pointers into it */
    size_t used;
    char *word[WORDS_MAX + 1];
    int count;
};

bool eal_has_huge_pages(void) {
    return huge_pages;
}

unsigned eal_buffers(const struct plan_port *port) {
    return BUFFERS_A_QUEUE * (port->rx_queues ? port->rx_queues : 1) + BUFFERS_TO_SEND;
}

/* [DOMAIN:]BUS:DEVICE.FUNCTION in hexadecimal digits, alone or before the driver's own arguments. */
bool eal_is_pci_address(const char *where) {
    static const char digits[] = "0123456789abcdefABCDEF";
    unsigned colons = 0;
    for (;;) {
        size_t length = strspn(where, digits);
        where += length;
        if (!length || (*where != ':' && *where != '.'))
            return false;
        if (*where++ == '.')
            break;
        colons++;
    }
    size_t length = strspn(where, digits);
    return length && (colons == 1 || colons == 2) && (where[length] == 0 || where[length] == ',');
}

static void add_bytes(struct words *words, const char *text, size_t length) {
    if (words->count == WORDS_MAX || words->used + length + 1 > TEXT_BYTES)
        return;
    char *word = words->text + words->used;
    memcpy(word, text, length);
    word[length] = 0;
    words->used += length + 1;
    words->word[words->count++] = word;
}

static void add(struct words *words, const char *text) {
    add_bytes(words, text, strlen(text));
}

static void add_words(struct words *words, const char *text) {
    while (*(text += strspn(text, " \t"))) {
        size_t length = strcspn(text, " \t");
        add_bytes(words, text, length);
        text += length;
    }
}

/* Whether the user's words hold one that begins so. */
static bool says(const char *text, const char *beginning) {
    size_t length = strlen(beginning);
    while (*(text += strspn(text, " \t"))) {
        if (strncmp(text, beginning, length) == 0)
            return true;
        text += strcspn(text, " \t");
    }
    return false;
}

static unsigned long long number_in(const char *folder, const char *name) {
    char path[256];
    unsigned long long number = 0;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    if (fscanf(file, "%llu", &number) != 1) // NOLINT(cert-err34-c): the kernel writes one number
        number = 0;
    fclose(file);
    return number;
}

static unsigned long long free_huge_bytes(void) {
    unsigned long long bytes = 0;
    glob_t found;
    if (glob("/sys/kernel/mm/hugepages/hugepages-*kB", 0, NULL, &found) != 0)
        return 0;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const char *folder = found.gl_pathv[i];
        unsigned long long free_pages = number_in(folder, "free_hugepages");
        unsigned long long promised = number_in(folder, "resv_hugepages");
        if (free_pages > promised)
            bytes += (free_pages - promised) * strtoull(strrchr(folder, '-') + 1, NULL, 10) << 10;
    }
    globfree(&found);
    return bytes;
}

static unsigned long long wanted_bytes(const struct plan *plan) {
    unsigned long long bytes = EAL_BYTES;
    for (uint32_t i = 0; i < plan->ports; i++)
        if (plan->port[i].kind == PLAN_PORT_DPDK)
            bytes += eal_buffers(&plan->port[i]) * (RTE_MBUF_DEFAULT_BUF_SIZE + 4ull * RTE_CACHE_LINE_SIZE);
    return bytes;
}

static void add_memory(struct words *words, const struct plan *plan) {
    unsigned long long wanted = wanted_bytes(plan);
    huge_pages = !says(plan->eal, "--no-huge") && free_huge_bytes() >= wanted;
    if (huge_pages) {
        add(words, "--in-memory");
        return;
    }
    char text[32];
    snprintf(text, sizeof text, "%llu", (wanted >> 20) + 1);
    add(words, "--no-shconf"); /* --in-memory does not go together with --no-huge */
    if (!says(plan->eal, "--no-huge"))
        add(words, "--no-huge");
    if (!says(plan->eal, "-m")) {
        add(words, "-m");
        add(words, text);
    }
}

static void add_devices(struct words *words, const struct plan *plan) {
    bool any = says(plan->eal, "-a") || says(plan->eal, "--allow") || says(plan->eal, "-b") ||
               says(plan->eal, "--block");
    for (uint32_t i = 0; i < plan->ports; i++) {
        const struct plan_port *port = &plan->port[i];
        if (port->kind != PLAN_PORT_DPDK || !eal_is_pci_address(port->where))
            continue;
        any = true;
        add(words, "-a");
        add(words, port->where);
    }
    if (any)
        return;
    add(words, "--no-pci");
    if (!says(plan->eal, "--iova-mode"))
        add(words, "--iova-mode=va");
}

/* EAL's one thread and its helpers go where we are for the moment: the cold core. */
static void add_cores(struct words *words, const struct plan *plan, const cpu_set_t *here) {
    char text[TEXT_BYTES / 2];
    size_t used = (size_t)snprintf(text, sizeof text, "0@(");
    if (says(plan->eal, "-l") || says(plan->eal, "--lcores") || says(plan->eal, "-c"))
        return;
    for (int cpu = 0; cpu < CPU_SETSIZE && used < sizeof text - 8; cpu++)
        if (CPU_ISSET(cpu, here))
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%d", used > 3 ? "," : "", cpu);
    snprintf(text + used, sizeof text - used, ")");
    add(words, "--lcores");
    add(words, text);
}

static int start(const struct plan *plan, const cpu_set_t *here, char *error) {
    static struct words words;
    struct quiet quiet;
    char reason[PORT_ERROR_BYTES / 2];
    words.count = 0;
    words.used = 0;
    add(&words, "dataplane");
    add_memory(&words, plan);
    add_devices(&words, plan);
    add_cores(&words, plan, here);
    add(&words, "--no-telemetry");
    add_words(&words, plan->eal);
    quiet_begin(&quiet);
    int result = rte_eal_init(words.count, words.word);
    int why = rte_errno;
    quiet_end(&quiet, reason, sizeof reason);
    if (result >= 0)
        return 0;
    snprintf(error, PORT_ERROR_BYTES, "dpdk: EAL does not start: %s%s%.128s",
             reason[0] ? reason : rte_strerror(why), plan->eal[0] ? "; it was given: " : "", plan->eal);
    return -1;
}

static void stop(void) {
    rte_eal_cleanup();
}

int eal_start(const struct plan *plan, char *error) {
    static bool failed;
    cpu_set_t before;
    cpu_set_t cold;
    if (running)
        return 0;
    if (failed) {
        snprintf(error, PORT_ERROR_BYTES,
                 "dpdk: EAL did not start, and cannot be started again in a process");
        return -1;
    }
    sched_getaffinity(0, sizeof before, &before);
    cold = before;
    if (plan->cold_core >= 0) {
        CPU_ZERO(&cold);
        CPU_SET((size_t)plan->cold_core, &cold);
        if (sched_setaffinity(0, sizeof cold, &cold) != 0)
            cold = before;
    }
    int result = start(plan, &cold, error);
    sched_setaffinity(0, sizeof before, &before);
    running = result == 0;
    failed = !running;
    if (running)
        atexit(stop);
    return result;
}

#endif
