/* Constants and assertions for the parts of the contract. */
#ifndef APPLIANCE_ABI_BASE_H
#define APPLIANCE_ABI_BASE_H

#include <stddef.h>
#include <stdint.h>

#define ABI_SIZE(type, bytes) _Static_assert(sizeof(struct type) == (bytes), "size of " #type)
#define ABI_AT(type, member, bytes)                                                                          \
    _Static_assert(offsetof(struct type, member) == (bytes), #type "." #member)

#define ABI_MAGIC       0x314c505041494241
#define ABI_MAX_LOCATES 65536
#define ABI_VIEW_LEVELS 10
#define ABI_MAX_VIEWS   1024

#endif
