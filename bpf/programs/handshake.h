/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * handshake: answers SYNs to listeners and hands the ClientHello to the daemon. Its link is not
 * pinned: when the daemon dies the kernel detaches it, and new clients get the stack's answer.
 */
#ifndef SLUICE_PROGRAM_HANDSHAKE_H
#define SLUICE_PROGRAM_HANDSHAKE_H

#include <linux/if_packet.h>

#include "lib/budget.h"
#include "lib/cookie.h"
#include "lib/known.h"
#include "lib/sources.h"

/* A note this old belongs to another SYN, even if the ISN is the same. */
#define NOTE_TTL_NS 60000000000ull

/* The ports that we connect to endpoints from; the daemon sets them. */
const volatile struct port_range source_ports[PORT_RANGES] = {
	{1, 0}, {1, 0}, {1, 0}, {1, 0}, {1, 0}, {1, 0}, {1, 0}, {1, 0},
};

/* With clsact, which no link ties to the daemon: it must say that it lives. */
const volatile __u32 needs_heartbeat = 0;

static __always_inline int daemon_lives(void)
{
	__u32 key = 0;
	struct instance_state *state;

	if (!needs_heartbeat)
		return 1;
	state = bpf_map_lookup_elem(&instance, &key);
	return state && coarse_now() < state->alive_until_ns;
}

/* SYN-ACK with what the client offered and we can promise. */
static __always_inline void syn_ack_header(struct answer *a, const struct packet *p,
					   const struct handshake_note *note,
					   const struct listener_entry *listener,
					   __u32 client_tsval)
{
	a->new.tcp.seq = bpf_htonl(note->cookie);
	a->new.tcp.ack_seq = bpf_htonl(p->seq + 1);
	a->new.tcp.syn = 1;
	a->new.tcp.ack = 1;
	a->new.tcp.window = bpf_htons(listener->window);
	syn_options(a, note->flags, listener->mss, note->our_scale, note->tsval, client_tsval);
}

/* Makes the note for a SYN; a repeated SYN must be answered with the ISN of the first answer. */
static __always_inline int make_note(struct answer *a, struct packet *p,
				     const struct listener_entry *listener,
				     const struct tcp_options *options, struct handshake_note *note)
{
	struct handshake_note *known = bpf_map_lookup_elem(&handshakes, &p->tuple);
	__u64 now = coarse_now();
	__s64 cookie;

	if (known && known->client_isn == p->seq && now - known->created_ns < NOTE_TTL_NS) {
		*note = *known;
		return 1;
	}
	cookie = make_cookie(p, &a->old);
	if (cookie < 0)
		return 0;
	note->client_isn = p->seq;
	note->cookie = cookie;
	note->created_ns = now;
	note->mss = options->mss;
	note->listener = listener->listener;
	if (options->has_timestamps && !(listener->flags & LISTENER_FLAG_NO_TIMESTAMPS)) {
		note->flags |= HANDSHAKE_FLAG_TIMESTAMPS;
		note->tsval = note_tsval(options, now);
	}
	if (options->has_sack)
		note->flags |= HANDSHAKE_FLAG_SACK;
	if (options->has_scale) {
		note->flags |= HANDSHAKE_FLAG_WINDOW_SCALE;
		note->scale = options->scale;
		note->our_scale = listener->window_scale;
	}
	bpf_map_update_elem(&handshakes, &p->tuple, note, BPF_ANY);
	return 1;
}

static __always_inline enum verdict answer_syn(struct __sk_buff *skb, struct packet *p,
					       const struct listener_entry *listener)
{
	struct tcp_options options = {};
	struct handshake_note note = {.ifindex = skb->ifindex};
	struct answer *a = new_answer(skb, p);

	if (!a)
		return drop(COUNTER_DROP_KERNEL);
	/* Data of a SYN is not acknowledged: the client sends it again at once (RFC 7413, 4.2). */
	if (p->payload && !sum_payload(skb, p, a))
		return drop(COUNTER_DROP_SYN_DATA);
	options.mss = p->is_ipv6 ? 1220 : 536; /* RFC 9293, 3.7.1 */
	if (!checksum_holds(skb, p, a) || !load_options(skb, p, &options))
		return drop(COUNTER_DROP_MALFORMED);
	if (!make_note(a, p, listener, &options, &note))
		return drop(COUNTER_DROP_KERNEL);
	syn_ack_header(a, p, &note, listener, options.tsval);
	if (!answer_packet(skb, p, a, NULL))
		return drop(COUNTER_DROP_KERNEL);
	count(COUNTER_SYN_ANSWERED);
	return send_answer(skb, p);
}

