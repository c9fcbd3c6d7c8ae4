/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The life of a flow. Both directions of a splice have an entry; the state is kept in each.
 *
 *                 SYN-ACK                FIN of either side          both FINs acknowledged
 *   CONNECTING ────────────▶ ESTABLISHED ─────────────────▶ CLOSING ────────────────────▶ CLOSED
 *       │                      │     ▲                         │                             │
 *       │ refused, timed out,  │ RST │ later traffic without   │ RST                         │
 *       │ abandoned: the       ▼     │ RST: nobody took it     ▼                             │
 *       ▼ daemon deletes     RESET ◀─┴─────────────────────────┘                             │
 *     gone                     │                                                             │
 *                              └──────── linger, then the daemon deletes; or a SYN ◀─────────┘
 *                                        of the client, which begins anew at once
 *
 * CLOSED and RESET still translate, so that a repeated FIN or a challenge ACK finds its way. An RST
 * moves a flow only if its sequence number is plausible; every RST is forwarded, for the receiver
 * to judge.
 */
#ifndef SLUICE_FLOW_H
#define SLUICE_FLOW_H

#include "ring.h"
#include "ways.h"

/* Where rows are put together, too large for the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct flow_entry);
} blank_rows SEC(".maps");

static __always_inline int is_over(const struct flow_entry *entry)
{
	return entry->state == FLOW_CLOSED || entry->state == FLOW_RESET;
}

/*
 * Packets of both ends may be at work on a flow's rows at once, each on a CPU of its own: flags are
 * changed atomically, so that none is lost, and by flags_now, a full barrier, looked at only when
 * one's own stand.
 */
static __always_inline void set_flags(struct flow_entry *entry, __u32 flags)
{
	__sync_fetch_and_or(&entry->flags, flags);
}

static __always_inline void clear_flags(struct flow_entry *entry, __u32 flags)
{
	__sync_fetch_and_and(&entry->flags, ~flags);
}

static __always_inline __u32 flags_now(struct flow_entry *entry)
{
	return __sync_fetch_and_or(&entry->flags, 0);
}

/* A window scale, by its FLOW_..._SCALE_SHIFT. */
static __always_inline __u32 flow_scale(const struct flow_entry *entry, __u32 shift)
{
	return entry->flags >> shift & FLOW_SCALE_MASK;
}

/* TSval of our SYN to the endpoint. */
static __always_inline __u32 syn_tsval(const struct flow_entry *entry)
{
	return entry->created_ns / 1000000;
}

/*
 * Of both directions. At an upgrade the peer's row may be connecting still, completed by the other
 * version's programs: it gets all of theirs soon, state and all (merge.h).
 */
static __always_inline void set_state(struct flow_entry *entry, struct flow_entry *peer, __u8 state)
{
	entry->state = state;
	if (peer->state != FLOW_CONNECTING)
		peer->state = state;
}

/* The entry of the other direction; one of another connection of the same tuple is none. */
static __always_inline struct flow_entry *flow_peer(const struct flow_entry *entry)
{
	struct flow_tuple key;
	struct flow_entry *peer;

	reverse_tuple(&key, &entry->rewrite);
	peer = bpf_map_lookup_elem(&flows, &key);
	return peer && peer->created_ns == entry->created_ns ? peer : NULL;
}

/* Deletes both directions: only for flows that are over, or never stood. */
static __always_inline void flow_delete(struct flow_tuple *tuple, const struct flow_entry *entry)
{
	struct flow_tuple key;

	reverse_tuple(&key, &entry->rewrite);
	bpf_map_delete_elem(&flows, &key);
	bpf_map_delete_elem(&flows, tuple);
}

/* The ring may have no room: then a SYN of the client that removes the row tells (flows.h). */
static __always_inline void report_end(struct packet *p, struct flow_entry *entry,
				       struct flow_entry *peer, __u32 kind)
{
	struct flow_entry *upstream = entry->flags & FLOW_FLAG_UPSTREAM ? entry : peer;

	if (report_flow(p, entry, kind))
		clear_flags(upstream, FLOW_FLAG_UNTOLD);
	else
		set_flags(upstream, FLOW_FLAG_UNTOLD);
}

/* Largest step ahead that counts: no window is larger (RFC 7323, 2.3). */
#define WINDOW_MAX (1u << 30)

