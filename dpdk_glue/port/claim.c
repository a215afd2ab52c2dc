#include "port/claim.h"

#include <errno.h>
#include <net/if.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    CLAIMS = 8,    /* a plan has fewer ports */
    CURIOUS = 4096 /* who has asked for the owner stays in its queue: no more than these are answered */
};

static struct claim {
    char interface[IF_NAMESIZE];
    int socket;
    unsigned ports; /* that share it; 0 = a free place */
} claims[CLAIMS];

static struct claim *find(const char *interface) {
    for (unsigned i = 0; i < CLAIMS; i++)
        if (claims[i].ports && strcmp(claims[i].interface, interface) == 0)
            return &claims[i];
    return NULL;
}

static struct claim *find_free(void) {
    for (unsigned i = 0; i < CLAIMS; i++)
        if (!claims[i].ports)
            return &claims[i];
    return NULL;
}

static socklen_t name_of(const char *interface, struct sockaddr_un *name) {
    *name = (struct sockaddr_un){.sun_family = AF_UNIX};
    int length = snprintf(name->sun_path + 1, sizeof name->sun_path - 1, "appliance.port.%s", interface);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
}

/* Which process has the claim; 0 if that cannot be told, as across namespaces of processes. */
static int owner_of(const struct sockaddr_un *name, socklen_t length) {
    struct ucred owner = {0};
    socklen_t bytes = sizeof owner;
    int asking = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (asking < 0)
        return 0;
    if (connect(asking, (const struct sockaddr *)name, length) != 0 ||
        getsockopt(asking, SOL_SOCKET, SO_PEERCRED, &owner, &bytes) != 0)
        owner.pid = 0;
    close(asking);
    return owner.pid;
}

static int refuse(const char *interface, const struct sockaddr_un *name, socklen_t length, char *error,
                  size_t room) {
    char who[48] = "";
    int owner = owner_of(name, length);
    if (owner > 0)
        snprintf(who, sizeof who, " (process %d)", owner);
    snprintf(
        error, room,
        "another data plane or venue%s already has interface %s past the kernel: stop it, or name another "
        "interface",
        who, interface);
    return -1;
}

int claim_take(const char *interface, char *error, size_t room) {
    struct sockaddr_un name;
    struct claim *claim = find(interface);
    if (claim) {
        claim->ports++;
        return 0;
    }
    claim = find_free();
    if (!claim) {
        snprintf(error, room, "more than %d interfaces in one process", CLAIMS);
        return -1;
    }
    socklen_t length = name_of(interface, &name);
    int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listening >= 0 && bind(listening, (const struct sockaddr *)&name, length) == 0) {
        listen(listening, CURIOUS);
        *claim = (struct claim){.socket = listening, .ports = 1};
        snprintf(claim->interface, sizeof claim->interface, "%s", interface);
        return 0;
    }
    int why = errno;
    if (listening >= 0)
        close(listening);
    if (why == EADDRINUSE)
        return refuse(interface, &name, length, error, room);
    snprintf(error, room, "interface %s cannot be claimed: %s", interface, strerror(why));
    return -1;
}

void claim_release(const char *interface) {
    struct claim *claim = find(interface);
    if (!claim || --claim->ports)
        return;
    close(claim->socket);
}
