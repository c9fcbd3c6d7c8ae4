/* SPDX-License-Identifier: GPL-2.0-only */
/* Translation of one packet by its flow entry: addresses, ports, numbers, options, checksums. */
#ifndef SLUICE_REWRITE_H
#define SLUICE_REWRITE_H

#include "checksum.h"
#include "forward.h"
#include "icmp_answer.h"
#include "kernel_skb.h"
#include "tcp_options.h"

/*
 * What changed, as sums: what the pseudo-header covers as well, the TCP header alone, and what no
 * checksum of the packet covers.
 */
struct changes {
	__u64 addresses;
	__u64 rest;
	__u64 uncovered;
};

/* True: done. False: TTL ran out, nothing was written. */
static __always_inline int rewrite_ipv4(struct iphdr *ip, const struct flow_entry *entry,
					struct changes *changes)
{
	__be32 saddr = entry->rewrite.saddr.word[3];
	__be32 daddr = entry->rewrite.daddr.word[3];
	__u16 *ttl_word = (__u16 *)&ip->ttl; /* with the protocol behind it */
	__u16 old_ttl_word = *ttl_word;
	__u64 sum;

	if (ip->ttl <= 1)
		return 0;
	sum_replace4(&changes->addresses, ip->saddr, saddr);
	sum_replace4(&changes->addresses, ip->daddr, daddr);
	sum = changes->addresses;
	ip->ttl--;
	sum_replace2(&sum, old_ttl_word, *ttl_word);
	ip->saddr = saddr;
	ip->daddr = daddr;
	ip->check = checksum_apply(ip->check, sum);
	return 1;
}

static __always_inline int rewrite_ipv6(struct ipv6hdr *ip, const struct flow_entry *entry,
					struct changes *changes)
{
	__be32 *saddr = (__be32 *)&ip->saddr;
	__be32 *daddr = (__be32 *)&ip->daddr;
	__u16 *hop_word = (__u16 *)&ip->nexthdr; /* with the hop limit behind it */
	__u16 old_hop_word = *hop_word;

	if (ip->hop_limit <= 1)
		return 0;
	for (int i = 0; i < 4; i++) {
		sum_replace4(&changes->addresses, saddr[i], entry->rewrite.saddr.word[i]);
		sum_replace4(&changes->addresses, daddr[i], entry->rewrite.daddr.word[i]);
		saddr[i] = entry->rewrite.saddr.word[i];
		daddr[i] = entry->rewrite.daddr.word[i];
	}
	ip->hop_limit--;
	sum_replace2(&changes->uncovered, old_hop_word, *hop_word);
	return 1;
}

/* The window in the other side's scale: rounded down, saturated. A SYN's is never scaled. */
static __always_inline __u16 rescale_window(__u16 window, __s8 shift)
{
	if (shift >= 0) {
		__u32 wide = (__u32)window << (shift & 15);

		return wide > 0xffff ? 0xffff : wide;
	}
	return window >> (-shift & 15);
}

static __always_inline void rewrite_tcp(struct tcphdr *tcp, const struct packet *p,
					const struct flow_entry *entry, struct changes *changes)
{
	__be32 *ports = (__be32 *)tcp;
	__be32 new_ports = *(__be32 *)&entry->rewrite.sport; /* sport, then dport, as in TCP */
	__be32 seq = bpf_htonl(p->seq + entry->seq_delta);

	sum_replace4(&changes->rest, *ports, new_ports);
	*ports = new_ports;
	sum_replace4(&changes->rest, tcp->seq, seq);
	tcp->seq = seq;
	if (p->tcp_flags & TCP_ACK) {
		__be32 ack = bpf_htonl(p->ack + entry->ack_delta);

		sum_replace4(&changes->rest, tcp->ack_seq, ack);
		tcp->ack_seq = ack;
	}
	if (entry->window_shift && !(p->tcp_flags & TCP_SYN)) {
		__be16 window = bpf_htons(rescale_window(p->window, entry->window_shift));

		sum_replace2(&changes->rest, tcp->window, window);
		tcp->window = window;
	}
}

