/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Plain listeners. Nobody looks at the client's bytes, so the datapath picks the endpoint itself
 * when the SYN comes, and translates from then on: both ends agree on options with each other. The
 * client's sequence numbers and clock are ours towards the endpoint, which may remember the port
 * from another client. No daemon is needed for it, but to say which endpoints are well, and to
 * count.
 *
 *   SYN                        the client acknowledges the SYN-ACK
 *   ───▶ rows in openings ────────────────────────────────────────▶ rows in flows, ESTABLISHED
 */
#ifndef SLUICE_PLAIN_H
#define SLUICE_PLAIN_H

#include "hello.h"
#include "sequence.h"
#include "sources.h"
#include "translate.h"

/* Whether there are plain listeners; the daemon says so. */
const volatile __u32 has_plain = 0;

/* The ports that plain flows go to endpoints from, and how many; the daemon sets them. */
#define PORT_RANGES 8
struct port_range {
	__u16 first;
	__u16 last; /* empty: first > last */
};
const volatile struct port_range plain_ports[PORT_RANGES] = {
	{1, 0}, {1, 0}, {1, 0}, {1, 0}, {1, 0}, {1, 0}, {1, 0}, {1, 0},
};
const volatile __u32 plain_port_count = 0;

/* How many ports are tried for a flow before its client must try again. */
#define PORT_ATTEMPTS 8

/* Every bit of the result depends on every bit of value: as Balancing's StableHash (SplitMix64). */
static __always_inline __u64 mix(__u64 value)
{
	value += 0x9e3779b97f4a7c15ull;
	value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9ull;
	value = (value ^ value >> 27) * 0x94d049bb133111ebull;
	return value ^ value >> 31;
}

/* A number below count, in proportion to the hash. */
static __always_inline __u32 hash_place(__u64 hash, __u32 count)
{
	return ((hash >> 32) * count + ((hash & 0xffffffff) * count >> 32)) >> 32;
}

static __always_inline __u64 hash_client(const struct packet *p, int with_port)
{
	const __be32 *word = p->tuple.saddr.word;
	__u64 hash = mix((__u64)bpf_ntohl(word[0]) << 32 | bpf_ntohl(word[1]));

	hash = mix(hash ^ ((__u64)bpf_ntohl(word[2]) << 32 | bpf_ntohl(word[3])));
	return with_port ? mix(hash ^ bpf_ntohs(p->tuple.sport)) : hash;
}

/* The entry of the other direction; a port may have been given to another client since. */
static __always_inline struct flow_entry *opening_peer(const struct flow_tuple *tuple,
						       const struct flow_entry *entry)
{
	struct flow_tuple key;
	struct flow_entry *peer;

	reverse_tuple(&key, &entry->rewrite);
	peer = bpf_map_lookup_elem(&openings, &key);
	if (!peer)
		return NULL;
	reverse_tuple(&key, &peer->rewrite);
	for (__u32 i = 0; i < sizeof(key) / 4; i++)
		if (((const __u32 *)&key)[i] != ((const __u32 *)tuple)[i])
			return NULL;
	return peer;
}

static __always_inline void delete_opening(struct flow_tuple *tuple, const struct flow_entry *entry)
{
	struct flow_tuple key;

	reverse_tuple(&key, &entry->rewrite);
	bpf_map_delete_elem(&openings, &key);
	bpf_map_delete_elem(&openings, tuple);
}

static __always_inline __be16 nth_plain_port(__u32 n)
{
	for (int i = 0; i < PORT_RANGES; i++) {
		__u32 size = plain_ports[i].last - plain_ports[i].first + 1;

		if (n < size)
			return bpf_htons(plain_ports[i].first + n);
		n -= size;
	}
	return 0;
}

/* Whether ack is of something that the direction of entry has sent. */
static __always_inline int acknowledges(__u32 ack, const struct flow_entry *entry)
{
	return ack - entry->first_seq <= (__u32)entry->next_seq - entry->first_seq;
}

static __always_inline struct plain_table *plain_table(__u16 listener, __u8 is_ipv6)
{
	__u32 key = (__u32)listener << 1 | is_ipv6, first = 0;
	void *table = bpf_map_lookup_elem(&plain_tables, &key);

	return table ? bpf_map_lookup_elem(table, &first) : NULL;
}

static __always_inline const struct plain_endpoint *pick_endpoint(const struct packet *p,
								  const struct plain_table *table)
{
	__u32 size = table->size, slot, index;

	if (!size || size > PLAIN_SLOTS_MAX)
		return NULL;
	slot = hash_place(hash_client(p, table->hashes_port), size);
	if (slot >= PLAIN_SLOTS_MAX)
		return NULL;
	index = table->slot[slot];
	return index < PLAIN_ENDPOINTS_MAX ? &table->endpoint[index] : NULL;
}

