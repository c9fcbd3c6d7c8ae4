/* SPDX-License-Identifier: GPL-2.0-only */
/* The header that ICMP (RFC 792) and ICMPv6 (RFC 4443) share; linux/icmp.h wants a C library. */
#ifndef SLUICE_ICMP_HEADER_H
#define SLUICE_ICMP_HEADER_H

#include <linux/types.h>

struct icmp_header {
	__u8 type;
	__u8 code;
	__u16 check;
	__be32 mtu; /* of "too big"; in ICMP in the low half */
};

#define ICMP_DEST_UNREACH  3
#define ICMP_FRAG_NEEDED   4 /* a code of the above */
#define ICMP_TIME_EXCEEDED 11
#define ICMP_PARAM_PROBLEM 12

#define ICMPV6_DEST_UNREACH  1
#define ICMPV6_PKT_TOOBIG    2
#define ICMPV6_TIME_EXCEED   3
#define ICMPV6_PARAM_PROBLEM 4

#endif
