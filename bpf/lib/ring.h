/* SPDX-License-Identifier: GPL-2.0-only */
/* Records to the workers. */
#ifndef SLUICE_RING_H
#define SLUICE_RING_H

#include "parse.h"

/* How many workers listen; set by the daemon. */
const volatile __u32 workers = 1;

#define HELLO_CHUNKS_MAX 16   /* of HELLO_CHUNK_MAX bytes: a super-packet of 64 KiB */
#define HELLO_SMALL	 1024 /* most hellos fit and take less of the ring */

struct hello_small {
	struct hello_record head;
	__u8 data[HELLO_SMALL];
};

struct hello_large {
	struct hello_record head;
	__u8 data[HELLO_CHUNK_MAX];
};

/* The worker of a client's tuple: the same for all of its packets. */
static __always_inline __u32 worker_of(const struct flow_tuple *tuple)
{
	__u32 hash = tuple->saddr.word[3] ^ tuple->saddr.word[1] ^ ((__u32)tuple->sport << 16);

	/* Every bit in must move every bit out: kernels hand out ports with gaps (Wellons' mixer).
	 */
	hash ^= hash >> 16;
	hash *= 0x7feb352du;
	hash ^= hash >> 15;
	hash *= 0x846ca68bu;
	hash ^= hash >> 16;
	return hash % workers;
}

static __always_inline void *ring_of(__u32 worker, int wakes)
{
	__u32 key = worker % workers + (wakes ? 0 : WORKERS_MAX);

	return bpf_map_lookup_elem(&rings, &key);
}

/*
 * Submits a record that must be read soon. Waking costs an interrupt, which in a virtual machine is
 * dearer than all else about a hello: a worker that is awake is not woken. It says so until right
 * before it looks at its ring for the last time, and submitting is a full barrier, so one of the
 * two sees the other: whoever finds the worker gone to sleep behind its record wakes it by an empty
 * one.
 */
static __always_inline void submit_waking(void *record, void *ring, __u32 worker)
{
	__u32 key = worker % workers;
	volatile struct worker_state *state = bpf_map_lookup_elem(&worker_states, &key);
	void *bell;

	if (!state || !state->awake) {
		bpf_ringbuf_submit(record, 0);
		return;
	}
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	if (state->awake)
		return;
	bell = bpf_ringbuf_reserve(ring, 8, 0);
	if (bell)
		bpf_ringbuf_discard(bell, BPF_RB_FORCE_WAKEUP);
}

/* Whether somebody logs connections, for whom the clock is read; set by the daemon. */
const volatile __u32 tells_age = 0;

#define AGE_UNKNOWN 0xffffffffu

/* Clocks of two CPUs may differ a little: never before its beginning. */
static __always_inline __u32 flow_age_us(const struct flow_entry *entry)
{
	__u64 now, age;

	if (!tells_age)
		return AGE_UNKNOWN;
	now = bpf_ktime_get_ns();
	age = now > entry->created_ns ? (now - entry->created_ns) / 1000 : 0;
	return age < AGE_UNKNOWN ? age : AGE_UNKNOWN;
}

/* Tells a worker what happened to a flow; it is woken when it must act at once. */
static __noinline int report_flow(struct packet *p, struct flow_entry *entry, __u32 kind)
{
	int wakes = kind == RECORD_REFUSED || kind == RECORD_CHALLENGED || kind == RECORD_OPTIONS ||
		    kind == RECORD_ORPHANED;
	void *ring = ring_of(entry->worker, wakes);
	struct flow_record *record;

	if (!ring)
		return 0;
	record = bpf_ringbuf_reserve(ring, sizeof(*record), 0);
	if (!record)
		return 0;
	__builtin_memset(record, 0, sizeof(*record));
	record->head.kind = kind;
	record->head.tcp_flags = p->tcp_flags;
	record->tuple = p->tuple;
	tuple_of(&record->rewrite, &entry->rewrite);
	record->created_ns = entry->created_ns;
	record->seq = p->seq;
	record->ack = p->ack;
	record->flow_flags = entry->flags;
	record->mss = p->mss;
	record->age_us = flow_age_us(entry);
	if (wakes)
		submit_waking(record, ring, entry->worker);
	else
		bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	return 1;
}

struct hello_context {
	struct packet *p;
	struct handshake_note note;
	__u64 created_ns;
	__u32 tsval;
	__u32 tsecr;
	__u32 worker;
	__u32 has_note;
	__u32 header_sum; /* 0: not to be checked */
	__be16 check;
};

