/* SPDX-License-Identifier: GPL-2.0-only */
/* The endpoint's SYN-ACK completes the splice and becomes our ACK with the ClientHello. */
#ifndef SLUICE_HELLO_H
#define SLUICE_HELLO_H

#include "answer.h"
#include "flow.h"
#include "rewrite.h"

/*
 * The two layouts that nearly every stack sends, read where they stand: NOP NOP timestamps, and of
 * a SYN MSS, SACK permitted, timestamps, NOP, window scale. False: another one, or not linear.
 */
static __always_inline int read_usual_options(struct __sk_buff *skb, const struct packet *p,
					      struct tcp_options *options)
{
	__u32 offset = p->l4 + TCP_HEADER_MIN;
	__be32 *words = (void *)(long)skb->data + offset;
	void *end = (void *)(long)skb->data_end;

	if (offset > L4_OFFSET_MAX + TCP_HEADER_MIN || (void *)(words + 3) > end)
		return 0;
	if (p->header == TCP_HEADER_MIN + 12 && words[0] == bpf_htonl(TIMESTAMP_WORD)) {
		options->tsval = bpf_ntohl(words[1]);
		options->tsecr = bpf_ntohl(words[2]);
		options->has_timestamps = 1;
		return 1;
	}
	if (p->header != TCP_HEADER_MIN + 20 || (void *)(words + 5) > end ||
	    words[1] != bpf_htonl(SACK_TIMESTAMP_WORD))
		return 0;
	__u32 mss = bpf_ntohl(words[0]), scale = bpf_ntohl(words[4]);

	if (mss >> 16 != (TCPOPT_MSS << 8 | 4) || scale >> 8 != WINDOW_SCALE_WORD >> 8)
		return 0;
	options->mss = mss;
	options->tsval = bpf_ntohl(words[2]);
	options->tsecr = bpf_ntohl(words[3]);
	options->scale = (scale & 0xff) > WINDOW_SCALE_MAX ? WINDOW_SCALE_MAX : scale;
	options->has_timestamps = 1;
	options->has_sack = 1;
	options->has_scale = 1;
	return 1;
}

/*
 * Reads the options of the packet. False: they are not all there. Walked by bpf_loop(), since the
 * verifier (6.18) runs out of steps on a plain loop.
 */
static __noinline int load_options(struct __sk_buff *skb, struct packet *p,
				   struct tcp_options *options)
{
	struct option_reading reading = {};
	__u32 size = p->header - TCP_HEADER_MIN;

	if (size > TCP_OPTIONS_MAX)
		return 0;
	if (!size || read_usual_options(skb, p, options))
		return 1;
	if (bpf_skb_load_bytes(skb, p->l4 + TCP_HEADER_MIN, &reading.walk.bytes, size))
		return 0;
	reading.walk.size = size;
	reading.options.mss = options->mss;
	bpf_loop(TCP_OPTIONS_MAX, read_step, &reading, 0);
	*options = reading.options;
	return 1;
}

/* The options of a SYN or SYN-ACK by what flags (enum handshake_flag) say. */
static __always_inline void syn_options(struct answer *a, __u16 flags, __u16 mss, __u8 scale,
					__u32 tsval, __u32 tsecr)
{
	__be32 *words = (__be32 *)a->new.options;
	__be32 scale_word = bpf_htonl(WINDOW_SCALE_WORD | scale);
	__u32 count = 1;

	words[0] = bpf_htonl(TCPOPT_MSS << 24 | 4 << 16 | mss);
	if (flags & HANDSHAKE_FLAG_TIMESTAMPS) {
		words[1] = bpf_htonl(flags & HANDSHAKE_FLAG_SACK ? SACK_TIMESTAMP_WORD
								 : TIMESTAMP_WORD);
		words[2] = bpf_htonl(tsval);
		words[3] = bpf_htonl(tsecr);
		count = 4;
	} else if (flags & HANDSHAKE_FLAG_SACK) {
		words[1] = bpf_htonl(0x01010402);
		count = 2;
	}
	if (flags & HANDSHAKE_FLAG_WINDOW_SCALE) {
		if (count == 4)
			words[4] = scale_word;
		else if (count == 2)
			words[2] = scale_word;
		else
			words[1] = scale_word;
		count++;
	}
	a->size = TCP_HEADER_MIN + count * 4;
}