/* The client closed without a word: there is nothing to relay, and nobody to acknowledge it. */
static __always_inline enum verdict reset_early_fin(struct __sk_buff *skb, struct packet *p,
						    const struct listener_entry *listener)
{
	struct answer *a = new_answer(skb, p);

	/* Told of its ACK, the daemon may be about to ask an endpoint for it. */
	if (listener->flags & LISTENER_FLAG_TELLS_ACK)
		report_client(p, 0, worker_of(&p->tuple), RECORD_ABANDONED);
	if (!a)
		return drop(COUNTER_DROP_KERNEL);
	a->new.tcp.seq = bpf_htonl(p->ack);
	a->new.tcp.rst = 1;
	a->size = TCP_HEADER_MIN;
	bpf_map_delete_elem(&handshakes, &p->tuple);
	if (!answer_packet(skb, p, a, NULL))
		return drop(COUNTER_DROP_KERNEL);
	count(COUNTER_RESET_EARLY_FIN);
	return send_answer(skb, p);
}

/* Rebuilds the note from the cookie that the packet acknowledges. */
static __always_inline int rebuild_note(struct __sk_buff *skb, struct packet *p,
					const struct listener_entry *listener,
					const struct tcp_options *options,
					struct handshake_note *note)
{
	if (!check_cookie(p))
		return 0;
	note->client_isn = p->seq - 1;
	note->cookie = p->ack - 1;
	note->ifindex = skb->ifindex;
	note->created_ns = coarse_now();
	note->listener = listener->listener;
	note->flags = HANDSHAKE_FLAG_FROM_COOKIE;
	/*
	 * Without timestamps nobody knows whether a scale was agreed on. If it was, the client
	 * multiplies our window by it: dividing by it is slow in one case and right in both.
	 */
	note->our_scale = listener->window_scale;
	note->mss = p->is_ipv6 ? 1220 : 536;
	if (options->has_timestamps && !(listener->flags & LISTENER_FLAG_NO_TIMESTAMPS))
		note_from_tsval(note, options->tsecr);
	else
		note->flags |= HANDSHAKE_FLAG_WINDOW_SCALE;
	bpf_map_update_elem(&handshakes, &p->tuple, note, BPF_ANY);
	count(COUNTER_COOKIE_ACCEPTED);
	return 1;
}

/* Whether the segment continues the handshake of the note. */
static __always_inline int continues(const struct packet *p, const struct handshake_note *note)
{
	return continues_handshake(p, note->client_isn, note->cookie);
}

/*
 * Of no flow and no handshake that we know. The stack would reset it, and so does the daemon,
 * unless it finds that the kernel forgot one direction of a live flow: then it makes it whole.
 */
static __always_inline enum verdict stray(struct packet *p)
{
	if ((p->tcp_flags & (TCP_ACK | TCP_RST)) == TCP_ACK && take_token(BUDGET_STRAY) &&
	    report_client(p, 0, worker_of(&p->tuple), RECORD_STRAY))
		return drop(COUNTER_DROP_STRAY);
	return pass(COUNTER_PASS_STRAY);
}

/*
 * The first bytes of a client: whether its source may connect is asked, and counted against it.
 * What is not told to the daemon stays new, for when the client sends it again.
 */
static __always_inline enum verdict judge_hello(struct __sk_buff *skb, struct packet *p,
						const struct listener_entry *listener)
{
	struct handshake_note *note;
	enum verdict verdict = judge_source(skb, p, listener, 1);

	if (verdict == VERDICT_REDIRECT) {
		/* An RST is on its way. */
		bpf_map_delete_elem(&handshakes, &p->tuple);
		return verdict;
	}
	note = bpf_map_lookup_elem(&handshakes, &p->tuple);
	if (!note)
		return verdict;
	if (verdict)
		note->flags &= ~HANDSHAKE_FLAG_DATA;
	else
		note->flags |= HANDSHAKE_FLAG_DATA;
	return verdict;
}

/*
 * Where the endpoint may speak first the daemon hears of the ACK, as of a segment of no bytes.
 * Told, the client is not one of the silent whom the daemon looks for.
 */
