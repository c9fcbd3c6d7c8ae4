/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ways out. Many flows have the same, so a row names its way by a number. The FIB is asked once an
 * epoch, well below the smallest retransmission time-out, which confirms the slot: one that nobody
 * confirmed for a second is in no row that would be believed, and may be another way's.
 */
#ifndef SLUICE_WAYS_H
#define SLUICE_WAYS_H

#include "clock.h"
#include "forward.h"

/* For so many ticks a slot is kept: a second. */
#define WAY_KEPT 60

/* Slots that are looked at for a way. */
#define WAY_ATTEMPTS 8

/* The answer of the FIB. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct way);
} fib_answers SEC(".maps");

static __always_inline int is_same_address(const struct ip_address *one,
					   const struct ip_address *other)
{
	return one->word[0] == other->word[0] && one->word[1] == other->word[1] &&
	       one->word[2] == other->word[2] && one->word[3] == other->word[3];
}

/* Of a next hop that is the destination itself nothing is kept that only this flow has. */
static __always_inline void note_direct(struct way *way, const struct ip_address *destination)
{
	struct next_hop *hop = &way->hop;

	if (hop->family == AF_INET)
		way->is_direct = hop->addr.word[0] == destination->word[3];
	else if (hop->family == AF_INET6)
		way->is_direct = is_same_address(&hop->addr, destination);
	if (way->is_direct)
		__builtin_memset(&hop->addr, 0, sizeof(hop->addr));
}

static __always_inline int is_same_way(const struct way *one, const struct way *other)
{
	return one->hop.ifindex == other->hop.ifindex && one->is_direct == other->is_direct &&
	       one->hop.family == other->hop.family && one->hop.mtu == other->hop.mtu &&
	       is_same_address(&one->hop.addr, &other->hop.addr);
}

static __always_inline __u32 hash_way(const struct way *way)
{
	const struct next_hop *hop = &way->hop;
	__u32 hash = hop->ifindex * 0x9e3779b1u ^ (__u32)hop->mtu << 16 ^ hop->family;

	hash ^= hop->addr.word[0] ^ hop->addr.word[1] ^ hop->addr.word[2] ^ hop->addr.word[3];
	hash *= 0x85ebca6bu;
	return hash ^ hash >> 16;
}

/* Read before what the slot says, by a full barrier. */
static __always_inline __u32 confirmed_tick(struct way *way)
{
	return __sync_fetch_and_add(&way->confirmed, 0);
}

/* The slot of a way, confirmed; WAY_UNLISTED: all that were looked at are in use. */
static __noinline __u32 list_way(const struct way *wanted, __u32 tick)
{
	__u32 hash = hash_way(wanted);

	if (tick <= WAY_IN_WORK)
		tick = WAY_IN_WORK + 1;
	for (int i = 0; i < WAY_ATTEMPTS; i++) {
		__u32 slot = 1 + (hash + i) % (WAYS_MAX - 1);
		struct way *way = bpf_map_lookup_elem(&ways, &slot);
		__u32 seen;

		if (!way)
			break;
		seen = confirmed_tick(way);
		if (seen == WAY_IN_WORK)
			continue;
		if (seen != WAY_FREE && is_same_way(way, wanted)) {
			/* If it is another's meanwhile, it has another tick. */
			if (ticks_since(seen, tick) <= 0 ||
			    __sync_val_compare_and_swap(&way->confirmed, seen, tick) == seen)
				return slot;
			/* Another CPU confirmed it, or takes it. */
			if (confirmed_tick(way) != WAY_IN_WORK && is_same_way(way, wanted))
				return slot;
			continue;
		}
		if (seen != WAY_FREE && ticks_since(seen, tick) < WAY_KEPT)
			continue;
		if (__sync_val_compare_and_swap(&way->confirmed, seen, WAY_IN_WORK) != seen)
			continue;
		way->is_direct = wanted->is_direct;
		way->hop = wanted->hop;
		/* A full barrier. */
		__sync_val_compare_and_swap(&way->confirmed, WAY_IN_WORK, tick);
		return slot;
	}
	return WAY_UNLISTED;
}

/* The way of the row's packets, if it is believed still. */
static __always_inline struct way *known_way(const struct flow_entry *entry, __u32 tick)
{
	/* In this order, for others write them in the other one. */
	__u32 seen = *(const volatile __u32 *)&entry->last_seen;
	__u32 slot = *(const volatile __u16 *)&entry->way;

	if (slot == WAY_UNKNOWN || seen >> EPOCH_SHIFT != tick >> EPOCH_SHIFT)
		return NULL;
	return bpf_map_lookup_elem(&ways, &slot);
}

/*
 * Asks the FIB for the row's way, and notes it in the row; whoever does so sets last_seen, when the
 * packet leaves. NULL: there is no way out.
 */
static __noinline struct way *find_way(struct __sk_buff *skb, struct flow_entry *entry,
				       __u32 fallback_ifindex, __u32 tick)
{
	__u32 first = 0;
	struct way *way = bpf_map_lookup_elem(&fib_answers, &first);

	if (!way)
		return NULL;
	__builtin_memset(way, 0, sizeof(*way));
	if (!find_next_hop(skb, &entry->rewrite, &way->hop, fallback_ifindex))
		return NULL;
	note_direct(way, &entry->rewrite.daddr);
	entry->way = list_way(way, tick);
	return way;
}

/* Sends the row's packet its way; l3 is the layer 3 offset of the device it came from. */
static __always_inline enum verdict leave(struct __sk_buff *skb, const struct flow_entry *entry,
					  const struct way *way, __u32 l3)
{
	struct next_hop hop = way->hop;

	if (way->is_direct) {
		if (hop.family == AF_INET)
			hop.addr.word[0] = entry->rewrite.daddr.word[3];
		else
			hop.addr = entry->rewrite.daddr;
	}
	return redirect(skb, &hop, l3);
}

#endif
