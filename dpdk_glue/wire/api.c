#include "api.h"
#include "wire/itch.h"

#include <string.h>

uint32_t api_itch_field_count(void) {
    return itch_field_count;
}

int api_itch_field(uint32_t index, uint8_t *type, uint8_t *offset, uint8_t *length, uint8_t *is_alpha,
                   const char **name) {
    if (index >= itch_field_count)
        return -1;
    const struct itch_field *field = &itch_fields[index];
    *type = field->type;
    *offset = field->offset;
    *length = field->length;
    *is_alpha = field->is_alpha;
    *name = field->name;
    return 0;
}

int api_itch_length(uint8_t type) {
    return itch_shapes[type].length;
}

int api_itch_value(const uint8_t *message, uint32_t length, uint32_t index, uint8_t *value) {
    uint8_t padded[ITCH_LONGEST + ITCH_SLACK] = {0};
    struct itch_message decoded;
    if (!length || length > ITCH_LONGEST || index >= itch_field_count ||
        !itch_length_is_right(message[0], length))
        return -1;
    const struct itch_field *field = &itch_fields[index];
    if (field->type != 0 && field->type != message[0])
        return -1;
    memcpy(padded, message, length);
    itch_decode(padded, &decoded);
    memcpy(value, (const char *)&decoded + field->place, field->length);
    return field->length;
}
