/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a packet to its tuple. The layer 3 offset is 14 on devices with an Ethernet header and 0 on
 * those without (tun, WireGuard). IPv6 extension headers that a host may see are walked.
 */
#ifndef SLUICE_PARSE_H
#define SLUICE_PARSE_H

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>

#include "counters.h"

#define IPV6_EXTENSIONS_MAX 4	/* headers walked before TCP */
#define L4_OFFSET_MAX	    512 /* of the TCP header in the packet */

#define IP_OFFSET_MASK	  0x1fff /* of a fragment behind the first */
#define IP_MORE_FRAGMENTS 0x2000
#define IP6_OFFSET_MASK	  0xfff8

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_PSH 0x08
#define TCP_ACK 0x10
#define TCP_URG 0x20

/* RFC 8200, 4.5. */
struct ipv6_fragment {
	__u8 next;
	__u8 reserved;
	__be16 offset; /* in units of 8 bytes, with flags in the low bits */
	__be32 id;
};

/* A parsed TCP packet. Offsets are from skb->data. */
struct packet {
	struct flow_tuple tuple;
	__u32 l3;
	__u32 l4;
	__u32 header;  /* bytes of TCP header, 20...60 */
	__u32 payload; /* bytes of TCP payload by the IP length */
	__u32 seq;
	__u32 ack;
	__u8 is_ipv6;
	__u8 tcp_flags;
	__u16 window;	  /* host order */
	__u16 mss;	  /* of a SYN-ACK, once its options were read */
	__u8 is_fragment; /* the first of several: the only one that names its ports */
	__u8 is_icmp;	  /* ICMP, nothing of it parsed */
	__u8 quiet;	  /* another program counted this packet already */
	__u8 verdict;	  /* where there is no entry to translate it by */
};

static __always_inline void map_ipv4(struct ip_address *to, __be32 from)
{
	to->word[0] = 0;
	to->word[1] = 0;
	to->word[2] = bpf_htonl(0xffff);
	to->word[3] = from;
}

/* Steps past extension headers; returns the offset of TCP, 0 = a header that we do not walk. */
static __always_inline __u32 walk_extensions(void *data, void *end, __u32 at, __u8 next)
{
	for (int i = 0; i <= IPV6_EXTENSIONS_MAX; i++) {
		if (next == IPPROTO_TCP)
			return at;
		if (next != IPPROTO_HOPOPTS && next != IPPROTO_DSTOPTS)
			return 0;
		if (at > L4_OFFSET_MAX - 8)
			return 0;
		__u8 *extension = data + at;

		if ((void *)(extension + 2) > end)
			return 0;
		next = extension[0];
		at += ((__u32)extension[1] + 1) * 8;
	}
	return 0;
}

/*
 * Makes the IP and TCP headers linear if they are not, and no byte more: pulling payload would
 * cost a copy of every packet. Pointers into the packet are void afterwards.
 */
static __always_inline void pull_headers(struct __sk_buff *skb, __u32 l3)
{
	__u32 ip = skb->protocol == bpf_htons(ETH_P_IPV6) ? sizeof(struct ipv6hdr)
							  : sizeof(struct iphdr);
	__u32 size = l3 + ip + sizeof(struct tcphdr);

	if (skb->data_end - skb->data < size && size <= skb->len)
		bpf_skb_pull_data(skb, size);
}

static __always_inline enum verdict reject(const struct packet *p, enum verdict verdict,
					   enum counter why)
{
	if (!p->quiet)
		count(why);
	return verdict;
}

static __always_inline enum verdict parse_ip(struct __sk_buff *skb, struct packet *p, __u32 *length)
{
	void *data = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;

	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = data + p->l3;

		if ((void *)(ip + 1) > end)
			return reject(p, VERDICT_PASS, COUNTER_PASS_NOT_TCP);
		if (ip->protocol == IPPROTO_ICMP && !p->quiet) {
			p->is_icmp = 1;
			return VERDICT_PASS;
		}
		if (ip->protocol != IPPROTO_TCP)
			return reject(p, VERDICT_PASS, COUNTER_PASS_NOT_TCP);
		if (ip->frag_off & bpf_htons(IP_OFFSET_MASK))
			return reject(p, VERDICT_PASS, COUNTER_PASS_FRAGMENT);
		p->is_fragment = !!(ip->frag_off & bpf_htons(IP_MORE_FRAGMENTS));
		if (ip->version != 4 || ip->ihl < 5)
			return reject(p, VERDICT_DROP, COUNTER_DROP_MALFORMED);
		p->is_ipv6 = 0;
		p->l4 = p->l3 + ip->ihl * 4;
		/* A length of 0 is a super-packet of more than 64 KiB (BIG TCP). */
		*length = ip->tot_len ? bpf_ntohs(ip->tot_len) : skb->len - p->l3;
		map_ipv4(&p->tuple.saddr, ip->saddr);
		map_ipv4(&p->tuple.daddr, ip->daddr);
		return VERDICT_CONTINUE;
	}
	if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = data + p->l3;

		if ((void *)(ip + 1) > end)
			return reject(p, VERDICT_PASS, COUNTER_PASS_NOT_TCP);
		if (ip->version != 6)
			return reject(p, VERDICT_DROP, COUNTER_DROP_MALFORMED);
		p->is_ipv6 = 1;
		p->l4 = p->l3 + sizeof(*ip);
		if (ip->nexthdr == IPPROTO_FRAGMENT) {
			struct ipv6_fragment *fragment = (void *)(ip + 1);

			if ((void *)(fragment + 1) > end || fragment->next != IPPROTO_TCP ||
			    fragment->offset & bpf_htons(IP6_OFFSET_MASK))
				return reject(p, VERDICT_PASS, COUNTER_PASS_FRAGMENT);
			p->is_fragment = 1;
			p->l4 += sizeof(*fragment);
		} else if (ip->nexthdr != IPPROTO_TCP) {
			if (ip->nexthdr == IPPROTO_ICMPV6 && !p->quiet) {
				p->is_icmp = 1;
				return VERDICT_PASS;
			}
			if (ip->nexthdr == IPPROTO_ICMPV6 || ip->nexthdr == IPPROTO_UDP)
				return reject(p, VERDICT_PASS, COUNTER_PASS_NOT_TCP);
			p->l4 = walk_extensions(data, end, p->l4, ip->nexthdr);
			if (!p->l4)
				return reject(p, VERDICT_PASS, COUNTER_PASS_EXTENSION);
		}
		*length = ip->payload_len ? bpf_ntohs(ip->payload_len) + sizeof(*ip)
					  : skb->len - p->l3;
		__builtin_memcpy(&p->tuple.saddr, &ip->saddr, 16);
		__builtin_memcpy(&p->tuple.daddr, &ip->daddr, 16);
		return VERDICT_CONTINUE;
	}
	return reject(p, VERDICT_PASS, COUNTER_PASS_NOT_TCP);
}

