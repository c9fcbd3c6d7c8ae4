/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * egress: the guard. Nothing that the local stack makes up (an RST, say) leaves for a tuple with a
 * flow; what the daemon sends does, and counts if it is a client's.
 */
#ifndef SLUICE_PROGRAM_EGRESS_H
#define SLUICE_PROGRAM_EGRESS_H

#include "lib/flow.h"

/* A client's bytes that came before its flow stood, sent on by the daemon: they count as sent. */
static __noinline int account_own(struct __sk_buff *skb, __u32 l3)
{
	struct packet p = {.quiet = 1};
	struct flow_entry *entry, *peer;
	struct flow_tuple key;

	if (parse_packet(skb, l3, &p) || !p.payload)
		return 0;
	reverse_tuple(&key, &p.tuple);
	entry = bpf_map_lookup_elem(&flows, &key);
	if (!entry || entry->state == FLOW_CONNECTING || entry->flags & FLOW_FLAG_UPSTREAM)
		return 0;
	peer = flow_peer(entry);
	if (!peer)
		return 0;
	flow_progress(peer, p.seq + p.payload - peer->seq_delta, coarse_now());
	__sync_fetch_and_add(&peer->packets, 1);
	__sync_fetch_and_add(&peer->bytes, p.payload);
	return 0;
}

static __always_inline enum verdict guard_egress(struct __sk_buff *skb, __u32 l3)
{
	struct flow_tuple key;
	struct packet p = {.quiet = 1};

	/* Redirected packets come through here too, so this test stands first. The socket
	 * pointer would not tell: it survives the crossing of a veth. */
	if (skb->ingress_ifindex)
		return VERDICT_PASS;
	if (skb->priority == DAEMON_PRIORITY) {
		account_own(skb, l3);
		return VERDICT_PASS;
	}
	/* What the host sends is its own affair, malformed or not, unless it is of a flow. */
	if (parse_packet(skb, l3, &p))
		return VERDICT_PASS;
	reverse_tuple(&key, &p.tuple);
	if (bpf_map_lookup_elem(&flows, &key))
		return drop(COUNTER_DROP_LOCAL);
	return VERDICT_PASS;
}

SEC("tc")
int egress_ethernet(struct __sk_buff *skb)
{
	return tc_action(guard_egress(skb, ETH_HLEN));
}

SEC("tc")
int egress_raw(struct __sk_buff *skb)
{
	return tc_action(guard_egress(skb, 0));
}

#endif
