/* SPDX-License-Identifier: GPL-2.0-only */
/* Verdicts, and the counter that each one has. */
#ifndef SLUICE_COUNTERS_H
#define SLUICE_COUNTERS_H

#include "clock.h"

/* What a program decided; the entry function alone knows TC_ACT_*. */
enum verdict {
	VERDICT_CONTINUE = 0, /* not a verdict yet */
	VERDICT_PASS,	      /* to the next program or the stack */
	VERDICT_DROP,
	VERDICT_REDIRECT, /* bpf_redirect*() was called and holds */
};

static __always_inline void count(enum counter counter)
{
	__u32 key = counter;
	__u64 *value = bpf_map_lookup_elem(&counters, &key);

	/* Per CPU and not preempted by another packet: a plain increment is exact. */
	if (value)
		*value += 1;
}

static __always_inline enum verdict pass(enum counter why)
{
	count(why);
	return VERDICT_PASS;
}

static __always_inline enum verdict drop(enum counter why)
{
	count(why);
	return VERDICT_DROP;
}

static __always_inline int tc_action(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_DROP:
		return TC_ACT_SHOT;
	case VERDICT_REDIRECT:
		return TC_ACT_REDIRECT;
	default:
		return TC_ACT_UNSPEC; /* TCX_NEXT, and with clsact the next filter */
	}
}

#endif