/* How long a flow that is over had no packet before another may have its port. */
#define PORT_REST_TICKS (30000000000ll >> TICK_SHIFT)

static __always_inline int rests(const struct flow_entry *entry, __u64 now)
{
	return !entry->last_seen || ticks_since(entry->last_seen, tick_of(now)) >= PORT_REST_TICKS;
}

/*
 * Whether no flow has the port of key, the endpoint's tuple. One that is over for long loses it:
 * the daemon, which removes such flows, may not be there.
 */
static __noinline int release_port(struct flow_tuple *key, __u64 now)
{
	struct flow_entry *held = bpf_map_lookup_elem(&flows, key), *peer;
	struct flow_tuple client;
	__u64 created;

	if (!held)
		return 1;
	/* Copies: another CPU may remove the row, whose memory is another flow's then. */
	created = held->created_ns;
	reverse_tuple(&client, &held->rewrite);
	if (!rests(held, now))
		return 0;
	peer = bpf_map_lookup_elem(&flows, &client);
	if (peer && peer->created_ns == created) {
		/* Traffic may have revived one direction, as endings.h knows. */
		if ((!is_over(held) && peer->state != FLOW_RESET) || !rests(peer, now) ||
		    held->created_ns != created)
			return 0;
		bpf_map_delete_elem(&flows, &client);
	} else if (!is_over(held)) {
		return 0;
	}
	bpf_map_delete_elem(&flows, key);
	return 1;
}

/*
 * A port that no flow has, in way; that of a flow that is over only after some attempts, and of an
 * opening in the last ones, so that SYNs that nobody answers cannot take all ports. False: all that
 * were tried have a flow.
 */
static __always_inline int take_port(struct flow_tuple *way, __u64 hash, struct flow_entry *row,
				     __u32 client_isn)
{
	struct flow_tuple key;

	for (int i = 0; i < PORT_ATTEMPTS; i++) {
		hash = mix(hash);
		way->sport = nth_plain_port(hash_place(hash, plain_port_count));
		/* Whose pool of ports it would be of hears of the flow. */
		row->worker = bpf_ntohs(way->sport) % workers;
		row->ack_delta = client_isn - initial_sequence(way, row->created_ns);
		reverse_tuple(&key, ends_of(way));
		if (i < PORT_ATTEMPTS / 2 ? !!bpf_map_lookup_elem(&flows, &key)
					  : !release_port(&key, row->created_ns))
			continue;
		if (!bpf_map_update_elem(&openings, &key, row,
					 i < PORT_ATTEMPTS - 2 ? BPF_NOEXIST : BPF_ANY))
			return 1;
	}
	return 0;
}

/* Both rows of a flow that is about to be. False: there is no port, or no memory. */
static __always_inline int make_opening(struct packet *p, const struct listener_entry *listener,
					const struct plain_table *table,
					const struct plain_endpoint *endpoint,
					const struct tcp_options *options)
{
	__u64 now = coarse_now();
	/* With the time: a repeated SYN must not find the same ports taken. */
	__u64 hash = mix(hash_client(p, 1) ^ p->seq ^ now);
	__u32 source = hash_place(hash, endpoint->sources);
	struct flow_tuple way = {.protocol = IPPROTO_TCP};
	__u32 first = 0;
	struct flow_entry *row = bpf_map_lookup_elem(&blank_rows, &first);

	if (!row || source >= PLAIN_SOURCES_MAX || source >= endpoint->sources)
		return 0;
	way.saddr = endpoint->source[source];
	way.daddr = endpoint->addr;
	way.dport = endpoint->port;
	__builtin_memset(row, 0, sizeof(*row));
	reverse_ends(&row->rewrite, ends_of(&p->tuple));
	row->state = FLOW_CONNECTING;
	row->flags = FLOW_FLAG_PLAIN;
	row->listener = listener->listener;
	row->cluster = table->cluster;
	row->endpoint = endpoint->endpoint;
	row->created_ns = now;
	row->size_limit = SIZE_UNLIMITED;
	/* Our clock: milliseconds, as in a splice. */
	if (options->has_timestamps)
		row->tsecr_delta = options->tsval - (__u32)(now / 1000000);
	if (!take_port(&way, hash, row, p->seq))
		return 0;
	row->seq_delta = -row->ack_delta;
	row->ack_delta = 0;
	row->tsval_delta = -row->tsecr_delta;
	row->tsecr_delta = 0;
	row->rewrite = *ends_of(&way);
	row->flags |= FLOW_FLAG_UPSTREAM;
	row->first_seq = p->seq + 1;
	/* An endpoint may take the data of a SYN (RFC 7413). */
	row->next_seq = (__u64)row->first_seq + p->payload;
	return !bpf_map_update_elem(&openings, &p->tuple, row, BPF_ANY);
}

