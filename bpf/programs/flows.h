/* SPDX-License-Identifier: GPL-2.0-only */
/* flows: packets of spliced connections, at ingress. Its link is pinned: it outlives the daemon. */
#ifndef SLUICE_PROGRAM_FLOWS_H
#define SLUICE_PROGRAM_FLOWS_H

#include "lib/hello.h"
#include "lib/icmp.h"
#include "lib/icmp_answer.h"
#include "lib/rewrite.h"

/* How many packets of a flow are dropped for the receiver's MSS alone. */
#define LIMIT_TOLD_MAX 3

/* Data of the client that the daemon must see: nobody acknowledges it, so the client repeats it. */
static __noinline int hand_over(struct __sk_buff *skb, struct packet *p, struct flow_entry *entry)
{
	struct hello_context context = {};
	struct tcp_options options = {};

	if (!load_options(skb, p, &options))
		return drop(COUNTER_DROP_MALFORMED);
	context.p = p;
	context.created_ns = entry->created_ns;
	context.tsval = options.tsval;
	context.worker = entry->worker;
	return report_hello(skb, &context);
}

/*
 * Bytes of ours are in front of the client's, and nobody but us can repeat them. Until the endpoint
 * has acknowledged them, the client's data goes by way of the daemon, which sends them again.
 */
static __noinline int owned_bytes(struct __sk_buff *skb, struct packet *p, struct flow_entry *entry)
{
	struct flow_entry *peer = flow_peer(entry);

	if (peer && !seq_before(peer->last_ack, entry->isn + 1 + entry->owned_length)) {
		entry->flags &= ~FLOW_FLAG_OWNED;
		return VERDICT_CONTINUE;
	}
	if (!p->payload || p->tcp_flags & (TCP_SYN | TCP_RST) ||
	    (entry->state != FLOW_ESTABLISHED && entry->state != FLOW_CLOSING))
		return VERDICT_CONTINUE;
	return hand_over(skb, p, entry);
}

/* A packet of the client while its flow is connecting. */
static __noinline int client_connecting(struct __sk_buff *skb, struct packet *p,
					struct flow_entry *entry)
{
	if (p->tcp_flags & TCP_SYN) {
		/* Another connection of the same port: the first was given up. */
		if (p->seq != entry->client_isn)
			flow_delete(&p->tuple, entry);
		return VERDICT_PASS;
	}
	if (p->tcp_flags & TCP_RST) {
		if (!is_intact(skb, p))
			return drop(COUNTER_DROP_MALFORMED);
		report_client(p, entry->created_ns, entry->worker, RECORD_ABANDONED);
		return drop(COUNTER_DROP_CONNECTING);
	}
	if (!p->payload)
		return drop(COUNTER_DROP_CONNECTING);
	return hand_over(skb, p, entry);
}

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
static __noinline int too_big(struct __sk_buff *skb, struct packet *p, struct flow_entry *entry)
{
	__u32 length = packet_length(skb, p);
	__u32 least = p->is_ipv6 ? MIN_MTU_IPV6 : MIN_MTU_IPV4;
	__u32 limit = entry->next_hop.mtu;

	if (length <= limit) {
		limit = entry->size_limit;
		if (length <= limit || limit < least || entry->limit_told >= LIMIT_TOLD_MAX)
			return VERDICT_CONTINUE;
		entry->limit_told++;
	}
	count(COUNTER_DROP_TOO_BIG);
	return answer_icmp(skb, p, limit);
}

/* Once in a while: where packets leave, and whether the flow is still whole. */
static __noinline int refresh(struct __sk_buff *skb, struct packet *p, struct flow_entry *entry)
{
	struct flow_entry *peer = flow_peer(entry);

	if (!peer && (entry->state == FLOW_ESTABLISHED || entry->state == FLOW_CLOSING))
		report_flow(p, entry, RECORD_ORPHANED);
	return find_next_hop(skb, &entry->rewrite, &entry->next_hop,
			     peer ? peer->ingress_ifindex : 0);
}

static __always_inline enum verdict translate(struct __sk_buff *skb, struct packet *p,
					      struct flow_entry *entry)
{
	__u64 now = coarse_now();
	enum verdict verdict;

	if (now - entry->next_hop_checked_ns > NEXT_HOP_TTL_NS) {
		if (!refresh(skb, p, entry))
			return drop(COUNTER_DROP_NO_ROUTE);
		entry->next_hop_checked_ns = now;
	}
	if (skb->len - p->l3 > entry->next_hop.mtu || skb->len - p->l3 > entry->size_limit) {
		verdict = too_big(skb, p, entry);
		if (verdict)
			return verdict;
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

	if (verdict) {
		if (p.is_icmp)
			return p.is_ipv6 ? translate_icmp6(skb, &p) : translate_icmp4(skb, &p);
		return verdict;
	}
	entry = bpf_map_lookup_elem(&flows, &p.tuple);
	/* The stack, where the others go too, must not put it together and answer. */
	if (p.is_fragment)
		return entry ? drop(COUNTER_DROP_FRAGMENT) : pass(COUNTER_PASS_FRAGMENT);
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
	if (entry->flags & FLOW_FLAG_OWNED) {
		verdict = owned_bytes(skb, &p, entry);
		if (verdict)
			return verdict;
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
