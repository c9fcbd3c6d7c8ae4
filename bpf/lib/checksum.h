/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Incremental checksums (RFC 1624) as one's complement sums of words in memory order.
 * Knows no map, so that a host test can call it.
 */
#ifndef SLUICE_CHECKSUM_H
#define SLUICE_CHECKSUM_H

#include <linux/types.h>

/* Adds to a sum the change of a 32-bit word that starts at an even offset. */
static __always_inline void sum_replace4(__u64 *sum, __u32 from, __u32 to)
{
	*sum += (__u32)~from;
	*sum += to;
}

static __always_inline void sum_replace2(__u64 *sum, __u16 from, __u16 to)
{
	*sum += (__u16)~from;
	*sum += to;
}

/* Folds to 32 bits, as bpf_l4_csum_replace() takes a difference. */
static __always_inline __u32 sum_fold32(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	return sum;
}

static __always_inline __u16 sum_fold16(__u64 sum)
{
	sum = sum_fold32(sum);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* A header's checksum after its words changed by sum. */
static __always_inline __u16 checksum_apply(__u16 check, __u64 sum)
{
	return ~sum_fold16((__u64)(__u16)~check + sum);
}

#endif
