/* The functions that Python calls in libappliance.so, read by cffi like abi.h. One section per room.
 *
 * Conventions: a call that can fail returns a negative value or NULL and writes one line to `error`
 * (API_ERROR_BYTES long): what happened, where, what to do.
 */
#ifndef APPLIANCE_API_H
#define APPLIANCE_API_H

#include "abi.h"

#define API_EXPORT      __attribute__((visibility("default")))
#define API_ERROR_BYTES 512

/* wire: the ITCH table and decoder, field by field. */
API_EXPORT uint32_t api_itch_field_count(void);
API_EXPORT int api_itch_field(uint32_t index, uint8_t *type, uint8_t *offset, uint8_t *length, uint8_t *is_alpha,
                              const char **name);
API_EXPORT int api_itch_length(uint8_t type);
/* Decodes one message and copies field `index` (host order; ASCII as it stands) into `value`. */
API_EXPORT int api_itch_value(const uint8_t *message, uint32_t length, uint32_t index, uint8_t *value);

#endif
