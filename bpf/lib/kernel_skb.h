/* SPDX-License-Identifier: GPL-2.0-only */
/* What __sk_buff does not show of a packet: its checksum's state, clones (linux/skbuff.h). */
#ifndef SLUICE_KERNEL_SKB_H
#define SLUICE_KERNEL_SKB_H

#include <bpf/bpf_core_read.h>

struct sk_buff {
	__u8 cloned : 1;
	__u8 ip_summed : 2;
} __attribute__((preserve_access_index));

extern void *bpf_cast_to_kern_ctx(void *ctx) __ksym __weak;

/* Whether the kernel lets us look (6.2); set by the daemon. */
const volatile __u32 sees_kernel_skb = 0;

enum checksum_state {
	CHECKSUM_NONE = 0,	  /* nobody verified it */
	CHECKSUM_UNNECESSARY = 1, /* somebody did */
	CHECKSUM_COMPLETE = 2,	  /* skb->csum is the sum of the whole packet, to be kept right */
	CHECKSUM_PARTIAL = 3,	  /* the header has the sum of the pseudo-header alone */
};

/* COMPLETE where it cannot be known: what is right for that is right for all. */
static __always_inline enum checksum_state checksum_state(struct __sk_buff *skb)
{
	struct sk_buff *kernel;

	if (!sees_kernel_skb)
		return CHECKSUM_COMPLETE;
	kernel = bpf_cast_to_kern_ctx(skb);
	return BPF_CORE_READ_BITFIELD(kernel, ip_summed);
}

/*
 * Gives a super-packet from a local sender (behind a veth) a head of its own, as ip_forward() does.
 * It comes as a clone of what the sender keeps for retransmission, and the receiver's queues merge
 * no clones: they acknowledge more often then, and their windows grow less. Decision 0028.
 */
static __always_inline void part_from_sender(struct __sk_buff *skb)
{
	struct sk_buff *kernel;

	if (!sees_kernel_skb || !skb->gso_size)
		return;
	kernel = bpf_cast_to_kern_ctx(skb);
	/* By no bytes: skb_cow(). If there is no memory, the packet is as good as before. */
	if (BPF_CORE_READ_BITFIELD(kernel, cloned))
		bpf_skb_change_head(skb, 0, 0);
}

#endif
