/* SPDX-License-Identifier: GPL-2.0-only */
/* flows: packets of spliced connections, at ingress. Its link is pinned: it outlives the daemon. */
#ifndef SLUICE_PROGRAM_FLOWS_H
#define SLUICE_PROGRAM_FLOWS_H

#include "lib/hello.h"
#include "lib/rewrite.h"

/* A packet of the client while its flow is connecting. */
static __noinline int client_connecting(struct __sk_buff *skb, struct packet *p,
					struct flow_entry *entry)
{
	struct hello_context context = {};
	struct tcp_options options = {};

	if (p->tcp_flags & TCP_SYN) {
		/* Another connection of the same port: the first was given up. */
		if (p->seq != entry->client_isn)
			flow_delete(&p->tuple, entry);
		return VERDICT_PASS;
	}
	if (p->tcp_flags & TCP_RST) {
		report_abandoned(p, entry->created_ns, entry->worker);
		return drop(COUNTER_DROP_CONNECTING);
	}
	if (!p->payload)
		return drop(COUNTER_DROP_CONNECTING);
	if (!load_options(skb, p, &options))
		return drop(COUNTER_DROP_MALFORMED);
	context.p = p;
	context.created_ns = entry->created_ns;
	context.tsval = options.tsval;
	context.worker = entry->worker;
	return report_hello(skb, &context);
}

static __always_inline enum verdict translate(struct __sk_buff *skb, struct packet *p,
					      struct flow_entry *entry)
{
	__u64 now = bpf_ktime_get_coarse_ns();
	enum verdict verdict;

	if (now - entry->next_hop_checked_ns > NEXT_HOP_TTL_NS) {
		struct flow_entry *peer = flow_peer(entry);

		if (!find_next_hop(skb, &entry->rewrite, &entry->next_hop,
				   peer ? peer->ingress_ifindex : 0))
			return drop(COUNTER_DROP_NO_ROUTE);
		entry->next_hop_checked_ns = now;
	}
	flow_seen(skb, p, entry, now);
	verdict = rewrite_packet(skb, p, entry);
	if (verdict)
		return verdict;
	count(COUNTER_TRANSLATED);
	return redirect(skb, &entry->next_hop, p->l3);
}

static __always_inline enum verdict flows_ingress(struct __sk_buff *skb, __u32 l3)
{
	struct packet p = {};
	struct flow_entry *entry;
	enum verdict verdict = parse_packet(skb, l3, &p);

	if (verdict)
		return verdict;
	entry = bpf_map_lookup_elem(&flows, &p.tuple);
	if (!entry)
		return VERDICT_PASS; /* the handshake program counts it */
	if (entry->state == FLOW_CONNECTING) {
		if (entry->flags & FLOW_FLAG_UPSTREAM)
			return client_connecting(skb, &p, entry);
		return endpoint_connecting(skb, &p, entry);
	}
	if (p.tcp_flags & TCP_SYN) {
		if (!(entry->flags & FLOW_FLAG_UPSTREAM)) {
			if (p.tcp_flags & TCP_ACK)
				return endpoint_repeats(skb, &p, entry);
		} else if (entry->state == FLOW_CLOSED || entry->state == FLOW_RESET) {
			flow_delete(&p.tuple, entry);
			return VERDICT_PASS;
		}
		/* On a live flow a SYN is for the other end to challenge (RFC 5961, 4). */
	}
	return translate(skb, &p, entry);
}

SEC("tc")
int flows_ethernet(struct __sk_buff *skb)
{
	return tc_action(flows_ingress(skb, ETH_HLEN));
}

/* For devices without a link header. */
SEC("tc")
int flows_raw(struct __sk_buff *skb)
{
	return tc_action(flows_ingress(skb, 0));
}

#endif