/* The two words of NOP NOP timestamps, 4-aligned in the header. */
static __always_inline void rewrite_timestamps(__be32 *words, const struct packet *p,
					       const struct flow_entry *entry,
					       struct changes *changes)
{
	__be32 tsval = bpf_htonl(bpf_ntohl(words[1]) + entry->tsval_delta);

	sum_replace4(&changes->rest, words[1], tsval);
	words[1] = tsval;
	/* Without ACK, TSecr means nothing and is 0 (RFC 7323, 3.2). */
	if (words[2] || p->tcp_flags & TCP_ACK) {
		__be32 tsecr = bpf_htonl(bpf_ntohl(words[2]) + entry->tsecr_delta);

		sum_replace4(&changes->rest, words[2], tsecr);
		words[2] = tsecr;
	}
}

/* A walk that changes options in place. */
struct option_rewriting {
	struct option_walk walk;
	__u32 tsval_delta;
	__u32 tsecr_delta;
	__u32 ack_delta;
	__u16 strip_sack;
	__u16 has_ack;
};

static __always_inline void rewrite_sack(struct option_rewriting *r, __u32 at, __u8 length)
{
	struct tcp_option_bytes *bytes = &r->walk.bytes;

	if (r->strip_sack) {
		for (__u32 i = 0; i < 2 + 4 * 8; i++)
			if (i < length)
				bytes->byte[(at + i) & 63] = TCPOPT_NOP;
		return;
	}
	for (__u32 i = 0; i < 8; i++) {
		__u32 edge = at + 2 + i * 4;

		if (2 + i * 4 + 4 > length)
			break;
		option_put_word(bytes, edge, option_word(bytes, edge) + r->ack_delta);
	}
}

static long rewrite_step(__u32 index, struct option_rewriting *r)
{
	struct tcp_option_bytes *bytes = &r->walk.bytes;
	__u8 length = 0;
	__u32 at;
	int kind = next_option(&r->walk, &at, &length);

	if (kind == TCPOPT_TIMESTAMP && length == 10) {
		__u32 tsecr = option_word(bytes, at + 6);

		option_put_word(bytes, at + 2, option_word(bytes, at + 2) + r->tsval_delta);
		if (tsecr || r->has_ack)
			option_put_word(bytes, at + 6, tsecr + r->tsecr_delta);
	} else if (kind == TCPOPT_SACK) {
		rewrite_sack(r, at, length);
	}
	return kind < 0;
}

/*
 * Options in any order and at any alignment: copied to the stack, changed there, stored back; the
 * sum of the whole block before and after needs no care for odd offsets. False: a helper failed.
 */
static __noinline int rewrite_options(struct __sk_buff *skb, struct packet *p,
				      struct flow_entry *entry, __u32 *sum)
{
	struct tcp_option_bytes old = {};
	struct option_rewriting r = {};
	__u32 size = p->header - TCP_HEADER_MIN;
	__u32 offset = p->l4 + TCP_HEADER_MIN;

	if (size < 1 || size > TCP_OPTIONS_MAX)
		return 0;
	if (bpf_skb_load_bytes(skb, offset, &old, size))
		return 0;
	r.walk.bytes = old;
	r.walk.size = size;
	r.tsval_delta = entry->tsval_delta;
	r.tsecr_delta = entry->tsecr_delta;
	r.ack_delta = entry->ack_delta;
	r.strip_sack = entry->flags & FLOW_FLAG_STRIP_SACK;
	r.has_ack = p->tcp_flags & TCP_ACK;
	bpf_loop(TCP_OPTIONS_MAX, rewrite_step, &r, 0);
	if (bpf_skb_store_bytes(skb, offset, &r.walk.bytes, size, 0))
		return 0;
	*sum = bpf_csum_diff((__be32 *)&old, TCP_OPTIONS_MAX, (__be32 *)&r.walk.bytes,
			     TCP_OPTIONS_MAX, 0);
	return 1;
}

