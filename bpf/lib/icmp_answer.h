/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ICMP errors of our own, as any router sends them: a packet too big for its way out, a TTL that
 * ran out. The packet itself is cut down to what is quoted and gets new headers in front.
 */
#ifndef SLUICE_ICMP_ANSWER_H
#define SLUICE_ICMP_ANSWER_H

#include "answer.h"
#include "budget.h"
#include "icmp_header.h"

#define QUOTED_IP_MAX  60 /* an IPv4 header with options */
#define MIN_MTU_IPV4   576
#define MIN_MTU_IPV6   1280
#define IP_TOS_CONTROL 0xc0 /* RFC 1812, 4.3.2.5 */

/* The front of a packet: its IP header, and behind it 20 bytes of TCP. */
struct icmp_quote {
	__u8 ip[QUOTED_IP_MAX];
	struct tcphdr tcp;
};

/*
 * The sum of the quoted TCP header as it will be when it leaves. A packet of a veth or of GRO has
 * the sum of its pseudo-header alone in its checksum field (CHECKSUM_PARTIAL), and the device sums
 * up: header and rest then add up to the complement of the pseudo-header, whatever they are.
 */
static __always_inline __u32 sum_quoted_tcp(const struct packet *p, const struct icmp_quote *quote)
{
	__u64 pseudo = (__u32)bpf_csum_diff(NULL, 0, (__be32 *)&p->tuple.saddr, 32, 0);

	/* The prefix of mapped IPv4 addresses adds ffff twice, which is nothing. */
	pseudo += bpf_htons(IPPROTO_TCP);
	pseudo += bpf_htons(p->header + p->payload);
	if (sum_fold16(pseudo) == quote->tcp.check)
		return (__u16)~quote->tcp.check;
	return bpf_csum_diff(NULL, 0, (__be32 *)&quote->tcp, sizeof(quote->tcp), 0);
}

static __always_inline int put_icmp4(struct __sk_buff *skb, const struct packet *p, __u32 quoted,
				     __u8 type, __u8 code, __u16 mtu, __u64 sum)
{
	struct {
		struct iphdr ip;
		struct icmp_header icmp;
	} header = {};
	__u64 ip_sum;

	header.ip.version = 4;
	header.ip.ihl = 5;
	header.ip.tos = IP_TOS_CONTROL;
	header.ip.tot_len = bpf_htons(sizeof(header) + quoted);
	header.ip.ttl = ANSWER_TTL;
	header.ip.protocol = IPPROTO_ICMP;
	header.ip.saddr = p->tuple.daddr.word[3];
	header.ip.daddr = p->tuple.saddr.word[3];
	ip_sum = (__u32)bpf_csum_diff(NULL, 0, (__be32 *)&header.ip, sizeof(header.ip), 0);
	header.ip.check = ~sum_fold16(ip_sum);
	header.icmp.type = type;
	header.icmp.code = code;
	header.icmp.mtu = bpf_htonl(mtu);
	sum += (__u32)bpf_csum_diff(NULL, 0, (__be32 *)&header.icmp, sizeof(header.icmp), 0);
	header.icmp.check = ~sum_fold16(sum);
	if (bpf_skb_change_head(skb, sizeof(header), 0))
		return 0;
	return !bpf_skb_store_bytes(skb, p->l3, &header, sizeof(header), BPF_F_RECOMPUTE_CSUM);
}

static __always_inline int put_icmp6(struct __sk_buff *skb, const struct packet *p, __u32 quoted,
				     __u8 type, __u8 code, __u16 mtu, __u64 sum)
{
	struct {
		struct ipv6hdr ip;
		struct icmp_header icmp;
	} header = {};

	header.ip.version = 6;
	header.ip.payload_len = bpf_htons(sizeof(header.icmp) + quoted);
	header.ip.nexthdr = IPPROTO_ICMPV6;
	header.ip.hop_limit = ANSWER_TTL;
	__builtin_memcpy(&header.ip.saddr, &p->tuple.daddr, 16);
	__builtin_memcpy(&header.ip.daddr, &p->tuple.saddr, 16);
	header.icmp.type = type;
	header.icmp.code = code;
	header.icmp.mtu = bpf_htonl(mtu);
	sum += (__u32)bpf_csum_diff(NULL, 0, (__be32 *)&header.ip.saddr, 32, 0);
	sum += header.ip.payload_len;
	sum += bpf_htons(IPPROTO_ICMPV6);
	sum += (__u32)bpf_csum_diff(NULL, 0, (__be32 *)&header.icmp, sizeof(header.icmp), 0);
	header.icmp.check = ~sum_fold16(sum);
	if (bpf_skb_change_head(skb, sizeof(header), 0))
		return 0;
	return !bpf_skb_store_bytes(skb, p->l3, &header, sizeof(header), BPF_F_RECOMPUTE_CSUM);
}

/*
 * Ends the packet, and tells its sender why: too big for an MTU, or, with mtu 0, out of hops.
 * Rate-limited; always counted by the caller.
 */
static __noinline int answer_icmp(struct __sk_buff *skb, struct packet *p, __u16 mtu)
{
	struct icmp_quote quote = {};
	__u32 l3 = p->l3, ip_size = p->l4 - p->l3;
	__u32 quoted = ip_size + sizeof(quote.tcp);
	__u64 sum;
	int done;

	if (l3 > ETH_HLEN || ip_size < sizeof(struct iphdr) || ip_size > QUOTED_IP_MAX)
		return VERDICT_DROP;
	if (!take_token(BUDGET_ICMP))
		return drop(COUNTER_ICMP_LIMITED);
	if (bpf_skb_load_bytes(skb, l3, &quote.ip, ip_size) ||
	    bpf_skb_load_bytes(skb, l3 + ip_size, &quote.tcp, sizeof(quote.tcp)))
		return drop(COUNTER_DROP_KERNEL);
	sum = (__u32)bpf_csum_diff(NULL, 0, (__be32 *)&quote.ip, sizeof(quote.ip), 0);
	sum += sum_quoted_tcp(p, &quote);
	if (bpf_skb_change_tail(skb, l3 + quoted, 0))
		return drop(COUNTER_DROP_KERNEL);
	if (p->is_ipv6)
		done = put_icmp6(skb, p, quoted, mtu ? ICMPV6_PKT_TOOBIG : ICMPV6_TIME_EXCEED, 0,
				 mtu, sum);
	else
		done = put_icmp4(skb, p, quoted, mtu ? ICMP_DEST_UNREACH : ICMP_TIME_EXCEEDED,
				 mtu ? ICMP_FRAG_NEEDED : 0, mtu, sum);
	if (!done)
		return drop(COUNTER_DROP_KERNEL);
	count(COUNTER_ICMP_SENT);
	return send_answer(skb, p);
}

#endif
