/* What to do about messages that are missing, and when: a state machine without input, output or clock.
 *
 * The caller says what it sees of the stream (struct recovery_sight) and what time it is, in cycles; the
 * machine answers with actions, one a call, until there are none. It works on top of mold64.h, which knows
 * what is missing and holds what came after; it does not know packets.
 */
#ifndef APPLIANCE_WIRE_RECOVERY_H
#define APPLIANCE_WIRE_RECOVERY_H

#include "abi.h"

#include <stdbool.h>

enum recovery_action {
    RECOVERY_NOTHING = 0,
    RECOVERY_ASK = 1,    /* `count` messages from `first` on, of the retransmission server */
    RECOVERY_FETCH = 2,  /* fetch a snapshot; from now on hold all that arrives (mold64_hold_all) */
    RECOVERY_GIVE_UP = 3 /* the messages before `first` are lost: go on behind the gap (mold64_give_up) */
};

#endif
