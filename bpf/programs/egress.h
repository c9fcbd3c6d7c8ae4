/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * egress: the guard. Nothing that the local stack makes up (an RST, say) leaves for a tuple with a
 * flow; what the daemon and flowdump send does, and counts if it is a client's data or an RST.
 */
#ifndef SLUICE_PROGRAM_EGRESS_H
#define SLUICE_PROGRAM_EGRESS_H

#include "lib/flow.h"

/* A client's bytes that came before its flow stood, sent on by the daemon: they count as sent. */
static __always_inline void account_late(const struct packet *p, struct flow_entry *peer)
{
	flow_progress(peer, p->seq + p->payload - peer->seq_delta, coarse_tick());
	__sync_fetch_and_add(&peer->packets, 1);
	__sync_fetch_and_add(&peer->bytes, p->payload);
}

/* An RST of ours (flowdump kill) ends the flow; the worker that owns its port hears of it. */
static __always_inline void end_by_reset(struct packet *p, struct flow_entry *entry,
					 struct flow_entry *peer)
{
	if (entry->state == FLOW_CLOSED || entry->state == FLOW_RESET)
		return;
	set_state(entry, peer, FLOW_RESET);
	/* The FIB was not asked for it. */
	peer->way = WAY_UNKNOWN;
	peer->last_seen = coarse_tick();
	report_end(p, entry, peer, RECORD_KILLED);
}

/* What we send for a live flow has passed no program that would have seen it. */
static __noinline int account_own(struct __sk_buff *skb, __u32 l3)
{
	struct packet p = {.quiet = 1};
	struct flow_entry *entry, *peer;
	struct flow_tuple key;

	if (parse_packet(skb, l3, &p) || (!p.payload && !(p.tcp_flags & TCP_RST)))
		return 0;
	reverse_tuple(&key, ends_of(&p.tuple));
	entry = bpf_map_lookup_elem(&flows, &key);
	if (!entry || entry->state == FLOW_CONNECTING)
		return 0;
	peer = flow_peer(entry);
	if (!peer)
		return 0;
	if (p.tcp_flags & TCP_RST) {
		p.tuple = key;
		end_by_reset(&p, entry, peer);
	} else if (!(entry->flags & FLOW_FLAG_UPSTREAM)) {
		account_late(&p, peer);
	}
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
	reverse_tuple(&key, ends_of(&p.tuple));
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
