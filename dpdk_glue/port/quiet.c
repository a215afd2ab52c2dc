#include "port/quiet.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LOOKED_AT_BYTES = 16 << 10 };

void quiet_begin(struct quiet *quiet) {
    fflush(stdout);
    fflush(stderr);
    quiet->memory = memfd_create("quiet", MFD_CLOEXEC);
    quiet->nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    quiet->output = dup(STDOUT_FILENO);
    quiet->error = dup(STDERR_FILENO);
    if (quiet->memory < 0 || quiet->nowhere < 0)
        return;
    dup2(quiet->nowhere, STDOUT_FILENO);
    dup2(quiet->memory, STDERR_FILENO);
}

static void put_back(int kept, int descriptor) {
    if (kept < 0)
        return;
    dup2(kept, descriptor);
    close(kept);
}

static bool complains(const char *line) {
    static const char *const words[] = {"fail",    "cannot", "error",         "invalid",     "unrecognized",
                                        "no such", "fatal",  "not permitted", "not support", "unable"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasestr(line, words[i]))
            return true;
    return false;
}

/* "EAL: ", "FATAL: ", "init_internals(): " and the like. */
static const char *without_names(const char *line) {
    for (;;) {
        const char *end = strchr(line, ':');
        const char *space = strchr(line, ' ');
        if (!end || end[1] != ' ' || (space && space < end))
            return line;
        line = end + 2;
    }
}

/* The first complaint is nearest to the cause: those after it are of the callers. */
static void find_reason(char *text, char *reason, size_t room) {
    char *rest = text;
    char *line;
    while ((line = strsep(&rest, "\r\n")))
        if (complains(line)) {
            const char *begin = without_names(line);
            size_t length = strlen(begin);
            while (length && (begin[length - 1] == '.' || begin[length - 1] == ' '))
                length--;
            snprintf(reason, room, "%.*s", (int)length, begin);
            return;
        }
}

void quiet_end(struct quiet *quiet, char *reason, size_t room) {
    static char text[LOOKED_AT_BYTES + 1];
    *reason = 0;
    fflush(stdout);
    fflush(stderr);
    put_back(quiet->output, STDOUT_FILENO);
    put_back(quiet->error, STDERR_FILENO);
    if (quiet->nowhere >= 0)
        close(quiet->nowhere);
    if (quiet->memory < 0)
        return;
    ssize_t got = pread(quiet->memory, text, LOOKED_AT_BYTES, 0);
    close(quiet->memory);
    text[got < 0 ? 0 : got] = 0;
    find_reason(text, reason, room);
}