static __noinline int tell_ack(struct __sk_buff *skb, struct packet *p, struct handshake_note *note)
{
	struct hello_context context = {.p = p, .has_note = 1};
	struct tcp_options options = {};

	if (!load_options(skb, p, &options))
		return 0;
	context.note = *note;
	context.tsval = options.tsval;
	context.tsecr = options.tsecr;
	context.worker = worker_of(&p->tuple);
	if (!report_ack(skb, &context))
		return 0;
	note->flags |= HANDSHAKE_FLAG_DATA;
	return 1;
}

/* The end of a client's handshake. An endpoint that may speak first makes it count as a hello does.
 */
static __always_inline enum verdict end_handshake(struct __sk_buff *skb, struct packet *p,
						  const struct listener_entry *listener,
						  struct handshake_note *note)
{
	enum verdict verdict;

	if (!(listener->flags & LISTENER_FLAG_TELLS_ACK)) {
		note->flags |= HANDSHAKE_FLAG_ACKED;
		return drop(COUNTER_HANDSHAKE_ACK);
	}
	if (!(note->flags & HANDSHAKE_FLAG_DATA) && asks_for_source(listener)) {
		verdict = judge_hello(skb, p, listener);
		if (verdict)
			return verdict;
	}
	/* Nobody repeats the ACK, so who was not told of it asks for another. */
	if (tell_ack(skb, p, note))
		note->flags |= HANDSHAKE_FLAG_ACKED;
	return drop(COUNTER_HANDSHAKE_ACK);
}

/* A segment of a client that has no flow and no socket. */
static __always_inline enum verdict client_segment(struct __sk_buff *skb, struct packet *p,
						   const struct listener_entry *listener)
{
	struct handshake_note *known = bpf_map_lookup_elem(&handshakes, &p->tuple);
	struct hello_context context = {};
	struct tcp_options options = {};
	enum verdict verdict;
	int is_new;

	if (known && !continues(p, known))
		known = NULL;
	is_new = !known || !(known->flags & HANDSHAKE_FLAG_DATA);
	/* The usual end of a handshake; its options say nothing new. */
	if (known && !p->payload && !(p->tcp_flags & (TCP_RST | TCP_FIN))) {
		return end_handshake(skb, p, listener, known);
	}
	if (!load_options(skb, p, &options))
		return drop(COUNTER_DROP_MALFORMED);
	if (known) {
		known->flags |= HANDSHAKE_FLAG_ACKED | (p->payload ? HANDSHAKE_FLAG_DATA : 0);
		context.note = *known;
	} else if (!(p->tcp_flags & TCP_ACK) || p->tcp_flags & TCP_RST ||
		   !rebuild_note(skb, p, listener, &options, &context.note)) {
		return stray(p);
	}
	if (p->tcp_flags & TCP_RST) {
		if (!is_intact(skb, p))
			return drop(COUNTER_DROP_MALFORMED);
		bpf_map_delete_elem(&handshakes, &p->tuple);
		report_client(p, 0, worker_of(&p->tuple), RECORD_ABANDONED);
		return drop(COUNTER_DROP_CONNECTING);
	}
	if (!p->payload) {
		if (!(p->tcp_flags & TCP_FIN)) {
			/* Rebuilt: what it comes to is kept with the note, not with its copy. */
			known = bpf_map_lookup_elem(&handshakes, &p->tuple);
			return known ? end_handshake(skb, p, listener, known)
				     : drop(COUNTER_HANDSHAKE_ACK);
		}
		if (p->seq == context.note.client_isn + 1)
			return reset_early_fin(skb, p, listener);
		return drop(COUNTER_DROP_CONNECTING);
	}
	if (is_new && asks_for_source(listener)) {
		verdict = judge_hello(skb, p, listener);
		if (verdict)
			return verdict;
	}
	context.p = p;
	context.has_note = 1;
	context.tsval = options.tsval;
	context.tsecr = options.tsecr;
	context.worker = worker_of(&p->tuple);
	if (known && is_new && p->seq == context.note.client_isn + 1 &&
	    open_known(skb, p, &context))
		return send_syn(skb, p, &context);
	return report_hello(skb, &context);
}

/*
 * Whether the stack would deliver the packet rather than forward it. Asked of the interface where
 * it is: one that does not forward delivers or drops.
 */