/* What both directions could not know before the endpoint spoke. */
static __always_inline void complete_splice(const struct packet *p, struct flow_entry *entry,
					    struct flow_entry *peer,
					    const struct tcp_options *options)
{
	__u32 scale = options->has_scale ? options->scale : 0;
	__u32 flags = 0; /* of both: each must be able to tell what the other was */

	entry->seq_delta = peer->own_isn - p->seq;
	peer->ack_delta = -entry->seq_delta;
	peer->tsecr_delta += options->tsval;
	entry->tsval_delta = -peer->tsecr_delta;
	if (entry->flags & FLOW_FLAG_WINDOW_SCALE) {
		flags |= scale << FLOW_ENDPOINT_SCALE_SHIFT;
		entry->window_shift = scale - flow_scale(entry, FLOW_OUR_SCALE_SHIFT);
		/* An endpoint without scaling takes the client's window as it stands. */
		peer->window_shift =
			options->has_scale ? 0 : flow_scale(entry, FLOW_CLIENT_SCALE_SHIFT);
		if (!options->has_scale)
			flags |= FLOW_FLAG_UNSCALED;
	}
	if (entry->flags & FLOW_FLAG_SACK && !options->has_sack)
		flags |= FLOW_FLAG_STRIP_SACK;
	set_flags(entry, flags);
	set_flags(peer, flags);
	/* Of the hello and of the SYN-ACK, which are never translated. */
	peer->last_ack = peer->own_isn + 1;
	peer->next_seq = (__u64)peer->first_seq + entry->hello_length;
	peer->size_limit = options->mss + (p->is_ipv6 ? 60 : 40);
	entry->last_ack = p->ack;
	entry->first_seq = p->seq + 1;
	entry->next_seq = entry->first_seq;
	/* The client's direction first: once ours stands, its packets may be on their way. */
	peer->state = FLOW_ESTABLISHED;
	entry->state = FLOW_ESTABLISHED;
}

/* The segment's slot, or NULL when the ring of templates has gone round since. */
static __always_inline struct hello_template *hello_segment(const struct flow_entry *entry,
							    __u32 index)
{
	__u32 slot = entry->template_slot + index;
	struct hello_template *template = bpf_map_lookup_elem(&templates, &slot);

	if (!template || template->stamp != entry->template_stamp + 2 * index ||
	    template->length < 1 || template->length > TEMPLATE_PAYLOAD_MAX)
		return NULL;
	return template;
}

static __always_inline void hello_header(struct answer *a, const struct packet *p,
					 const struct flow_entry *entry,
					 const struct flow_entry *peer)
{
	__be32 *words = (__be32 *)a->new.options;

	a->new.tcp.seq = bpf_htonl(entry->own_isn + 1);
	a->new.tcp.ack_seq = bpf_htonl(p->seq + 1);
	a->new.tcp.window = bpf_htons(rescale_window(entry->client_window, peer->window_shift));
	a->new.tcp.ack = 1;
	a->size = TCP_HEADER_MIN;
	if (entry->flags & FLOW_FLAG_TIMESTAMPS) {
		words[0] = bpf_htonl(TIMESTAMP_WORD);
		/* As the client's first one is translated: our SYN's. */
		words[1] = bpf_htonl(syn_tsval(entry));
		words[2] = bpf_htonl(a->echo);
		a->size = TCP_HEADER_MIN + 12;
	}
}

/* Gives the packet a link header, if it has none, that leads back to where it came from. */
static __always_inline int face_back(struct __sk_buff *skb, struct packet *p)
{
	struct ethhdr *eth;
	__u8 mac[ETH_ALEN];

	if (!p->l3) {
		if (bpf_skb_change_head(skb, ETH_HLEN, 0))
			return 0;
		p->l3 = ETH_HLEN;
		p->l4 += ETH_HLEN;
		return 1;
	}
	eth = (void *)(long)skb->data;
	if ((void *)(eth + 1) > (void *)(long)skb->data_end)
		return 0;
	__builtin_memcpy(mac, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, eth->h_source, ETH_ALEN);
	__builtin_memcpy(eth->h_source, mac, ETH_ALEN);
	return 1;
}

/*
 * Turns the SYN-ACK into ACK + ClientHello. A hello of several segments leaves as clones by the
 * device the SYN-ACK came from, and the last as the packet itself. A segment that was overwritten
 * ends the hello there: the client repeats what the endpoint did not acknowledge.
 */
static __noinline int send_hello(struct __sk_buff *skb, struct packet *p, struct answer *a,
				 struct flow_entry *entry, struct flow_entry *peer)
{
	__u32 segments = entry->template_segments;
	struct next_hop hop = {};
	__u32 at = entry->own_isn + 1;

