/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Turning a packet into our answer to it: addresses and ports change sides, the TCP header is
 * written anew, a payload may follow. Checksums are carried over from the packet's own, which is
 * right for CHECKSUM_PARTIAL and for full checksums alike.
 */
#ifndef SLUICE_ANSWER_H
#define SLUICE_ANSWER_H

#include "checksum.h"
#include "forward.h"
#include "kernel_skb.h"
#include "tcp_options.h"

#define ANSWER_TTL 64

/*
 * The ECN field in the first two bytes of an IP header. An answer is Not-ECT whatever the packet
 * was: nobody agreed on ECN with us (RFC 3168, 6.1.1), and a mark is of the other direction.
 */
#define IPV4_ECN 0x0003
#define IPV6_ECN 0x0030

struct tcp_header_bytes {
	struct tcphdr tcp;
	__u8 options[TCP_OPTIONS_MAX];
};

struct answer {
	struct tcp_header_bytes old;
	struct tcp_header_bytes new;
	__u32 size;	   /* bytes of new: 20...60, a multiple of 4 */
	__u32 old_payload; /* bytes and sum of what follows the header now */
	__u32 old_sum;
	__u32 new_payload; /* bytes and sum of what will */
	__u32 new_sum;
	__u32 echo;  /* TSecr of new, if it has timestamps */
	__u64 moved; /* sum of the addresses' changes, but for their changing sides */
};

/*
 * Where answers are put together: more than the stack of a call chain has room for. Per CPU, and a
 * program that builds one is not interrupted by another that does.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct answer);
} answers SEC(".maps");

/* An empty answer to the packet, whose TCP header it has; NULL: the header is not all there. */
static __always_inline struct answer *new_answer(struct __sk_buff *skb, const struct packet *p)
{
	__u32 key = 0;
	__u32 size = p->header;
	struct answer *a = bpf_map_lookup_elem(&answers, &key);

	if (!a)
		return NULL;
	__builtin_memset(a, 0, sizeof(*a));
	/* Bounds known to the caller, told to the verifier (seen with 6.18). */
	if (size < TCP_HEADER_MIN || size > TCP_HEADER_MAX ||
	    bpf_skb_load_bytes(skb, p->l4, &a->old, size))
		return NULL;
	return a;
}

/*
 * Whether the packet's checksum holds; old_sum is that of its data. The stack verifies what goes
 * up, the other end what is translated; nobody but us verifies a packet that ends here and of which
 * something is kept. One of a veth has the sum of its pseudo-header alone (CHECKSUM_PARTIAL), and
 * was on no wire.
 */
static __noinline int checksum_holds(struct __sk_buff *skb, struct packet *p, struct answer *a)
{
	enum checksum_state state = checksum_state(skb);
	__u64 sum;

	if (state == CHECKSUM_PARTIAL || state == CHECKSUM_UNNECESSARY)
		return 1;
	/* The prefix of mapped IPv4 addresses adds ffff twice, which is nothing. */
	sum = (__u32)bpf_csum_diff(NULL, 0, (__be32 *)&p->tuple.saddr, 32, 0);
	sum += bpf_htons(IPPROTO_TCP);
	sum += bpf_htons(p->header + p->payload);
	if (sum_fold16(sum) == a->old.tcp.check)
		return 1;
	sum += (__u32)bpf_csum_diff(NULL, 0, (__be32 *)&a->old, sizeof(a->old), 0);
	sum += a->old_sum;
	return sum_fold16(sum) == 0xffff;
}

/* Where payload is summed up, piece by piece; csum_diff takes no more at once. */
#define SUM_PIECE  512
#define SUM_PIECES 6

struct payload_piece {
	__u8 byte[SUM_PIECE];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct payload_piece);
} payload_pieces SEC(".maps");

/* Sums bytes of the packet. False: there are too many, or a helper failed. */
static __noinline int sum_bytes(struct __sk_buff *skb, __u32 at, __u32 left, __u32 *result)
{
	__u32 key = 0;
	struct payload_piece *piece = bpf_map_lookup_elem(&payload_pieces, &key);
	__u64 sum = 0;

	if (!piece)
		return 0;
	for (int i = 0; i < SUM_PIECES && left; i++) {
		__u32 size = left < SUM_PIECE ? left : SUM_PIECE;

		if (size < SUM_PIECE)
			__builtin_memset(piece, 0, sizeof(*piece));
		if (size < 1 || bpf_skb_load_bytes(skb, at, piece->byte, size))
			return 0;
		sum += (__u32)bpf_csum_diff(NULL, 0, (__be32 *)piece->byte, SUM_PIECE, 0);
		at += size;
		left -= size;
	}
	*result = sum_fold32(sum);
	return !left;
}

/*
 * Sums the payload, for an answer that goes without: its checksum is carried over from the
 * packet's. False: it is longer than any packet's that we answer, or a helper failed.
 */
static __always_inline int sum_payload(struct __sk_buff *skb, struct packet *p, struct answer *a)
{
	a->old_payload = p->payload;
	return sum_bytes(skb, p->l4 + p->header, p->payload, &a->old_sum);
}

