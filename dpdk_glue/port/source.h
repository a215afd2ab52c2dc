/* The bytes of a file, as they are or unpacked from gzip, in one direction and from any kind of file (a pipe
 * too).
 *
 * Every failure is one line that names the path and, where there is one, the byte of the file.
 */
#ifndef APPLIANCE_PORT_SOURCE_H
#define APPLIANCE_PORT_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct source;

/* NULL with the reason in `error` (PORT_ERROR_BYTES, and it must live as long as the source). */
struct source *source_open(const char *path, char *error);
/* The next bytes, at most `room`: how many, 0 at the end, -1 with the reason in the error text. */
ssize_t source_read(struct source *source, uint8_t *to, size_t room);
void source_close(struct source *source);

bool source_is_gzip(const struct source *source);
/* Bytes of the file read so far, and in all (0 = a pipe: nobody knows). */
uint64_t source_position(const struct source *source);
uint64_t source_size(const struct source *source);

/* Writes "PATH: ..." as the error text of this source. */
__attribute__((format(printf, 2, 3))) void source_error(struct source *source, const char *format, ...);

#endif