static __always_inline void fill_hello(struct hello_record *record, const struct hello_context *c,
				       __u32 at, __u32 length)
{
	__builtin_memset(record, 0, sizeof(*record));
	record->head.kind = RECORD_HELLO;
	record->head.tcp_flags = c->p->tcp_flags;
	record->head.length = length;
	record->tuple = c->p->tuple;
	record->created_ns = c->created_ns;
	record->seq = c->p->seq + at;
	record->ack = c->p->ack;
	record->tsval = c->tsval;
	record->tsecr = c->tsecr;
	record->window = c->p->window;
	record->header_sum = c->header_sum;
	record->header_size = c->p->header;
	record->check = c->check;
	if (c->has_note)
		record->note = c->note;
}

/* Copies one piece of the payload to the worker. False: the ring is full. */
static __noinline int report_chunk(struct __sk_buff *skb, struct hello_context *c, __u32 at)
{
	void *ring = ring_of(c->worker, 1);
	__u32 length = c->p->payload - at;
	__u32 offset = c->p->l4 + c->p->header + at;

	if (!ring)
		return 0;
	if (length > HELLO_CHUNK_MAX)
		length = HELLO_CHUNK_MAX;
	if (length < 1)
		return 0;
	if (length <= HELLO_SMALL) {
		struct hello_small *record = bpf_ringbuf_reserve(ring, sizeof(*record), 0);

		if (!record)
			return 0;
		fill_hello(&record->head, c, at, length);
		if (bpf_skb_load_bytes(skb, offset, record->data, length)) {
			bpf_ringbuf_discard(record, 0);
			return 0;
		}
		submit_waking(record, ring, c->worker);
		return 1;
	}
	struct hello_large *record = bpf_ringbuf_reserve(ring, sizeof(*record), 0);

	if (!record)
		return 0;
	fill_hello(&record->head, c, at, length);
	if (bpf_skb_load_bytes(skb, offset, record->data, length)) {
		bpf_ringbuf_discard(record, 0);
		return 0;
	}
	submit_waking(record, ring, c->worker);
	return 1;
}

/*
 * Tells a worker of a client's segment without its bytes: RECORD_ABANDONED or RECORD_STRAY. By the
 * ring of the hellos, or it would hear of a reset before the bytes that the reset is about.
 */
static __noinline int report_client(struct packet *p, __u64 created_ns, __u32 worker, __u32 kind)
{
	void *ring = ring_of(worker, 1);
	struct hello_record *record;

	if (!ring)
		return 0;
	record = bpf_ringbuf_reserve(ring, sizeof(*record), 0);
	if (!record)
		return 0;
	__builtin_memset(record, 0, sizeof(*record));
	record->head.kind = kind;
	record->head.tcp_flags = p->tcp_flags;
	record->tuple = p->tuple;
	record->created_ns = created_ns;
	record->seq = p->seq;
	record->ack = p->ack;
	submit_waking(record, ring, worker);
	return 1;
}

/*
 * Nobody has verified the checksum of a packet that does not go up the stack, and the endpoint gets
 * these bytes with a sum of our own: the daemon must, and needs the header for it.
 */
static __noinline int sum_header(struct __sk_buff *skb, struct hello_context *c)
{
	struct {
		struct tcphdr tcp;
		__u8 options[40];
	} header = {};
	__u32 size = c->p->header;

	if (c->p->payload > HELLO_CHUNK_MAX || size < sizeof(header.tcp) || size > sizeof(header))
		return 0;
	if (bpf_skb_load_bytes(skb, c->p->l4, &header, size))
		return 0;
	c->header_sum = bpf_csum_diff(NULL, 0, (__be32 *)&header, sizeof(header), 0);
	c->check = header.tcp.check;
	return 1;
}

/* Tells a worker of a client that acknowledged our SYN-ACK and sent nothing. */
static __noinline int report_ack(struct __sk_buff *skb, struct hello_context *c)
{
	void *ring = ring_of(c->worker, 1);
	struct hello_record *record;

	if (!ring)
		return 0;
	sum_header(skb, c);
	record = bpf_ringbuf_reserve(ring, sizeof(*record), 0);
	if (!record)
		return 0;
	fill_hello(record, c, 0, 0);
	submit_waking(record, ring, c->worker);
	return 1;
}

/*
 * Hands a client's data to its worker and ends the packet: the client keeps it until the endpoint
 * acknowledges it. Told with the note while no flow exists, with created_ns once one is connecting.
 */
static __always_inline enum verdict report_hello(struct __sk_buff *skb, struct hello_context *c)
{
	sum_header(skb, c);
	for (int i = 0; i < HELLO_CHUNKS_MAX; i++) {
		__u32 at = i * HELLO_CHUNK_MAX;

		if (at >= c->p->payload)
			break;
		if (!report_chunk(skb, c, at))
			return drop(COUNTER_DROP_RING_FULL);
	}
	return drop(COUNTER_HELLO_RECORDED);
}

#endif
