/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * endings: removes splices that have lingered. Run by the daemon, many at a time, in place of a
 * look-up and two deletions by system call for each.
 */
#ifndef SLUICE_PROGRAM_ENDINGS_H
#define SLUICE_PROGRAM_ENDINGS_H

#include "lib/flow.h"

/* Removes a splice unless it lives again; says whether its port is free. */
static long end_splice(__u32 index, struct splice_end_range *range)
{
	__u32 slot = range->first + index;
	struct splice_end *end = bpf_map_lookup_elem(&splice_ends, &slot);
	struct flow_entry *entry, *peer;
	struct flow_tuple key;

	if (!end)
		return 1;
	/* A copy: the daemon's memory is not to be believed twice. */
	key = end->key;
	entry = bpf_map_lookup_elem(&flows, &key);
	/* Removed already, for a new connection of the same client. */
	end->is_free = !entry;
	if (!entry || entry->created_ns != end->created_ns)
		return 0;
	peer = flow_peer(entry);
	/* An RST that neither end took for good: traffic revived it. */
	if (!is_over(entry) && peer && peer->state != FLOW_RESET)
		return 0;
	if (peer) {
		struct flow_tuple peer_key;

		reverse_tuple(&peer_key, &entry->rewrite);
		bpf_map_delete_elem(&flows, &peer_key);
	}
	bpf_map_delete_elem(&flows, &key);
	end->is_free = 1;
	return 0;
}

SEC("syscall")
int end_splices(struct splice_end_range *request)
{
	struct splice_end_range range = *request;

	bpf_loop(range.count, end_splice, &range, 0);
	return 0;
}

#endif
