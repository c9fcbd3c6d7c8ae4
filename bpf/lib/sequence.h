/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Our initial sequence numbers towards endpoints: RFC 6528's clock of 4 µs plus a keyed hash of the
 * tuple, so that a tuple's numbers rise from one connection to the next. As Splicing's
 * InitialSequence, with the same key.
 */
#ifndef SLUICE_SEQUENCE_H
#define SLUICE_SEQUENCE_H

#include "maps.h"
#include "parse.h"

/* SipHash-1-3 over whole words; their number is fixed, so it is not part of the last block. */
struct sip_hash {
	__u64 v0, v1, v2, v3;
};

static __always_inline __u64 rotate_left(__u64 value, int count)
{
	return value << count | value >> (64 - count);
}

static __always_inline void sip_round(struct sip_hash *hash)
{
	hash->v0 += hash->v1;
	hash->v2 += hash->v3;
	hash->v1 = rotate_left(hash->v1, 13) ^ hash->v0;
	hash->v3 = rotate_left(hash->v3, 16) ^ hash->v2;
	hash->v0 = rotate_left(hash->v0, 32);
	hash->v2 += hash->v1;
	hash->v0 += hash->v3;
	hash->v1 = rotate_left(hash->v1, 17) ^ hash->v2;
	hash->v3 = rotate_left(hash->v3, 21) ^ hash->v0;
	hash->v2 = rotate_left(hash->v2, 32);
}

static __always_inline void sip_add(struct sip_hash *hash, __u64 word)
{
	hash->v3 ^= word;
	sip_round(hash);
	hash->v0 ^= word;
}

static __always_inline void sip_add_address(struct sip_hash *hash, const struct ip_address *address)
{
	sip_add(hash, (__u64)bpf_ntohl(address->word[0]) << 32 | bpf_ntohl(address->word[1]));
	sip_add(hash, (__u64)bpf_ntohl(address->word[2]) << 32 | bpf_ntohl(address->word[3]));
}

/* For a SYN of that tuple. now: CLOCK_MONOTONIC nanoseconds. */
static __noinline __u32 initial_sequence(const struct flow_tuple *way, __u64 now)
{
	__u32 first = 0;
	struct instance_state *state = bpf_map_lookup_elem(&instance, &first);
	struct sip_hash hash;

	if (!state)
		return 0;
	hash.v0 = state->secret[0] ^ 0x736f6d6570736575ull;
	hash.v1 = state->secret[1] ^ 0x646f72616e646f6dull;
	hash.v2 = state->secret[0] ^ 0x6c7967656e657261ull;
	hash.v3 = state->secret[1] ^ 0x7465646279746573ull;
	sip_add_address(&hash, &way->saddr);
	sip_add_address(&hash, &way->daddr);
	sip_add(&hash, (__u64)bpf_ntohs(way->sport) << 16 | bpf_ntohs(way->dport));
	hash.v2 ^= 0xff;
	sip_round(&hash);
	sip_round(&hash);
	sip_round(&hash);
	return (__u32)(hash.v0 ^ hash.v1 ^ hash.v2 ^ hash.v3) + (__u32)(now / 4096);
}

#endif
