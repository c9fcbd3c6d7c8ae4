/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hellos of known names. A worker that has routed a name says where it leads; from then on the
 * datapath sends the SYN to the endpoint itself, as the worker would have done, and tells it later.
 * Nobody is woken for it. Whatever is unusual goes by the worker, as the first hello of a name
 * does.
 */
#ifndef SLUICE_KNOWN_H
#define SLUICE_KNOWN_H

#include "hello.h"
#include "hello_name.h"
#include "sequence.h"

/* What a hello is read and rows are put together in, too large for the stack. */
struct known_scratch {
	struct known_name name;
	struct known_route route;
	struct flow_tuple client;
	struct flow_tuple way; /* to the endpoint */
	struct flow_tuple back;
	struct next_hop hop;
	__u64 now; /* CLOCK_MONOTONIC */
	__u32 syn_tsval;
	__u32 isn;
	__u32 slot; /* of the template's first segment; the second one's is behind it */
	__u32 stamp;
	__u32 segments;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct known_scratch);
} known_scratches SEC(".maps");

/* The route of the hello's name, a copy. False: its worker is to look. */
static __noinline int find_route(struct __sk_buff *skb, struct packet *p, struct hello_context *c,
				 struct known_scratch *s, __u32 epoch)
{
	__u32 first = 0, length = p->payload;
	struct hello_template *hello = bpf_map_lookup_elem(&hellos, &first);
	struct name_search search = {};
	struct known_route *route;

	if (!hello || length < 1 || length > TEMPLATE_PAYLOAD_MAX ||
	    bpf_skb_load_bytes(skb, p->l4 + p->header, hello->payload, length))
		return 0;
	hello->length = length;
	if (!find_name(hello, &search))
		return 0;
	length = search.length;
	/* Names are filled with zero bytes, and have none. */
	if (length < 1 || length > KNOWN_NAME_MAX || !hello_byte(hello, search.name + length - 1))
		return 0;
	__builtin_memset(&s->name, 0, sizeof(s->name));
	s->name.epoch = epoch;
	s->name.listener = c->note.listener;
	s->name.worker = c->worker;
	s->name.is_ipv6 = p->is_ipv6;
	if (bpf_skb_load_bytes(skb, p->l4 + p->header + search.name, s->name.text, length))
		return 0;
	route = bpf_map_lookup_elem(&known_names, &s->name);
	if (!route)
		return 0;
	s->route = *route;
	/* What an LRU map forgets may at once be another name's. */
	return bpf_map_lookup_elem(&known_names, &s->name) == route;
}

static __always_inline int keep_segment(struct __sk_buff *skb, __u32 at, __u32 size, __u32 slot,
					__u32 stamp, __u32 sum)
{
	struct hello_template *segment = bpf_map_lookup_elem(&templates, &slot);

	if (!segment || size < 1 || size > TEMPLATE_PAYLOAD_MAX)
		return 0;
	segment->stamp = stamp | 1;
	segment->length = size;
	segment->sum = sum;
	if (bpf_skb_load_bytes(skb, at, segment->payload, size))
		return 0;
	segment->stamp = stamp;
	return 1;
}

/* Keeps the hello in one or two slots of our own, until the endpoint has it. False: it cannot. */
static __noinline int keep_hello(struct __sk_buff *skb, struct packet *p, struct answer *a,
				 struct known_scratch *s)
{
	__u32 key = 0, at = p->l4 + p->header, size = p->payload, limit = s->route.segment_size;
	__u32 *count = bpf_map_lookup_elem(&own_templates, &key), used;
	__u32 rest = 0, rest_sum = 0;

	s->segments = 1;
	if (size > limit) {
		rest = size - limit;
		size = limit;
		s->segments = 2;
	}
	if (!count || (rest && !sum_bytes(skb, at + size, rest, &rest_sum)))
		return 0;
	used = __sync_fetch_and_add(count, s->segments);
	/* There is no slot behind the last one. */
	if (used % TEMPLATES_OWN + s->segments > TEMPLATES_OWN)
		used = __sync_fetch_and_add(count, s->segments);
	s->slot = TEMPLATES_MAX - TEMPLATES_OWN + used % TEMPLATES_OWN;
	s->stamp = used * 2 + 2;
	if (rest && !keep_segment(skb, at + size, rest, s->slot + 1, s->stamp + 2, rest_sum))
		return 0;
	/* A first segment of two has an even number of bytes, so that sums add up. */
	return keep_segment(skb, at, size, s->slot, s->stamp,
			    sum_fold32((__u64)a->old_sum + (__u32)~rest_sum));
}

