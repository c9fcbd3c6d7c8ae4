/* SPDX-License-Identifier: GPL-2.0-only */
/* CLOCK_MONOTONIC, coarse: asked once a tick by each CPU, since asking costs more than a look-up.
 */
#ifndef SLUICE_CLOCK_H
#define SLUICE_CLOCK_H

#include "maps.h"

struct clock_reading {
	__u64 tick; /* jiffies of the reading */
	__u64 now;  /* nanoseconds */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct clock_reading);
} clocks SEC(".maps");

static __always_inline __u64 coarse_now(void)
{
	__u32 key = 0;
	struct clock_reading *reading = bpf_map_lookup_elem(&clocks, &key);
	/* Inlined to a load. */
	__u64 tick = bpf_jiffies64(), now;

	if (!reading)
		return bpf_ktime_get_coarse_ns();
	if (tick == reading->tick)
		return reading->now;
	now = bpf_ktime_get_coarse_ns();
	/* Right after jiffies the clock moves: until it did, the reading is of the tick before. */
	if (now != reading->now)
		reading->tick = tick;
	reading->now = now;
	return now;
}

/* Moments of rows. */
static __always_inline __u32 tick_of(__u64 now)
{
	return now >> TICK_SHIFT;
}

static __always_inline __u32 coarse_tick(void)
{
	return tick_of(coarse_now());
}

/* How many ticks ago: as CPUs read the clock at different moments, perhaps less than none. */
static __always_inline __s32 ticks_since(__u32 tick, __u32 now)
{
	return now - tick;
}

/* Whether a tick is behind another one; 0 is none. */
static __always_inline int is_later(__u32 tick, __u32 other)
{
	return tick && (!other || ticks_since(other, tick) > 0);
}

#endif
