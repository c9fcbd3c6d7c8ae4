/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Somebody else's TC program: counts packets and passes them on to whoever comes next. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1);
} foreign_packets SEC(".maps");

SEC("tc")
int foreign(struct __sk_buff *skb)
{
	__u32 key = 0;
	__u64 *packets = bpf_map_lookup_elem(&foreign_packets, &key);

	if (packets)
		__sync_fetch_and_add(packets, 1);
	return -1; /* TC_ACT_UNSPEC, and TCX_NEXT */
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