static __always_inline int answer_ipv4(struct __sk_buff *skb, const struct packet *p, __u32 l3,
				       __u16 length)
{
	struct iphdr *ip = (void *)(long)skb->data + l3;
	__be16 *first = (__be16 *)ip;
	__be16 not_ect;
	__u64 sum = 0;

	if ((void *)(ip + 1) > (void *)(long)skb->data_end)
		return 0;
	not_ect = *first & ~bpf_htons(IPV4_ECN);
	sum_replace2(&sum, *first, not_ect);
	*first = not_ect;
	sum_replace4(&sum, ip->saddr, p->tuple.daddr.word[3]);
	sum_replace4(&sum, ip->daddr, p->tuple.saddr.word[3]);
	sum_replace2(&sum, ip->tot_len, bpf_htons(length));
	sum_replace2(&sum, *(__u16 *)&ip->ttl, bpf_htons(ANSWER_TTL << 8 | IPPROTO_TCP));
	ip->saddr = p->tuple.daddr.word[3];
	ip->daddr = p->tuple.saddr.word[3];
	ip->tot_len = bpf_htons(length);
	ip->ttl = ANSWER_TTL;
	ip->check = checksum_apply(ip->check, sum);
	return 1;
}

static __always_inline int answer_ipv6(struct __sk_buff *skb, const struct packet *p, __u32 l3,
				       __u16 length)
{
	struct ipv6hdr *ip = (void *)(long)skb->data + l3;

	if ((void *)(ip + 1) > (void *)(long)skb->data_end)
		return 0;
	*(__be16 *)ip &= ~bpf_htons(IPV6_ECN);
	__builtin_memcpy(&ip->saddr, &p->tuple.daddr, 16);
	__builtin_memcpy(&ip->daddr, &p->tuple.saddr, 16);
	ip->payload_len = bpf_htons(length - sizeof(*ip));
	ip->hop_limit = ANSWER_TTL;
	return 1;
}

/*
 * Makes the packet, whose TCP header is a.old, the answer. payload: a.new_payload bytes of a map
 * value, or NULL. False: a helper failed and the packet is of no more use.
 */
static __noinline int answer_packet(struct __sk_buff *skb, struct packet *p, struct answer *a,
				    struct hello_template *payload)
{
	enum checksum_state state = checksum_state(skb);
	__u32 size = a->size;
	__u32 bytes = a->new_payload;
	__u64 pseudo = a->moved, rest;
	__u32 l4 = p->l4, l3 = p->l3;
	__u32 check = l4 + __builtin_offsetof(struct tcphdr, check);
	__u16 length;

	/* Bounds known to the caller, told to the verifier (seen with 6.18). */
	if (l4 > L4_OFFSET_MAX || l3 > ETH_HLEN)
		return 0;
	if (size < TCP_HEADER_MIN || size > TCP_HEADER_MAX)
		return 0;
	a->new.tcp.source = p->tuple.dport;
	a->new.tcp.dest = p->tuple.sport;
	a->new.tcp.check = a->old.tcp.check;
	a->new.tcp.doff = size / 4;

	sum_replace2(&pseudo, bpf_htons(p->header + a->old_payload), bpf_htons(size + bytes));
	rest = (__u32)bpf_csum_diff((__be32 *)&a->old, sizeof(a->old), (__be32 *)&a->new,
				    sizeof(a->new), 0);
	rest += (__u32)~a->old_sum;
	rest += a->new_sum;
	if (state == CHECKSUM_PARTIAL)
		a->new.tcp.check = sum_fold16(a->old.tcp.check + pseudo);
	else if (state != CHECKSUM_COMPLETE)
		a->new.tcp.check = checksum_apply(a->old.tcp.check, pseudo + rest);

	/* A usual SYN and our answer to it are of one length. */
	if (skb->len != l4 + size + bytes && bpf_skb_change_tail(skb, l4 + size + bytes, 0))
		return 0;
	if (bpf_skb_store_bytes(skb, l4, &a->new, size, 0))
		return 0;
	if (payload) {
		if (bytes < 1 || bytes > TEMPLATE_PAYLOAD_MAX)
			return 0;
		if (bpf_skb_store_bytes(skb, l4 + size, payload->payload, bytes, 0))
			return 0;
	}
	length = l4 - l3 + size + bytes;
	if (p->is_ipv6 ? !answer_ipv6(skb, p, l3, length) : !answer_ipv4(skb, p, l3, length))
		return 0;
	if (state == CHECKSUM_COMPLETE) {
		bpf_l4_csum_replace(skb, check, 0, sum_fold32(pseudo),
				    BPF_F_PSEUDO_HDR | (p->is_ipv6 ? ipv6_csum_flag : 0));
		bpf_l4_csum_replace(skb, check, 0, sum_fold32(rest), 0);
	}
	p->header = size;
	return 1;
}

/* Whether a packet without data may be believed: one that ends here, and of which something is
 * told. */
static __noinline int is_intact(struct __sk_buff *skb, struct packet *p)
{
	struct answer *a = new_answer(skb, p);

	return a && (p->payload || checksum_holds(skb, p, a));
}

/* Readies an answer that was sent for another segment of it. False: a helper failed. */
static __always_inline int answer_again(struct __sk_buff *skb, const struct packet *p,
					struct answer *a)
{
	__u32 size = a->size;

	if (size < TCP_HEADER_MIN || size > TCP_HEADER_MAX)
		return 0;
	a->old_payload = a->new_payload;
	a->old_sum = a->new_sum;
	__builtin_memset(&a->old, 0, sizeof(a->old));
	return !bpf_skb_load_bytes(skb, p->l4, &a->old, size);
}

/* Where the answer goes: where its FIB route says; without one, out of where the packet came in. */
static __always_inline int find_way_back(struct __sk_buff *skb, const struct packet *p,
					 struct next_hop *hop)
{
	struct flow_ends way;

	reverse_ends(&way, ends_of(&p->tuple));
	return find_next_hop(skb, &way, hop, skb->ifindex);
}

static __always_inline enum verdict send_answer(struct __sk_buff *skb, struct packet *p)
{
	struct next_hop hop = {};

	if (!find_way_back(skb, p, &hop))
		return drop(COUNTER_DROP_NO_ROUTE);
	return redirect(skb, &hop, p->l3);
}

#endif
