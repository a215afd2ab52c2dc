/* Silence around libraries that write to standard output and standard error whatever they like.
 *
 * Between begin and end output leads nowhere, and errors into memory. If the call in between failed, the line
 * that says why is found there; else all is forgotten. Only for the start of a process: its other threads are
 * silent meanwhile too.
 */
#ifndef APPLIANCE_PORT_QUIET_H
#define APPLIANCE_PORT_QUIET_H

#include <stddef.h>

struct quiet {
    int memory;
    int nowhere;
    int output;
    int error;
};

void quiet_begin(struct quiet *quiet);
/* Writes the line to `reason`, without the names of libraries in front; empty if there is none. */
void quiet_end(struct quiet *quiet, char *reason, size_t room);

#endif
