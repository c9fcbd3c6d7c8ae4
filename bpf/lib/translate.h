/* SPDX-License-Identifier: GPL-2.0-only */
/* The whole way of a packet through its flow: next hop, size, what it says of the flow, and out. */
#ifndef SLUICE_TRANSLATE_H
#define SLUICE_TRANSLATE_H

#include "flow.h"
#include "rewrite.h"

/* How many packets of a flow are dropped for the receiver's MSS alone: what two bits can count. */
#define LIMIT_TOLD_MAX 3

/* Bytes of layer 3 of the packet, or of each segment of a super-packet. */
static __always_inline __u32 packet_length(const struct __sk_buff *skb, const struct packet *p)
{
	__u32 headers = p->l4 - p->l3 + p->header;

	return headers + (skb->gso_size ? skb->gso_size : p->payload);
}

/*
 * A packet that looks larger than its way out or its receiver's MSS. The way's limit is a fact. The
 * MSS is the receiver's word: a sender that does not hear us is let through after a few attempts.
 */
static __noinline int too_big(struct __sk_buff *skb, struct packet *p, struct flow_entry *entry,
			      __u32 limit)
{
	__u32 length = packet_length(skb, p);
	__u32 least = p->is_ipv6 ? MIN_MTU_IPV6 : MIN_MTU_IPV4;

	if (length <= limit) {
		limit = entry->size_limit;
		if (length <= limit || limit < least ||
		    entry->flags >> FLOW_LIMIT_TOLD_SHIFT >= LIMIT_TOLD_MAX)
			return VERDICT_CONTINUE;
		__sync_fetch_and_add(&entry->flags, 1u << FLOW_LIMIT_TOLD_SHIFT);
	}
	count(COUNTER_DROP_TOO_BIG);
	return answer_icmp(skb, p, limit);
}

/* Once in a while: where packets leave, and whether the flow is still whole. NULL: no way out. */
static __noinline struct way *refresh(struct __sk_buff *skb, struct packet *p,
				      struct flow_entry *entry, __u32 tick)
{
	struct flow_entry *peer = flow_peer(entry);

	if (!peer && (entry->state == FLOW_ESTABLISHED || entry->state == FLOW_CLOSING))
		report_flow(p, entry, RECORD_ORPHANED);
	return find_way(skb, entry, peer ? peer->ingress_ifindex : 0, tick);
}

static __always_inline enum verdict translate(struct __sk_buff *skb, struct packet *p,
					      struct flow_entry *entry)
{
	__u32 tick = coarse_tick();
	struct way *way = known_way(entry, tick);
	enum verdict verdict;

	if (!way) {
		way = refresh(skb, p, entry, tick);
		if (!way)
			return drop(COUNTER_DROP_NO_ROUTE);
	}
	if (skb->len - p->l3 > way->hop.mtu || skb->len - p->l3 > entry->size_limit) {
		verdict = too_big(skb, p, entry, way->hop.mtu);
		if (verdict)
			return verdict;
	}
	flow_seen(skb, p, entry, tick);
	part_from_sender(skb);
	verdict = rewrite_packet(skb, p, entry);
	if (verdict)
		return verdict;
	count(COUNTER_TRANSLATED);
	return leave(skb, entry, way, p->l3);
}

#endif
