/* The port that reads a feed file: framed ITCH, pcap or pcapng, each also in gzip, told apart by content.
 *
 * Files larger than memory are streamed through a window of fixed size; with PORT_LOAD the whole file is
 * unpacked into huge pages by open, and its frames stay where they are. A frame of an ITCH file is a run of
 * whole messages, about 64 KiB; of a capture, one packet. What is whole is delivered before an error is
 * reported.
 *
 * Errors name the path, and the byte of the stream (of the unpacked one, for content inside gzip).
 */
#ifndef APPLIANCE_PORT_FILE_H
#define APPLIANCE_PORT_FILE_H

#include "memory/memory.h"
#include "port/port.h"

extern const struct port_driver port_file;

/* As port_file.open, for a path of any length. */
struct port *port_file_open(const char *path, unsigned options, char *error);

/* For a progress bar: bytes of the file that have been dealt with, and in all (0 = a pipe: nobody knows). */
void port_file_progress(const struct port *port, uint64_t *done, uint64_t *total);
/* Where the file's bytes are: all of them with PORT_LOAD, else the part that is being read. */
const struct memory *port_file_memory(const struct port *port);

#endif