/* There is no entry to translate the packet by. */
static __always_inline struct flow_entry *plain_end(struct packet *p, enum verdict verdict)
{
	p->verdict = verdict;
	return NULL;
}

/* Whether flows has no room for plain flows; the daemon, which counts them, says so. */
static __always_inline int table_is_full(void)
{
	__u32 key = 0;
	struct instance_state *state = bpf_map_lookup_elem(&instance, &key);

	return state && state->table_full;
}

/* The plain listener that the packet is a SYN to. */
static __noinline struct listener_entry *plain_listener(const struct packet *p)
{
	struct listener_key key = {.addr = p->tuple.daddr, .port = p->tuple.dport};
	struct listener_entry *listener;

	if ((p->tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) != TCP_SYN)
		return NULL;
	listener = bpf_map_lookup_elem(&listeners, &key);
	return listener && listener->flags & LISTENER_FLAG_PLAIN ? listener : NULL;
}

/* A SYN to a plain listener goes to an endpoint at once. NULL and CONTINUE: nobody serves. */
static __noinline struct flow_entry *open_plain(struct packet *p,
						const struct listener_entry *listener,
						const struct tcp_options *options)
{
	struct plain_table *table = plain_table(listener->listener, p->is_ipv6);
	const struct plain_endpoint *endpoint = table ? pick_endpoint(p, table) : NULL;

	if (!endpoint)
		return plain_end(p, VERDICT_CONTINUE);
	if (table_is_full() || !make_opening(p, listener, table, endpoint, options))
		return plain_end(p, drop(COUNTER_PLAIN_FULL));
	count(COUNTER_PLAIN_OPENED);
	p->verdict = VERDICT_DROP;
	return bpf_map_lookup_elem(&openings, &p->tuple);
}

static __always_inline void note_endpoint_scale(struct flow_entry *entry, __u32 scale)
{
	entry->flags &= ~(FLOW_SCALE_MASK << FLOW_ENDPOINT_SCALE_SHIFT);
	entry->flags |= scale << FLOW_ENDPOINT_SCALE_SHIFT;
}

/* What flowdump shows, and an RST of ours needs to know. */
static __always_inline void note_syn_ack(const struct packet *p, struct flow_entry *entry,
					 struct flow_entry *peer, const struct tcp_options *options)
{
	__u16 agreed = 0;

	if (options->has_timestamps)
		agreed |= FLOW_FLAG_TIMESTAMPS;
	if (options->has_sack)
		agreed |= FLOW_FLAG_SACK;
	if (options->has_scale)
		agreed |= FLOW_FLAG_WINDOW_SCALE;
	entry->flags |= FLOW_FLAG_ANSWERED | agreed;
	peer->flags |= agreed;
	note_endpoint_scale(entry, options->has_scale ? options->scale : 0);
	note_endpoint_scale(peer, options->has_scale ? options->scale : 0);
	entry->first_seq = p->seq + 1;
	entry->next_seq = entry->first_seq;
	entry->last_ack = p->ack;
	peer->last_ack = p->seq + 1;
}

/* Whether it came before: data may have come behind it (RFC 7413). */
static __always_inline int is_repeated_syn_ack(const struct packet *p,
					       const struct flow_entry *entry)
{
	return entry->flags & FLOW_FLAG_ANSWERED && entry->first_seq == p->seq + 1;
}

/* A packet of the endpoint before the client acknowledged its SYN-ACK. */
static __always_inline struct flow_entry *endpoint_opening(struct __sk_buff *skb, struct packet *p,
							   struct flow_entry *entry,
							   struct flow_entry *peer)
{
	struct tcp_options options = {};

	if (!(p->tcp_flags & TCP_SYN))
		return entry;
	if ((p->tcp_flags & (TCP_ACK | TCP_RST)) != TCP_ACK ||
	    !acknowledges(p->ack + entry->ack_delta, peer))
		return plain_end(p, drop(COUNTER_DROP_BAD_SYN_ACK));
	if (!load_options(skb, p, &options))
		return plain_end(p, drop(COUNTER_DROP_MALFORMED));
	if (!is_repeated_syn_ack(p, entry))
		note_syn_ack(p, entry, peer, &options);
	return entry;
}

/*
 * The client has shown that it is where it says: the flow stands. What the rows say in openings is
 * what they begin with.
 */