/* Fills p, or says what becomes of a packet that is none of ours. */
static __always_inline enum verdict parse_packet(struct __sk_buff *skb, __u32 l3, struct packet *p)
{
	enum verdict verdict;
	struct tcphdr *tcp;
	__u32 length;

	/* A tagged packet belongs to a VLAN interface above this one. */
	if (skb->vlan_present)
		return reject(p, VERDICT_PASS, COUNTER_PASS_NOT_TCP);
	p->l3 = l3;
	pull_headers(skb, l3);
	verdict = parse_ip(skb, p, &length);
	if (verdict)
		return verdict;
	if (p->l4 > L4_OFFSET_MAX)
		return reject(p, VERDICT_PASS, COUNTER_PASS_EXTENSION);
	tcp = (void *)(long)skb->data + p->l4;
	if ((void *)(tcp + 1) > (void *)(long)skb->data_end) {
		/* Behind IP options, or extension headers: more than pull_headers asked for. */
		if (bpf_skb_pull_data(skb, p->l4 + sizeof(*tcp)))
			return reject(p, VERDICT_DROP, COUNTER_DROP_MALFORMED);
		tcp = (void *)(long)skb->data + p->l4;
		if ((void *)(tcp + 1) > (void *)(long)skb->data_end)
			return reject(p, VERDICT_DROP, COUNTER_DROP_MALFORMED);
	}
	p->header = tcp->doff * 4;
	if (p->header < sizeof(*tcp) || length < p->l4 - l3 + p->header || length > skb->len - l3)
		return reject(p, VERDICT_DROP, COUNTER_DROP_MALFORMED);
	p->payload = length - (p->l4 - l3) - p->header;
	p->tuple.sport = tcp->source;
	p->tuple.dport = tcp->dest;
	p->tuple.protocol = IPPROTO_TCP;
	p->seq = bpf_ntohl(tcp->seq);
	p->ack = bpf_ntohl(tcp->ack_seq);
	p->window = bpf_ntohs(tcp->window);
	p->tcp_flags = ((__u8 *)tcp)[13];
	return VERDICT_CONTINUE;
}

static __always_inline void reverse_ends(struct flow_ends *to, const struct flow_ends *from)
{
	to->saddr = from->daddr;
	to->daddr = from->saddr;
	to->sport = from->dport;
	to->dport = from->sport;
}

/* A tuple has its ends in one piece. */
static __always_inline struct flow_ends *ends_of(const struct flow_tuple *tuple)
{
	return (struct flow_ends *)&tuple->saddr;
}

static __always_inline void tuple_of(struct flow_tuple *to, const struct flow_ends *from)
{
	*ends_of(to) = *from;
	to->protocol = IPPROTO_TCP;
}

/* The tuple of the other direction. */
static __always_inline void reverse_tuple(struct flow_tuple *to, const struct flow_ends *from)
{
	reverse_ends(ends_of(to), from);
	to->protocol = IPPROTO_TCP;
}

/* Whether a comes before b in the half of the circle that they share (RFC 9293, 3.4). */
static __always_inline int seq_before(__u32 a, __u32 b)
{
	return (__s32)(a - b) < 0;
}

/* Data further ahead of the ISN than this is of another connection. */
#define HELLO_WINDOW 131072

/* Whether the segment continues a handshake with those initial sequence numbers. */
static __always_inline int continues_handshake(const struct packet *p, __u32 client_isn,
					       __u32 cookie)
{
	return p->tcp_flags & TCP_ACK && p->ack == cookie + 1 &&
	       p->seq - (client_isn + 1) < HELLO_WINDOW;
}

#endif