/*
 * A port that the worker laid out; 0: there is none. What is laid is read first and the port last,
 * with a full barrier in between, as the worker writes them the other way round.
 */
static __always_inline __be16 take_laid_port(struct known_target *target)
{
	for (int i = 0; i < 4; i++) {
		__u32 laid = *(volatile __u32 *)&target->laid;
		__u32 taken = __sync_fetch_and_add(&target->taken, 0);
		__be16 port;

		if ((__s32)(laid - taken) <= 0)
			return 0;
		port = *(volatile __be16 *)&target->ports[taken % KNOWN_PORTS_MAX];
		if (__sync_val_compare_and_swap(&target->taken, taken, taken + 1) == taken)
			return port;
	}
	return 0;
}

/* Both rows, as Datapath's Splice has them. False: a tuple has one, or there is no memory. */
static __noinline int write_rows(struct packet *p, struct hello_context *c, struct known_scratch *s)
{
	const struct handshake_note *note = &c->note;
	const struct known_route *route = &s->route;
	__u32 first = 0;
	struct flow_entry *row = bpf_map_lookup_elem(&blank_rows, &first);

	if (!row)
		return 0;
	__builtin_memset(row, 0, sizeof(*row));
	row->state = FLOW_CONNECTING;
	if (note->flags & HANDSHAKE_FLAG_TIMESTAMPS)
		row->flags |= FLOW_FLAG_TIMESTAMPS;
	if (note->flags & HANDSHAKE_FLAG_SACK)
		row->flags |= FLOW_FLAG_SACK;
	if (note->flags & HANDSHAKE_FLAG_WINDOW_SCALE)
		row->flags |= FLOW_FLAG_WINDOW_SCALE;
	row->worker = c->worker;
	row->listener = note->listener;
	row->cluster = route->cluster;
	row->endpoint = route->endpoint;
	row->server_name = route->server_name;
	row->created_ns = s->now;
	row->flags |= (__u32)note->scale << FLOW_CLIENT_SCALE_SHIFT;
	row->flags |= (__u32)note->our_scale << FLOW_OUR_SCALE_SHIFT;
	row->client_window = p->window;
	row->own_isn = s->isn;
	row->hello_length = p->payload;
	row->size_limit = SIZE_UNLIMITED;
	reverse_ends(&row->rewrite, ends_of(&s->client));
	row->ack_delta = note->client_isn - s->isn;
	row->tsecr_delta = c->tsval - s->syn_tsval;
	row->template_slot = s->slot;
	row->template_stamp = s->stamp;
	row->template_segments = s->segments;
	if (bpf_map_update_elem(&flows, &s->back, row, BPF_NOEXIST))
		return 0;
	row->rewrite = *ends_of(&s->way);
	row->flags |= FLOW_FLAG_UPSTREAM;
	row->own_isn = note->cookie;
	row->first_seq = note->client_isn + 1;
	row->seq_delta = -row->ack_delta;
	row->ack_delta = 0;
	row->tsval_delta = -row->tsecr_delta;
	row->tsecr_delta = -note->tsval;
	row->template_slot = 0;
	row->template_stamp = 0;
	row->template_segments = 0;
	row->ingress_ifindex = note->ifindex;
	if (!bpf_map_update_elem(&flows, &s->client, row, BPF_NOEXIST))
		return 1;
	bpf_map_delete_elem(&flows, &s->back);
	return 0;
}

