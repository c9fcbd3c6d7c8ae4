/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* How super-packets arrive: whether they share their head with what the sender keeps for later. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

struct arrivals {
	__u64 all;
	__u64 clones;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct arrivals);
	__uint(max_entries, 1);
} arrivals SEC(".maps");

typedef struct {
	int counter;
} atomic_t;

struct skb_shared_info {
	atomic_t dataref;
} __attribute__((preserve_access_index));

struct sk_buff {
	__u8 cloned : 1;
	unsigned char *head;
	unsigned int end;
} __attribute__((preserve_access_index));

extern void *bpf_cast_to_kern_ctx(void *ctx) __ksym;

/* As skb_cloned(): a clone whose original is gone shares nothing any more. */
static int is_shared(const struct sk_buff *skb)
{
	const struct skb_shared_info *info = (const void *)(skb->head + skb->end);

	return BPF_CORE_READ_BITFIELD(skb, cloned) &&
	       (BPF_CORE_READ(info, dataref.counter) & 0xffff) != 1;
}

SEC("tc")
int count_arrivals(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct arrivals *seen = bpf_map_lookup_elem(&arrivals, &key);
	struct sk_buff *kernel = bpf_cast_to_kern_ctx(skb);

	if (seen && skb->gso_size) {
		__sync_fetch_and_add(&seen->all, 1);
		if (is_shared(kernel))
			__sync_fetch_and_add(&seen->clones, 1);
	}
	return -1; /* TCX_NEXT */
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
