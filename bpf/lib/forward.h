/* SPDX-License-Identifier: GPL-2.0-only */
/* The way out of a packet: FIB and neighbour, never a MAC address written by hand. */
#ifndef SLUICE_FORWARD_H
#define SLUICE_FORWARD_H

#include "parse.h"

#ifndef AF_INET
#define AF_INET	 2
#define AF_INET6 10
#endif

/*
 * The interface that FIB look-ups pretend to come from. The loopback, whose forwarding the daemon
 * switches on, so that the host's ip_forward need not change.
 */
const volatile __u32 fib_ifindex = 1;

/* BPF_F_IPV6 where the kernel knows it (6.16): keeps CHECKSUM_COMPLETE right. */
const volatile __u64 ipv6_csum_flag = 0;

/*
 * Asks the FIB where packets go that way, and how large they may be. If it cannot say (forwarding
 * off everywhere, say), the fallback interface is taken, and the kernel resolves the next hop on
 * it. False: no way out.
 */
static __noinline int find_next_hop(struct __sk_buff *skb, struct flow_ends *way,
				    struct next_hop *hop, __u32 fallback_ifindex)
{
	struct bpf_fib_lookup fib = {};
	int is_ipv4 = way->saddr.word[2] == bpf_htonl(0xffff) && !way->saddr.word[0] &&
		      !way->saddr.word[1];
	long result;

	fib.family = is_ipv4 ? AF_INET : AF_INET6;
	fib.l4_protocol = IPPROTO_TCP;
	fib.sport = way->sport;
	fib.dport = way->dport;
	fib.ifindex = fib_ifindex;
	fib.tot_len = 1; /* asks for the route's MTU; fits, so that it is never the reason */
	if (is_ipv4) {
		fib.ipv4_src = way->saddr.word[3];
		fib.ipv4_dst = way->daddr.word[3];
	} else {
		__builtin_memcpy(fib.ipv6_src, &way->saddr, 16);
		__builtin_memcpy(fib.ipv6_dst, &way->daddr, 16);
	}
	result = bpf_fib_lookup(skb, &fib, sizeof(fib), 0);
	if (result == BPF_FIB_LKUP_RET_SUCCESS || result == BPF_FIB_LKUP_RET_NO_NEIGH) {
		hop->ifindex = fib.ifindex;
		hop->family = fib.family;
		/* Not filled in while the neighbour is unknown. */
		hop->mtu = fib.mtu_result > 1 ? fib.mtu_result : SIZE_UNLIMITED;
		if (fib.family == AF_INET)
			hop->addr.word[0] = fib.ipv4_dst;
		else
			__builtin_memcpy(&hop->addr, fib.ipv6_dst, 16);
		return 1;
	}
	if (result == BPF_FIB_LKUP_RET_FWD_DISABLED && fallback_ifindex) {
		hop->ifindex = fallback_ifindex;
		hop->family = 0;
		hop->mtu = SIZE_UNLIMITED;
		return 1;
	}
	return 0;
}

/* Sends the packet to its next hop; l3 is the layer 3 offset of the device it came from. */
static __always_inline enum verdict redirect(struct __sk_buff *skb, const struct next_hop *hop,
					     __u32 l3)
{
	struct bpf_redir_neigh neighbour = {};

	/* The kernel's helper takes a link header off; a device without one gets it first. */
	if (!l3 && bpf_skb_change_head(skb, ETH_HLEN, 0))
		return drop(COUNTER_DROP_KERNEL);
	if (!hop->family) {
		bpf_redirect_neigh(hop->ifindex, NULL, 0, 0);
		return VERDICT_REDIRECT;
	}
	neighbour.nh_family = hop->family;
	__builtin_memcpy(neighbour.ipv6_nh, &hop->addr, 16);
	bpf_redirect_neigh(hop->ifindex, &neighbour, sizeof(neighbour), 0);
	return VERDICT_REDIRECT;
}

#endif
