/* SPDX-License-Identifier: GPL-2.0-only */
/* flows: packets of spliced connections, at ingress. Its link is pinned: it outlives the daemon. */
#ifndef SLUICE_PROGRAM_FLOWS_H
#define SLUICE_PROGRAM_FLOWS_H

#include "lib/hello.h"
#include "lib/icmp.h"
#include "lib/plain.h"

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
	context.tsecr = options.tsecr;
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

	/* Behind them, as the endpoint counts, comes the client's first byte that it gets. */
	__u32 end = entry->first_seq + entry->preface_length + entry->seq_delta;

	if (peer && !seq_before(peer->last_ack, end)) {
		clear_flags(entry, FLOW_FLAG_OWNED);
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
		if (p->seq != entry->first_seq - 1)
			flow_delete(&p->tuple, entry);
		return VERDICT_PASS;
	}
	if (p->tcp_flags & TCP_RST) {
		/* As before there was a row: another number is a stranger's. */
		if (!continues_handshake(p, entry->first_seq - 1, entry->own_isn))
			return drop(COUNTER_DROP_CONNECTING);
		if (!is_intact(skb, p))
			return drop(COUNTER_DROP_MALFORMED);
		report_client(p, entry->created_ns, entry->worker, RECORD_ABANDONED);
		return drop(COUNTER_DROP_CONNECTING);
	}
	if (!p->payload)
		return drop(COUNTER_DROP_CONNECTING);
	return hand_over(skb, p, entry);
}

/* What is to be done with a packet of a flow before it is translated. */
static __always_inline enum verdict flow_packet(struct __sk_buff *skb, struct packet *p,
						struct flow_entry *entry)
{
	if (entry->state == FLOW_CONNECTING) {
		if (entry->flags & FLOW_FLAG_UPSTREAM)
			return client_connecting(skb, p, entry);
		return endpoint_connecting(skb, p, entry);
	}
	/* Any other SYN on a live flow is for the other end to challenge (RFC 5961, 4). */
	if ((p->tcp_flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK) &&
	    !(entry->flags & (FLOW_FLAG_UPSTREAM | FLOW_FLAG_PLAIN)))
		return endpoint_repeats(skb, p, entry);
	if (entry->flags & FLOW_FLAG_OWNED)
		return owned_bytes(skb, p, entry);
	return VERDICT_CONTINUE;
}

/* Whether the packet is of a new connection, and the flow of one that is over. */
static __always_inline int begins_anew(const struct packet *p, const struct flow_entry *entry)
{
	return p->tcp_flags & TCP_SYN && entry->flags & FLOW_FLAG_UPSTREAM && is_over(entry);
}

/* After so long a ring that is full has no reader, and no port is waited for. */
#define READER_PATIENCE_TICKS (1000000000ll >> TICK_SHIFT)

static __always_inline int is_recent(const struct flow_entry *entry, const struct flow_entry *peer)
{
	__u32 seen = entry->last_seen;

	if (peer && is_later(peer->last_seen, seen))
		seen = peer->last_seen;
	return seen && ticks_since(seen, coarse_tick()) < READER_PATIENCE_TICKS;
}

/*
 * Removes a flow that is over, and tells late of its end if nobody was told, for its port to come
 * back. False: the ring has no room still, and the client is to repeat its SYN.
 */
static __noinline int remove_over(struct packet *p, struct flow_entry *entry)
{
	__u32 kind = entry->state == FLOW_CLOSED ? RECORD_CLOSED : RECORD_RESET;
	struct flow_entry *peer;

	if (!(entry->flags & FLOW_FLAG_UNTOLD) || report_flow(p, entry, kind)) {
		flow_delete(&p->tuple, entry);
		return 1;
	}
	peer = flow_peer(entry);
	if (is_recent(entry, peer))
		return 0;
	/*
	 * By the endpoint's row the daemon's sweeper finds the port, when there is one again. It
	 * may have been revived alone: nobody is to take it for half of a live flow.
	 */
	if (peer)
		peer->state = entry->state;
	bpf_map_delete_elem(&flows, &p->tuple);
	return 1;
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
	if (entry && begins_anew(&p, entry)) {
		if (!remove_over(&p, entry))
			return drop(COUNTER_DROP_RING_FULL);
		entry = NULL;
	}
	if (entry) {
		verdict = flow_packet(skb, &p, entry);
		if (verdict)
			return verdict;
	} else {
		if (!has_plain)
			return VERDICT_PASS; /* the handshake program counts it */
		entry = plain_entry(skb, &p);
		if (!entry)
			return p.verdict;
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
