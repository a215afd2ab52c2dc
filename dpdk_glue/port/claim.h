/* An interface that one process has for itself.
 *
 * The driver of AF_XDP takes its program off the interface when it closes, and also when it fails to open: a
 * second process that only tries would end the feed of the first. So each asks here before it touches the
 * interface. The claim is an abstract socket, "\0appliance.port.NAME": it belongs to the network namespace,
 * as the interface does, and the kernel takes it back when the process ends, however that happens. Several
 * ports of one process may share an interface (each with queues of its own), and share the claim.
 */
#ifndef APPLIANCE_PORT_CLAIM_H
#define APPLIANCE_PORT_CLAIM_H

#include <stddef.h>

/* 0, or -1 with one line in `error` (of `room` bytes): another process has it, or no claim can be made. */
int claim_take(const char *interface, char *error, size_t room);
/* Gives back what claim_take has taken; the last one frees the interface. */
void claim_release(const char *interface);

#endif