/* Turns the hello, whose flow open_known has begun, into our SYN. */
static __noinline int send_syn(struct __sk_buff *skb, struct packet *p, struct hello_context *c)
{
	const struct handshake_note *note = &c->note;
	__u32 first = 0;
	struct known_scratch *s = bpf_map_lookup_elem(&known_scratches, &first);
	struct answer *a = bpf_map_lookup_elem(&answers, &first);

	if (!s || !a)
		return drop(COUNTER_DROP_KERNEL);
	a->new.tcp.seq = bpf_htonl(s->isn);
	a->new.tcp.syn = 1;
	a->new.tcp.window = bpf_htons(p->window > 1024 ? p->window : 1024);
	syn_options(a, note->flags, note->mss, note->scale, s->syn_tsval, 0);
	for (int i = 0; i < 4; i++) {
		sum_replace4(&a->moved, p->tuple.saddr.word[i], s->way.saddr.word[i]);
		sum_replace4(&a->moved, p->tuple.daddr.word[i], s->way.daddr.word[i]);
	}
	/* An answer to what the endpoint might have sent. */
	p->tuple = s->back;
	if (!answer_packet(skb, p, a, NULL))
		return drop(COUNTER_DROP_KERNEL);
	count(COUNTER_HELLO_ROUTED);
	return redirect(skb, &s->hop, p->l3);
}

static __always_inline void fill_opened(struct opened_record *record, struct hello_context *c,
					const struct known_scratch *s)
{
	fill_hello(&record->hello, c, 0, 0);
	record->hello.head.kind = RECORD_OPENED;
	record->rewrite = s->way;
	record->isn = s->isn;
	record->template_slot = s->slot;
	record->template_stamp = s->stamp;
	record->length = c->p->payload;
	record->segments = s->segments;
	record->cluster = s->route.cluster;
	record->endpoint = s->route.endpoint;
}

/* What must hold before a port is taken for the hello, and where it goes. */
static __noinline int prepare_opening(struct __sk_buff *skb, struct packet *p,
				      struct hello_context *c, struct known_scratch *s)
{
	__u32 worker = c->worker, place;
	struct worker_state *state = bpf_map_lookup_elem(&worker_states, &worker);
	struct known_target *target;
	struct answer *a;

	if (!state || !state->epoch || p->tcp_flags & (TCP_FIN | TCP_SYN | TCP_URG) ||
	    p->l4 - p->l3 != (p->is_ipv6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr)) ||
	    !find_route(skb, p, c, s, state->epoch) || p->payload > 2u * s->route.segment_size)
		return 0;
	place = s->route.target;
	target = bpf_map_lookup_elem(&known_targets, &place);
	if (!target || target->taken == target->laid)
		return 0;
	s->way.saddr = target->source;
	s->way.daddr = target->addr;
	s->way.sport = 0;
	s->way.dport = target->port;
	s->way.protocol = IPPROTO_TCP;
	__builtin_memset(&s->hop, 0, sizeof(s->hop));
	/* Where the FIB cannot be asked, the worker's socket finds the way. */
	if (!find_next_hop(skb, ends_of(&s->way), &s->hop, 0))
		return 0;
	a = new_answer(skb, p);
	/* Nobody else would notice that it was damaged on its way. */
	return a && sum_payload(skb, p, a) && checksum_holds(skb, p, a);
}

/* The first segment of a client. False: its worker is to look at it. */
static __noinline int open_known(struct __sk_buff *skb, struct packet *p, struct hello_context *c)
{
	__u32 first = 0, place;
	struct known_scratch *s = bpf_map_lookup_elem(&known_scratches, &first);
	struct answer *a = bpf_map_lookup_elem(&answers, &first);
	struct opened_record *record;
	struct known_target *target;
	void *ring;
	int is_open;

	if (!s || !a || !prepare_opening(skb, p, c, s))
		return 0;
	place = s->route.target;
	target = bpf_map_lookup_elem(&known_targets, &place);
	ring = ring_of(c->worker, 0);
	if (!target || !ring)
		return 0;
	record = bpf_ringbuf_reserve(ring, sizeof(*record), 0);
	if (!record)
		return 0;
	s->way.sport = take_laid_port(target);
	if (!s->way.sport) {
		bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);
		return 0;
	}
	s->now = bpf_ktime_get_ns();
	s->syn_tsval = s->now / 1000000;
	s->client = p->tuple;
	reverse_tuple(&s->back, ends_of(&s->way));
	s->isn = initial_sequence(&s->way, s->now);
	is_open = keep_hello(skb, p, a, s) && write_rows(p, c, s);
	c->created_ns = is_open ? s->now : 0;
	fill_opened(record, c, s);
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	c->created_ns = 0;
	return is_open;
}

#endif