static __noinline int is_for_this_host(struct __sk_buff *skb, struct packet *p)
{
	struct bpf_fib_lookup fib = {};
	long result;

	fib.family = p->is_ipv6 ? AF_INET6 : AF_INET;
	fib.ifindex = skb->ifindex;
	if (p->is_ipv6) {
		__builtin_memcpy(fib.ipv6_src, &p->tuple.saddr, 16);
		__builtin_memcpy(fib.ipv6_dst, &p->tuple.daddr, 16);
	} else {
		fib.ipv4_src = p->tuple.saddr.word[3];
		fib.ipv4_dst = p->tuple.daddr.word[3];
	}
	result = bpf_fib_lookup(skb, &fib, sizeof(fib), 0);
	return result == BPF_FIB_LKUP_RET_NOT_FWDED || result == BPF_FIB_LKUP_RET_FWD_DISABLED;
}

/*
 * Whether a packet without a flow is an endpoint's: to a port of ours that no socket has. What
 * others send there may have a way on that only netfilter knows (NAT).
 */
static __noinline int is_for_source_port(struct __sk_buff *skb, struct packet *p)
{
	struct listener_key sender = {};
	__u16 port = bpf_ntohs(p->tuple.dport);
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *sock;
	__u32 size;
	int ours = 0;

	for (int i = 0; i < PORT_RANGES; i++)
		ours |= port >= source_ports[i].first && port <= source_ports[i].last;
	if (!ours || p->tcp_flags & (TCP_SYN | TCP_RST) || (p->l3 && skb->pkt_type != PACKET_HOST))
		return 0;
	sender.addr = p->tuple.saddr;
	sender.port = p->tuple.sport;
	if (!bpf_map_lookup_elem(&endpoints, &sender) || !is_for_this_host(skb, p))
		return 0;
	if (p->is_ipv6) {
		__builtin_memcpy(tuple.ipv6.saddr, &p->tuple.saddr, 16);
		__builtin_memcpy(tuple.ipv6.daddr, &p->tuple.daddr, 16);
		tuple.ipv6.sport = p->tuple.sport;
		tuple.ipv6.dport = p->tuple.dport;
		size = sizeof(tuple.ipv6);
	} else {
		tuple.ipv4.saddr = p->tuple.saddr.word[3];
		tuple.ipv4.daddr = p->tuple.daddr.word[3];
		tuple.ipv4.sport = p->tuple.sport;
		tuple.ipv4.dport = p->tuple.dport;
		size = sizeof(tuple.ipv4);
	}
	sock = bpf_skc_lookup_tcp(skb, &tuple, size, BPF_F_CURRENT_NETNS, 0);
	if (!sock)
		return 1;
	bpf_sk_release(sock);
	return 0;
}

static __always_inline enum verdict handshake_ingress(struct __sk_buff *skb, __u32 l3)
{
	struct packet p = {.quiet = 1}; /* the flows program saw and counted it */
	struct listener_key key = {};
	struct listener_entry *listener;
	struct adopted_entry *owner;
	int is_syn;
	enum verdict verdict = parse_packet(skb, l3, &p);

	if (verdict)
		return verdict;
	if (p.is_fragment)
		return VERDICT_PASS;
	key.addr = p.tuple.daddr;
	key.port = p.tuple.dport;
	listener = bpf_map_lookup_elem(&listeners, &key);
	if (!listener)
		return is_for_source_port(skb, &p) ? stray(&p) : pass(COUNTER_PASS_NO_FLOW);
	is_syn = (p.tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) == TCP_SYN;
	if (is_syn && asks_for_source(listener)) {
		verdict = judge_source(skb, &p, listener, 0);
		if (verdict)
			return verdict;
	}
	owner = bpf_map_lookup_elem(&adopted, &p.tuple);
	if (owner) {
		if ((p.tcp_flags & (TCP_SYN | TCP_ACK)) != TCP_SYN || !owner->closed_ns)
			return pass(COUNTER_PASS_ADOPTED);
		bpf_map_delete_elem(&adopted, &p.tuple);
	}
	if (!daemon_lives())
		return pass(COUNTER_PASS_NO_DAEMON);
	/* The flows program takes SYNs of these; handshakes of before they were plain go on. */
	if (listener->flags & LISTENER_FLAG_PLAIN &&
	    (is_syn || !bpf_map_lookup_elem(&handshakes, &p.tuple)))
		return stray(&p);
	if (is_syn)
		return answer_syn(skb, &p, listener);
	return client_segment(skb, &p, listener);
}

SEC("tc")
int handshake_ethernet(struct __sk_buff *skb)
{
	return tc_action(handshake_ingress(skb, ETH_HLEN));
}

SEC("tc")
int handshake_raw(struct __sk_buff *skb)
{
	return tc_action(handshake_ingress(skb, 0));
}

#endif
