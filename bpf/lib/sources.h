/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who may connect to a listener, how many times and how often: asked at the SYN, before anything is
 * spent on it, and again at the hello. A SYN may be spoofed, so it is only judged; what counts
 * against a source is the hello behind it, whose cookie shows that the address is its sender's.
 */
#ifndef SLUICE_SOURCES_H
#define SLUICE_SOURCES_H

#include "answer.h"

/* Bits of a source_rule_key in front of the address, and those of a mapped IPv4 address's prefix.
 */
#define RULE_SCOPE_BITS 32

/* Whether anything of the listener asks who its clients are. */
static __always_inline int asks_for_source(const struct listener_entry *listener)
{
	return listener->process_list | listener->own_list | listener->process_limit |
	       listener->own_limit;
}

/* What a list says of the packet's source. */
static __noinline __u32 source_rule(const struct packet *p, __u32 list)
{
	struct source_rule_key key = {.prefix_length = RULE_SCOPE_BITS + 128};
	__u32 *rule;

	key.list = list;
	key.family = p->is_ipv6 ? AF_INET6 : AF_INET;
	key.addr = p->tuple.saddr;
	rule = bpf_map_lookup_elem(&source_rules, &key);
	return rule ? *rule : SOURCE_MAY_CONNECT;
}

/* Whether a connection at this moment is not ahead of what the pace allows; takes its turn. */
static __always_inline int has_turn(const struct source_limit *limit, const struct source_key *key,
				    int takes)
{
	/* Exact: a coarse clock would let a burst of one through once a tick. */
	__u64 now = bpf_ktime_get_ns();
	struct source_pace *pace = bpf_map_lookup_elem(&sources, key);

	if (!pace) {
		struct source_pace first = {.due_ns = now + limit->interval_ns};

		if (!takes)
			return 1;
		bpf_map_update_elem(&sources, key, &first, BPF_NOEXIST);
		return 1;
	}
	/* Hellos of one source may be on several CPUs: who loses four times against others waits.
	 */
	for (int i = 0; i < 4; i++) {
		__u64 due = *(volatile __u64 *)&pace->due_ns;
		__u64 from = due > now ? due : now;

		if (from - now > limit->tolerance_ns)
			return 0;
		if (!takes)
			return 1;
		if (__sync_val_compare_and_swap(&pace->due_ns, due, from + limit->interval_ns) ==
		    due)
			return 1;
	}
	return 0;
}

/* The rule of a limit that stops a packet: a counter, or 0; resets is set if it has it reset. */
static __noinline __u32 over_limit(const struct packet *p, __u32 index, __u32 takes)
{
	struct source_limit *limit = bpf_map_lookup_elem(&source_limits, &index);
	struct source_key key = {.limit = index};

	if (!limit)
		return 0;
	for (int i = 0; i < 4; i++)
		key.addr.word[i] = p->tuple.saddr.word[i] &
				   (p->is_ipv6 ? limit->mask_v6.word[i] : limit->mask_v4.word[i]);
	if (limit->flags & SOURCE_LIMIT_COUNTS && bpf_map_lookup_elem(&full_sources, &key))
		return COUNTER_SOURCE_FULL;
	if (!limit->interval_ns || has_turn(limit, &key, takes))
		return 0;
	if (!(limit->flags & SOURCE_LIMIT_DRY_RUN))
		return COUNTER_SOURCE_TOO_FAST;
	if (takes)
		count(COUNTER_FAST_DRY_RUN);
	return 0;
}

static __always_inline int limit_resets(__u32 index)
{
	struct source_limit *limit = bpf_map_lookup_elem(&source_limits, &index);

	return limit && limit->flags & SOURCE_LIMIT_RESETS;
}

/* Ends a packet of a source that may not connect, by an RST if that is wanted. */
static __noinline int turn_away(struct __sk_buff *skb, struct packet *p, __u32 why, __u32 resets)
{
	struct answer *a;

	if (!resets)
		return drop(why);
	a = new_answer(skb, p);
	if (!a)
		return drop(COUNTER_DROP_KERNEL);
	/* Longer than any answer is made of: dropped, and sent again in smaller pieces. */
	if (p->payload && !sum_payload(skb, p, a))
		return drop(why);
	a->new.tcp.rst = 1;
	if (p->tcp_flags & TCP_ACK) {
		a->new.tcp.seq = bpf_htonl(p->ack);
	} else {
		a->new.tcp.ack = 1;
		a->new.tcp.ack_seq = bpf_htonl(p->seq + 1 + p->payload);
	}
	a->size = TCP_HEADER_MIN;
	if (!answer_packet(skb, p, a, NULL))
		return drop(COUNTER_DROP_KERNEL);
	count(why);
	return send_answer(skb, p);
}

/*
 * Judges the source of a SYN (takes: 0) or of a hello (1), for which it takes its turns.
 * VERDICT_CONTINUE: it may connect.
 */
static __noinline int judge_source(struct __sk_buff *skb, struct packet *p,
				   const struct listener_entry *listener, __u32 takes)
{
	__u32 lists[2] = {listener->process_list, listener->own_list};
	__u32 limits[2] = {listener->process_limit, listener->own_limit};

	for (int i = 0; i < 2; i++) {
		__u32 rule = lists[i] ? source_rule(p, lists[i]) : SOURCE_MAY_CONNECT;

		if (rule != SOURCE_MAY_CONNECT)
			return turn_away(skb, p, COUNTER_SOURCE_DENIED, rule == SOURCE_IS_RESET);
	}
	for (int i = 0; i < 2; i++) {
		__u32 why = limits[i] ? over_limit(p, limits[i], takes) : 0;

		if (why)
			return turn_away(skb, p, why, limit_resets(limits[i]));
	}
	return VERDICT_CONTINUE;
}

#endif
