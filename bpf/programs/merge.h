/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * merge_row: at an upgrade, what the programs of another version wrote into a row after it was
 * copied. Run by the daemon on a "packet" that is a struct left_row; attached nowhere. Packets of
 * the flow may pass meanwhile, so the row stays where it is and only moves forward.
 *
 * Not of the type syscall: whole rows are copied, and the verifier (6.18) allows no pointer into a
 * context that clang makes for that.
 */
#ifndef SLUICE_PROGRAM_MERGE_H
#define SLUICE_PROGRAM_MERGE_H

#include "lib/flow.h"

/* The splice was completed by the other programs: all of the row is theirs, and its state last. */
static __always_inline void take_row(struct flow_entry *entry, const struct left_row *left)
{
	__builtin_memcpy(entry, &left->row, sizeof(*entry));
	barrier();
	entry->state = left->state;
}

/* Packets and bytes of both: at least as many as the one that saw more. */
static __always_inline void merge_counts(struct flow_entry *entry, const struct flow_entry *row)
{
	__u64 packets = entry->packets;
	__u64 bytes = entry->bytes;

	if (packets < row->packets)
		__sync_fetch_and_add(&entry->packets, row->packets - packets);
	if (bytes < row->bytes)
		__sync_fetch_and_add(&entry->bytes, row->bytes - bytes);
}

static __always_inline void merge_progress(struct flow_entry *entry, const struct flow_entry *row)
{
	if (entry->next_seq < row->next_seq)
		entry->next_seq = row->next_seq;
	if (seq_before(entry->last_ack, row->last_ack))
		entry->last_ack = row->last_ack;
	if (is_later(row->last_seen, entry->last_seen)) {
		/* Nothing says that it is its way still. */
		entry->way = WAY_UNKNOWN;
		entry->last_seen = row->last_seen;
	}
	if (is_later(row->last_data, entry->last_data))
		entry->last_data = row->last_data;
}

/* Until the sender's row has its FIN, it may not have been merged. */
static __always_inline void merge_fin_acked(struct flow_entry *entry,
					    const struct flow_entry *sender)
{
	if (sender->flags & FLOW_FLAG_FIN && !seq_before(entry->last_ack, sent_end(sender)))
		set_flags(entry, FLOW_FLAG_FIN_ACKED);
}

/* A FIN that one of the two programs saw, and its acknowledgement, perhaps seen by the other. */
static __always_inline void merge_end(struct flow_entry *entry, const struct left_row *left)
{
	struct flow_entry *peer;

	set_flags(entry, (__u16)left->row.flags);
	if (entry->state < left->state)
		entry->state = left->state;
	peer = flow_peer(entry);
	/* One that is connecting still gets all of its row. */
	if (!peer || peer->state == FLOW_CONNECTING)
		return;
	merge_fin_acked(entry, peer);
	merge_fin_acked(peer, entry);
	if (!(entry->flags & flags_now(peer) & FLOW_FLAG_FIN_ACKED) || entry->state != FLOW_CLOSING)
		return;
	set_state(entry, peer, FLOW_CLOSED);
}

SEC("tc")
int merge_row(struct __sk_buff *skb)
{
	struct left_row *left = (void *)(long)skb->data;
	struct flow_entry *entry;
	struct flow_tuple key;

	if ((void *)(left + 1) > (void *)(long)skb->data_end)
		return TC_ACT_SHOT;
	__builtin_memcpy(&key, &left->tuple, sizeof(key));
	entry = bpf_map_lookup_elem(&flows, &key);
	/* Gone, or another connection of the same tuple. */
	if (!entry || entry->created_ns != left->row.created_ns)
		return TC_ACT_OK;
	if (entry->state == FLOW_CONNECTING) {
		if (left->state != FLOW_CONNECTING)
			take_row(entry, left);
		return TC_ACT_OK;
	}
	if (left->state == FLOW_CONNECTING)
		return TC_ACT_OK;
	merge_counts(entry, &left->row);
	merge_progress(entry, &left->row);
	merge_end(entry, left);
	return TC_ACT_OK;
}

#endif
