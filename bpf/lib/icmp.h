/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ICMP errors about flows (RFC 792, RFC 4443): translated whole, so that the sender's own kernel
 * accepts them and path MTU discovery lives. The quoted packet is one that we translated: reversed,
 * its tuple is the key of the other direction, whose row says what the sender had written.
 */
#ifndef SLUICE_ICMP_H
#define SLUICE_ICMP_H

#include "checksum.h"
#include "flow.h"
#include "forward.h"
#include "icmp_header.h"

/* What every router quotes of a TCP header. */
struct quoted_tcp {
	__be16 source;
	__be16 dest;
	__be32 seq;
};

struct icmp4_error {
	struct iphdr outer;
	struct icmp_header icmp;
	struct iphdr inner;
	struct quoted_tcp tcp;
};

struct icmp6_error {
	struct ipv6hdr outer;
	struct icmp_header icmp;
	struct ipv6hdr inner;
	struct quoted_tcp tcp;
};

/*
 * The row of the direction against the quoted packet, if the error may be believed: the flow
 * stands, and what is quoted is under way (RFC 5927, 4.1). NULL: *verdict says what becomes of it.
 * A call of its own, since its stack would lie on the caller's: the kernel allows a chain of calls
 * 512 bytes, of which translate_icmp6 and find_next_hop take nearly all.
 */
static __noinline struct flow_entry *quoted_flow(struct flow_tuple *key, __be32 quoted_seq,
						 enum verdict *verdict)
{
	struct flow_entry *entry = bpf_map_lookup_elem(&flows, key);
	struct flow_entry *sender;
	__u32 under_way;

	if (!entry || entry->state == FLOW_CONNECTING) {
		*verdict = pass(COUNTER_PASS_NOT_TCP);
		return NULL;
	}
	sender = flow_peer(entry);
	if (sender) {
		under_way = (__u32)sender->next_seq + sender->seq_delta - entry->last_ack;
		if (bpf_ntohl(quoted_seq) - entry->last_ack <= under_way)
			return entry;
	}
	*verdict = drop(COUNTER_DROP_ICMP_STALE);
	return NULL;
}

static __always_inline void restore_tcp(struct quoted_tcp *tcp, const struct flow_entry *entry)
{
	__u32 seq = bpf_ntohl(tcp->seq);

	/* A segment that begins with bytes of ours begins, for the client, with its first. */
	if (seq - (entry->own_isn + 1) < entry->owned_length &&
	    !(entry->flags & FLOW_FLAG_UPSTREAM))
		seq = entry->own_isn + 1 + entry->owned_length;
	tcp->source = entry->rewrite.dport;
	tcp->dest = entry->rewrite.sport;
	tcp->seq = bpf_htonl(seq + entry->ack_delta);
}

static __always_inline enum verdict send_error(struct __sk_buff *skb, struct packet *p,
					       struct flow_entry *entry)
{
	struct next_hop hop = {};

	if (!find_next_hop(skb, &entry->rewrite, &hop, 0))
		return drop(COUNTER_DROP_NO_ROUTE);
	count(COUNTER_ICMP_TRANSLATED);
	return redirect(skb, &hop, p->l3);
}

/* The error comes from the listener, or from us: no router behind us shows on the other side. */
static __always_inline void restore_ipv4(struct icmp4_error *e, const struct flow_entry *entry)
{
	__be32 saddr = entry->rewrite.saddr.word[3];
	__be32 daddr = entry->rewrite.daddr.word[3];
	__u16 ttl_word = *(__u16 *)&e->outer.ttl;
	__u64 outer = 0, inner = 0;

	e->outer.ttl--;
	sum_replace2(&outer, ttl_word, *(__u16 *)&e->outer.ttl);
	sum_replace4(&outer, e->outer.saddr, saddr);
	sum_replace4(&outer, e->outer.daddr, daddr);
	e->outer.check = checksum_apply(e->outer.check, outer);
	e->outer.saddr = saddr;
	e->outer.daddr = daddr;
	sum_replace4(&inner, e->inner.saddr, daddr);
	sum_replace4(&inner, e->inner.daddr, saddr);
	e->inner.check = checksum_apply(e->inner.check, inner);
	e->inner.saddr = daddr;
	e->inner.daddr = saddr;
}