/* Bytes of a sender that may not have passed us: a PROXY header, what the daemon sent on. */
#define UNSEEN_MAX (1u << 16)

/* What acknowledges all that was sent in this direction, FIN included, as it arrives. */
static __always_inline __u32 sent_end(const struct flow_entry *entry)
{
	return (__u32)entry->next_seq + entry->seq_delta;
}

/*
 * Whether a sender is believed to have been acknowledged so far: bytes that passed us, or nearly.
 * Others are of a forged ACK.
 */
static __always_inline int saw_acknowledged(const struct flow_entry *entry, __u32 acknowledged)
{
	return acknowledged - entry->first_seq + UNSEEN_MAX <= entry->bytes + 2 * UNSEEN_MAX;
}

/*
 * Whether a FIN may end so many bytes before what was taken for the end. That was forged then,
 * unless the receiver has more than the FIN ends: then the FIN was.
 */
static __always_inline int is_end(const struct flow_entry *entry, const struct flow_entry *peer,
				  __u64 next, __u32 beyond)
{
	__u32 acknowledged = peer->last_ack + peer->ack_delta;

	if (next < entry->first_seq + (__u64)beyond)
		return 0;
	return beyond < (__u32)next - acknowledged || seq_before(next, acknowledged) ||
	       !saw_acknowledged(entry, acknowledged);
}

static __always_inline void flow_fin(struct packet *p, struct flow_entry *entry,
				     struct flow_entry *peer)
{
	__u64 next = entry->next_seq;
	__u32 beyond = (__u32)next - (p->seq + p->payload + 1);

	/* Behind the end, it is ahead of what another CPU has noted meanwhile. */
	if (-beyond < WINDOW_MAX)
		next += -beyond;
	else if (is_end(entry, peer, next, beyond))
		next -= beyond;
	else
		return;
	if (!((entry->flags | peer->flags) & FLOW_FLAG_FIN))
		set_flags(entry, FLOW_FLAG_FIN_FIRST);
	set_flags(peer, FLOW_FLAG_PEER_FIN);
	set_flags(entry, FLOW_FLAG_FIN);
	entry->next_seq = next;
	if (entry->state == FLOW_ESTABLISHED) {
		set_state(entry, peer, FLOW_CLOSING);
	}
}

/* There are data behind the FIN: it was forged. */
static __always_inline void forget_fin(struct flow_entry *entry, struct flow_entry *peer)
{
	clear_flags(entry, FLOW_FLAG_FIN | FLOW_FLAG_FIN_FIRST);
	clear_flags(peer, FLOW_FLAG_PEER_FIN | FLOW_FLAG_FIN_ACKED);
	if (entry->state == FLOW_CLOSING && !(peer->flags & FLOW_FLAG_FIN)) {
		set_state(entry, peer, FLOW_ESTABLISHED);
	}
}

static __always_inline void flow_fin_acked(struct packet *p, struct flow_entry *entry,
					   struct flow_entry *peer)
{
	set_flags(entry, FLOW_FLAG_FIN_ACKED);
	/* If both ends are here at once, at least one sees both; if both do, it is told twice. */
	if (!(flags_now(peer) & FLOW_FLAG_FIN_ACKED) || entry->state == FLOW_CLOSED)
		return;
	set_state(entry, peer, FLOW_CLOSED);
	report_end(p, entry, peer, RECORD_CLOSED);
}

/*
 * Whether the receiver may believe an RST (RFC 5961, 3.2): it has acknowledged everything up to
 * seq, and nothing beyond seq was sent. Any other is a blind one, or is challenged and repeated.
 * How far the sender is, anybody can forge by a few empty segments, but not the bytes in front: if
 * they were never seen, only the very number that the receiver waits for is believed.
 */
static __always_inline int rst_is_plausible(const struct packet *p, const struct flow_entry *entry,
					    const struct flow_entry *peer)
{
	__u32 acknowledged = peer->last_ack + peer->ack_delta;
	__u32 sent = (__u32)entry->next_seq - acknowledged;

	if (!saw_acknowledged(entry, acknowledged))
		return 0;
	if (entry->next_seq - entry->first_seq > entry->bytes + UNSEEN_MAX) {
		sent = 0;
	} else if ((__s32)sent < 0) {
		if (-sent > UNSEEN_MAX)
			return 0;
		sent = 0;
	}
	return p->seq - acknowledged <= sent;
}