/*
 * Carries the TCP checksum over the changes: by hand, since the helpers take as long as the rest of
 * a translation, but for CHECKSUM_COMPLETE, which they keep right. False: a helper failed.
 */
static __always_inline int carry_checksum(struct __sk_buff *skb, const struct packet *p,
					  const struct changes *changes)
{
	enum checksum_state state = checksum_state(skb);
	struct tcphdr *tcp;
	__u32 l4 = p->l4;
	__u32 at = l4 + __builtin_offsetof(struct tcphdr, check);

	if (state == CHECKSUM_COMPLETE) {
		__u64 family_flag = p->is_ipv6 ? ipv6_csum_flag : 0;

		if (bpf_l4_csum_replace(skb, at, 0, sum_fold32(changes->addresses),
					BPF_F_PSEUDO_HDR | family_flag) ||
		    bpf_l4_csum_replace(skb, at, 0, sum_fold32(changes->rest), 0))
			return 0;
		if (p->is_ipv6)
			bpf_csum_update(skb, sum_fold32(changes->uncovered));
		return 1;
	}
	/* Storing options made the pointers void. */
	tcp = (void *)(long)skb->data + l4;
	if (l4 > L4_OFFSET_MAX || (void *)(tcp + 1) > (void *)(long)skb->data_end)
		return 0;
	if (state == CHECKSUM_PARTIAL)
		tcp->check = sum_fold16(tcp->check + changes->addresses);
	else
		tcp->check = checksum_apply(tcp->check, changes->addresses + changes->rest);
	return 1;
}

/* Translates the packet; VERDICT_CONTINUE when it is ready to leave. */
static __always_inline enum verdict rewrite_packet(struct __sk_buff *skb, struct packet *p,
						   struct flow_entry *entry)
{
	struct changes changes = {};
	int options_left = p->header > TCP_HEADER_MIN;
	__u32 l3 = p->l3, l4 = p->l4;
	void *data, *end;
	struct tcphdr *tcp;
	int alive;

	data = (void *)(long)skb->data;
	end = (void *)(long)skb->data_end;
	/* Bounds known since parsing, told to the verifier again (seen with 6.18). */
	if (l3 > ETH_HLEN || l4 > L4_OFFSET_MAX)
		return drop(COUNTER_DROP_MALFORMED);
	if (p->is_ipv6) {
		struct ipv6hdr *ip = data + l3;

		if ((void *)(ip + 1) > end)
			return drop(COUNTER_DROP_MALFORMED);
		alive = rewrite_ipv6(ip, entry, &changes);
	} else {
		struct iphdr *ip = data + l3;

		if ((void *)(ip + 1) > end)
			return drop(COUNTER_DROP_MALFORMED);
		alive = rewrite_ipv4(ip, entry, &changes);
	}
	if (!alive) {
		count(COUNTER_DROP_TTL);
		return answer_icmp(skb, p, 0);
	}
	tcp = data + l4;
	if ((void *)(tcp + 1) > end)
		return drop(COUNTER_DROP_MALFORMED);
	rewrite_tcp(tcp, p, entry, &changes);
	if (p->header == TCP_HEADER_MIN + 12 && (void *)tcp + TCP_HEADER_MIN + 12 <= end) {
		__be32 *words = (void *)(tcp + 1);

		if (words[0] == bpf_htonl(TIMESTAMP_WORD)) {
			rewrite_timestamps(words, p, entry, &changes);
			options_left = 0;
		}
	}
	if (options_left) {
		__u32 sum = 0;

		if (!rewrite_options(skb, p, entry, &sum))
			return drop(COUNTER_DROP_KERNEL);
		changes.rest += sum;
	}
	if (!carry_checksum(skb, p, &changes))
		return drop(COUNTER_DROP_KERNEL);
	return VERDICT_CONTINUE;
}

#endif
