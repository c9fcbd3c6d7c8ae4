/* SPDX-License-Identifier: GPL-2.0-only */
/* How much of what anybody can provoke each CPU does a second. */
#ifndef SLUICE_BUDGET_H
#define SLUICE_BUDGET_H

#include "counters.h"

enum budget_kind {
	BUDGET_ICMP = 0, /* errors of our own (RFC 4443, 2.4 f) */
	BUDGET_STRAY,	 /* segments of no flow that the daemon looks after */
	BUDGETS,
};

#define TOKENS_PER_SECOND 1000
#define TOKENS_MAX	  50

struct budget {
	__u64 filled_ns;
	__u64 tokens;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, BUDGETS);
	__type(key, __u32);
	__type(value, struct budget);
} budgets SEC(".maps");

/* False: enough of this for now. */
static __always_inline int take_token(enum budget_kind kind)
{
	__u32 key = kind;
	struct budget *budget = bpf_map_lookup_elem(&budgets, &key);
	__u64 now = coarse_now();
	__u64 fresh;

	if (!budget)
		return 0;
	fresh = (now - budget->filled_ns) / (1000000000 / TOKENS_PER_SECOND);
	if (fresh) {
		budget->filled_ns = now;
		budget->tokens += fresh;
		if (budget->tokens > TOKENS_MAX)
			budget->tokens = TOKENS_MAX;
	}
	if (!budget->tokens)
		return 0;
	budget->tokens--;
	return 1;
}

#endif