/* The packets that move a flow between its states; few, so out of the way of the others. */
static __noinline int flow_transition(struct packet *p, struct flow_entry *entry, int is_behind_fin)
{
	struct flow_entry *peer = flow_peer(entry);

	if (!peer)
		return 0;
	if (p->tcp_flags & TCP_RST) {
		/* It is over already, and must not be revived. */
		if (entry->state == FLOW_CLOSED || !rst_is_plausible(p, entry, peer))
			return 0;
		if (entry->state != FLOW_RESET)
			report_end(p, entry, peer, RECORD_RESET);
		set_state(entry, peer, FLOW_RESET);
		return 0;
	}
	if (entry->state == FLOW_RESET)
		entry->state = (entry->flags | peer->flags) & FLOW_FLAG_FIN ? FLOW_CLOSING
									    : FLOW_ESTABLISHED;
	if (is_behind_fin && entry->state != FLOW_CLOSED)
		forget_fin(entry, peer);
	if ((p->tcp_flags & (TCP_FIN | TCP_ACK | TCP_SYN)) == (TCP_FIN | TCP_ACK))
		flow_fin(p, entry, peer);
	/*
	 * Any other number is of an earlier byte. In the row of a restored sender its FIN may not
	 * be noted.
	 */
	if (entry->flags & FLOW_FLAG_PEER_FIN && peer->flags & FLOW_FLAG_FIN &&
	    p->tcp_flags & TCP_ACK && p->ack == sent_end(peer))
		flow_fin_acked(p, entry, peer);
	return 0;
}

/* How many packets a super-packet stands for. One from a virtual machine comes without the number
 * (linux/virtio_net.h has the size alone). */
static __always_inline __u32 segment_count(struct __sk_buff *skb, struct packet *p)
{
	__u32 size = skb->gso_size;

	if (skb->gso_segs)
		return skb->gso_segs;
	return size && p->payload > size ? (p->payload + size - 1) / size : 1;
}

/* How far the sender is; whether it is further than before. */
static __always_inline int flow_progress(struct flow_entry *entry, __u32 end, __u32 tick)
{
	/* Read once: another CPU may move it meanwhile. */
	__u64 next = entry->next_seq;
	__u32 fresh = end - (__u32)next;

	if (fresh - 1 >= WINDOW_MAX)
		return 0;
	entry->next_seq = next + fresh;
	entry->last_data = tick;
	return 1;
}

/*
 * Whether there are data where the sender's FIN was, which was forged then. Data elsewhere say
 * nothing, or any forged segment would undo a FIN.
 */
static __always_inline int covers_fin(const struct flow_entry *entry, const struct packet *p)
{
	return (__u32)entry->next_seq - 1 - p->seq < p->payload;
}

/* Accounts a packet that is about to be translated. */
static __always_inline void flow_seen(struct __sk_buff *skb, struct packet *p,
				      struct flow_entry *entry, __u32 tick)
{
	int is_behind_fin = 0;

	/* A SYN on a live flow, an RST, or a late ACK says nothing of how far its sender is. */
	if ((p->tcp_flags & (TCP_ACK | TCP_SYN | TCP_RST)) == TCP_ACK) {
		if (seq_before(entry->last_ack, p->ack))
			entry->last_ack = p->ack;
		if (!(entry->flags & FLOW_FLAG_FIN) || p->tcp_flags & TCP_FIN)
			flow_progress(entry, p->seq + p->payload + (p->tcp_flags & TCP_FIN), tick);
		else if (covers_fin(entry, p))
			is_behind_fin = flow_progress(entry, p->seq + p->payload, tick);
	}
	entry->last_seen = tick;
	entry->ingress_ifindex = skb->ifindex;
	/* Packets of one flow may be on two CPUs for a moment, so these are atomic. */
	__sync_fetch_and_add(&entry->packets, segment_count(skb, p));
	__sync_fetch_and_add(&entry->bytes, p->payload);
	if (is_behind_fin || p->tcp_flags & (TCP_FIN | TCP_RST) || entry->state == FLOW_RESET ||
	    (entry->flags & (FLOW_FLAG_PEER_FIN | FLOW_FLAG_FIN_ACKED)) == FLOW_FLAG_PEER_FIN)
		flow_transition(p, entry, is_behind_fin);
}

#endif