	hello_header(a, p, entry, peer);
	if (segments > 1 && !face_back(skb, p))
		return drop(COUNTER_DROP_KERNEL);
	for (__u32 i = 0; i < TEMPLATE_SEGMENTS_MAX; i++) {
		struct hello_template *segment;

		if (i >= segments)
			break;
		segment = hello_segment(entry, i);
		if (!segment) {
			segments = i;
			break;
		}
		if (i) {
			if (bpf_clone_redirect(skb, skb->ifindex, 0))
				break; /* no memory: the client repeats the rest */
			if (!answer_again(skb, p, a))
				return drop(COUNTER_DROP_KERNEL);
		}
		a->new.tcp.seq = bpf_htonl(at);
		a->new.tcp.psh = i + 1 == segments;
		a->new_payload = segment->length;
		a->new_sum = segment->sum;
		if (!answer_packet(skb, p, a, segment))
			return drop(COUNTER_DROP_KERNEL);
		/* The daemon may have begun to overwrite the slot while we copied it. */
		if (segment->stamp != entry->template_stamp + 2 * i)
			return drop(COUNTER_HELLO_LOST);
		at += a->new_payload;
	}
	if (!segments) {
		/* None at all: the client waits for the endpoint to speak. */
		count(entry->template_segments ? COUNTER_HELLO_LOST : COUNTER_HELLO_SENT);
		if (!answer_packet(skb, p, a, NULL))
			return drop(COUNTER_DROP_KERNEL);
	} else {
		__sync_fetch_and_add(&peer->packets, segments);
		/* What is in front of the hello is ours, not the client's. */
		at -= entry->own_isn + 1;
		if (at > entry->owned_length)
			__sync_fetch_and_add(&peer->bytes, at - entry->owned_length);
		count(COUNTER_HELLO_SENT);
	}
	if (!find_way_back(skb, p, &hop))
		return drop(COUNTER_DROP_NO_ROUTE);
	return redirect(skb, &hop, p->l3);
}

/* A packet of the endpoint while its flow is connecting. */
static __always_inline enum verdict endpoint_connecting(struct __sk_buff *skb, struct packet *p,
							struct flow_entry *entry)
{
	struct tcp_options options = {};
	struct flow_entry *peer;
	__u8 flags = p->tcp_flags;
	struct answer *a = new_answer(skb, p);

	if (!a || (!p->payload && !checksum_holds(skb, p, a)))
		return drop(COUNTER_DROP_MALFORMED);
	if (!(flags & TCP_ACK) || p->ack != entry->own_isn + 1) {
		/* A plain ACK of something else: the endpoint remembers this tuple (RFC 5961, 4).
		 */
		if ((flags & (TCP_ACK | TCP_SYN | TCP_RST)) == TCP_ACK)
			report_flow(p, entry, RECORD_CHALLENGED);
		return drop(COUNTER_DROP_BAD_SYN_ACK);
	}
	if (flags & TCP_RST) {
		report_flow(p, entry, RECORD_REFUSED);
		return drop(COUNTER_DROP_CONNECTING);
	}
	if (!(flags & TCP_SYN) || p->payload)
		return drop(COUNTER_DROP_BAD_SYN_ACK);
	options.mss = p->is_ipv6 ? 1220 : 536; /* RFC 9293, 3.7.1 */
	if (!load_options(skb, p, &options))
		return drop(COUNTER_DROP_MALFORMED);
	peer = flow_peer(entry);
	/* The programs of another version may have completed it, and both rows are merged soon. */
	if (!peer || peer->state != FLOW_CONNECTING)
		return drop(COUNTER_DROP_CONNECTING);
	if (entry->flags & FLOW_FLAG_TIMESTAMPS && !options.has_timestamps) {
		report_flow(p, entry, RECORD_OPTIONS);
		return drop(COUNTER_DROP_CONNECTING);
	}
	/* Another CPU has one in hand, and numbers are completed once. */
	if (__sync_fetch_and_or(&entry->flags, FLOW_FLAG_ANSWERED) & FLOW_FLAG_ANSWERED)
		return drop(COUNTER_DROP_CONNECTING);
	p->mss = options.mss;
	complete_splice(p, entry, peer, &options);
	report_flow(p, entry, RECORD_ESTABLISHED);
	a->echo = options.tsval;
	/* Where the first packets to the endpoint leave if no route is known. */
	entry->ingress_ifindex = skb->ifindex;
	return send_hello(skb, p, a, entry, peer);
}

/* A SYN-ACK again: our ACK was lost. */
static __always_inline enum verdict endpoint_repeats(struct __sk_buff *skb, struct packet *p,
						     struct flow_entry *entry)
{
	struct tcp_options options = {};
	struct flow_entry *peer = flow_peer(entry);
	struct answer *a;

	if (!peer || p->payload || p->ack != entry->own_isn + 1)
		return drop(COUNTER_DROP_BAD_SYN_ACK);
	a = new_answer(skb, p);
	if (!a || !checksum_holds(skb, p, a) || !load_options(skb, p, &options))
		return drop(COUNTER_DROP_MALFORMED);
	a->echo = options.tsval;
	return send_hello(skb, p, a, entry, peer);
}

#endif
