/* IGMP, as a host speaks it that receives multicast without a kernel: reports that it wants a group, answers
 * to the router's queries, and the word that it leaves.
 *
 * Version 3 (RFC 3376) reports all groups in one frame, to 224.0.0.22, for any source. Version 2 (RFC 2236)
 * has one frame a group: reports go to the group, a leave to all routers. A host speaks version 3 until a
 * router asks in version 2.
 *
 * Addresses have their first number in the highest byte.
 */
#ifndef APPLIANCE_WIRE_IGMP_H
#define APPLIANCE_WIRE_IGMP_H

#include <stdint.h>

enum {
    IGMP_GROUPS_MAX = 16, /* in one report */
    /* Ethernet 14, IPv4 with router alert 24, report 8, a record of 8 for each group. */
    IGMP_FRAME_MAX = 14 + 24 + 8 + 8 * IGMP_GROUPS_MAX
};

enum igmp_what {
    IGMP_JOIN = 0,    /* unasked, when it begins */
    IGMP_PRESENT = 1, /* asked, or from time to time */
    IGMP_LEAVE = 2
};

/* Who says it. An address of 0.0.0.0 is allowed in reports. */
struct igmp_host {
    uint8_t mac[6];
    uint32_t ip;
};

struct igmp_query {
    unsigned version; /* 2 or 3; 0 = the frame is no query */
    uint32_t group;   /* that is asked about; 0 = all of them */
};

/* Each writes a whole Ethernet frame, without check sequence, and returns its length. At most IGMP_GROUPS_MAX
 * groups fit in a report of version 3. */
uint32_t igmp_report_v3(uint8_t frame[IGMP_FRAME_MAX], const struct igmp_host *host, enum igmp_what what,
                        const uint32_t *groups, unsigned count);
uint32_t igmp_report_v2(uint8_t frame[IGMP_FRAME_MAX], const struct igmp_host *host, enum igmp_what what,
                        uint32_t group);

/* What a received frame asks. Frames with a VLAN tag are not looked into. */
struct igmp_query igmp_query_in(const uint8_t *frame, uint32_t length);

#endif