static __always_inline struct flow_entry *establish(struct packet *p, struct flow_entry *entry,
						    struct flow_entry *peer)
{
	struct flow_tuple key;

	entry->state = FLOW_ESTABLISHED;
	peer->state = FLOW_ESTABLISHED;
	reverse_tuple(&key, &entry->rewrite);
	if (bpf_map_update_elem(&flows, &key, peer, BPF_ANY))
		return plain_end(p, drop(COUNTER_DROP_KERNEL));
	if (bpf_map_update_elem(&flows, &p->tuple, entry, BPF_ANY)) {
		bpf_map_delete_elem(&flows, &key);
		return plain_end(p, drop(COUNTER_DROP_KERNEL));
	}
	report_flow(p, entry, RECORD_ESTABLISHED);
	delete_opening(&p->tuple, entry);
	p->verdict = VERDICT_DROP;
	return bpf_map_lookup_elem(&flows, &p->tuple);
}

/* After so long a SYN that its endpoint did not answer may go to another one. */
#define SYN_PATIENCE_NS 500000000ull

/* Whether clients like this one are sent elsewhere by now, since nobody answered it. */
static __always_inline int is_given_up(const struct packet *p, const struct flow_entry *entry,
				       const struct flow_entry *peer)
{
	const struct plain_endpoint *endpoint;
	const struct plain_table *table;

	if (peer->flags & FLOW_FLAG_ANSWERED || coarse_now() - entry->created_ns < SYN_PATIENCE_NS)
		return 0;
	table = plain_table(entry->listener, p->is_ipv6);
	endpoint = table ? pick_endpoint(p, table) : NULL;
	if (!endpoint)
		return 0;
	for (__u32 i = 0; i < 4; i++)
		if (endpoint->addr.word[i] != entry->rewrite.daddr.word[i])
			return 1;
	return endpoint->port != entry->rewrite.dport;
}

/* A packet of the client until then. */
static __always_inline struct flow_entry *client_opening(struct packet *p, struct flow_entry *entry,
							 struct flow_entry *peer)
{
	if (p->tcp_flags & TCP_SYN) {
		if (p->seq == entry->first_seq - 1 && !is_given_up(p, entry, peer))
			return entry;
		/* Another connection of the same port, or another endpoint. */
		delete_opening(&p->tuple, entry);
		return plain_end(p, VERDICT_CONTINUE);
	}
	if (p->tcp_flags & TCP_RST)
		return entry;
	if (!(p->tcp_flags & TCP_ACK) || !(peer->flags & FLOW_FLAG_ANSWERED) ||
	    !acknowledges(p->ack, peer) || p->seq - entry->first_seq >= WINDOW_MAX)
		return plain_end(p, drop(COUNTER_DROP_CONNECTING));
	return establish(p, entry, peer);
}

/* What a packet of a flow that is about to be is translated by. NULL and CONTINUE: it is of none.
 */
static __noinline struct flow_entry *plain_opening(struct __sk_buff *skb, struct packet *p)
{
	struct flow_entry *entry = bpf_map_lookup_elem(&openings, &p->tuple);
	struct flow_entry *peer;

	if (!entry)
		return plain_end(p, VERDICT_CONTINUE);
	peer = opening_peer(&p->tuple, entry);
	if (!peer) {
		/* One direction was forgotten: the client's SYN begins anew. */
		bpf_map_delete_elem(&openings, &p->tuple);
		return plain_end(p, VERDICT_CONTINUE);
	}
	if (entry->flags & FLOW_FLAG_UPSTREAM)
		return client_opening(p, entry, peer);
	return endpoint_opening(skb, p, entry, peer);
}

/* What a packet of no flow is translated by, if its listener is plain. NULL: p->verdict. */
static __always_inline struct flow_entry *plain_entry(struct __sk_buff *skb, struct packet *p)
{
	struct flow_entry *entry = plain_opening(skb, p);
	struct tcp_options options = {};
	struct listener_entry *listener;
	enum verdict verdict;

	if (entry || p->verdict)
		return entry;
	listener = plain_listener(p);
	if (!listener)
		return plain_end(p, VERDICT_PASS);
	if (asks_for_source(listener)) {
		/* There is no hello to count against the source. */
		verdict = judge_source(skb, p, listener, 1);
		if (verdict)
			return plain_end(p, verdict);
	}
	if (!load_options(skb, p, &options))
		return plain_end(p, drop(COUNTER_DROP_MALFORMED));
	entry = open_plain(p, listener, &options);
	if (entry || p->verdict)
		return entry;
	return plain_end(p, turn_away(skb, p, COUNTER_PLAIN_REFUSED, 1));
}

#endif