static __noinline int translate_icmp4(struct __sk_buff *skb, struct packet *p)
{
	struct icmp4_error e;
	enum verdict verdict = VERDICT_PASS;
	struct flow_tuple key = {};
	struct flow_entry *entry;
	struct {
		struct iphdr inner;
		struct quoted_tcp tcp;
	} old;

	if (bpf_skb_load_bytes(skb, p->l3, &e, sizeof(e)))
		return pass(COUNTER_PASS_NOT_TCP);
	if (e.outer.ihl != 5 || e.outer.frag_off & bpf_htons(IP_OFFSET_MASK | IP_MORE_FRAGMENTS) ||
	    e.inner.version != 4 || e.inner.ihl != 5 || e.inner.protocol != IPPROTO_TCP ||
	    e.inner.frag_off & bpf_htons(IP_OFFSET_MASK) || e.outer.daddr != e.inner.saddr)
		return pass(COUNTER_PASS_NOT_TCP);
	if (e.icmp.type != ICMP_DEST_UNREACH && e.icmp.type != ICMP_TIME_EXCEEDED &&
	    e.icmp.type != ICMP_PARAM_PROBLEM)
		return pass(COUNTER_PASS_NOT_TCP);
	map_ipv4(&key.saddr, e.inner.daddr);
	map_ipv4(&key.daddr, e.inner.saddr);
	key.sport = e.tcp.dest;
	key.dport = e.tcp.source;
	key.protocol = IPPROTO_TCP;
	entry = quoted_flow(&key, e.tcp.seq, &verdict);
	if (!entry)
		return verdict;
	if (e.outer.ttl <= 1)
		return drop(COUNTER_DROP_TTL);
	old.inner = e.inner;
	old.tcp = e.tcp;
	restore_ipv4(&e, entry);
	restore_tcp(&e.tcp, entry);
	e.icmp.check = checksum_apply(e.icmp.check,
				      (__u32)bpf_csum_diff((__be32 *)&old, sizeof(old),
							   (__be32 *)&e.inner, sizeof(old), 0));
	if (bpf_skb_store_bytes(skb, p->l3, &e, sizeof(e), BPF_F_RECOMPUTE_CSUM))
		return drop(COUNTER_DROP_KERNEL);
	return send_error(skb, p, entry);
}

static __noinline int translate_icmp6(struct __sk_buff *skb, struct packet *p)
{
	struct icmp6_error e;
	enum verdict verdict = VERDICT_PASS;
	struct flow_tuple key = {};
	struct flow_entry *entry;
	__u64 sum;

	if (bpf_skb_load_bytes(skb, p->l3, &e, sizeof(e)))
		return pass(COUNTER_PASS_NOT_TCP);
	/* Errors are below 128; echo and neighbour discovery are not (RFC 4443, 2.1). */
	if (e.icmp.type < ICMPV6_DEST_UNREACH || e.icmp.type > ICMPV6_PARAM_PROBLEM ||
	    e.inner.version != 6 || e.inner.nexthdr != IPPROTO_TCP)
		return pass(COUNTER_PASS_NOT_TCP);
	__builtin_memcpy(&key.saddr, &e.inner.daddr, 16);
	__builtin_memcpy(&key.daddr, &e.inner.saddr, 16);
	key.sport = e.tcp.dest;
	key.dport = e.tcp.source;
	key.protocol = IPPROTO_TCP;
	entry = quoted_flow(&key, e.tcp.seq, &verdict);
	if (!entry)
		return verdict;
	if (e.outer.hop_limit <= 1)
		return drop(COUNTER_DROP_TTL);
	/* The checksum covers the addresses of both headers and the quoted TCP header. */
	sum = (__u32)bpf_csum_diff((__be32 *)&e.outer.saddr, 32, NULL, 0, 0);
	sum += (__u32)bpf_csum_diff((__be32 *)&e.inner.saddr, 32 + sizeof(e.tcp), NULL, 0, 0);
	e.outer.hop_limit--;
	__builtin_memcpy(&e.outer.saddr, &entry->rewrite.saddr, 16);
	__builtin_memcpy(&e.outer.daddr, &entry->rewrite.daddr, 16);
	__builtin_memcpy(&e.inner.saddr, &entry->rewrite.daddr, 16);
	__builtin_memcpy(&e.inner.daddr, &entry->rewrite.saddr, 16);
	restore_tcp(&e.tcp, entry);
	sum += (__u32)bpf_csum_diff(NULL, 0, (__be32 *)&e.outer.saddr, 32, 0);
	sum += (__u32)bpf_csum_diff(NULL, 0, (__be32 *)&e.inner.saddr, 32 + sizeof(e.tcp), 0);
	e.icmp.check = checksum_apply(e.icmp.check, sum);
	if (bpf_skb_store_bytes(skb, p->l3, &e, sizeof(e), BPF_F_RECOMPUTE_CSUM))
		return drop(COUNTER_DROP_KERNEL);
	return send_error(skb, p, entry);
}

#endif
