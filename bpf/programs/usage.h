/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * usage: how full the maps are, for whoever reports it. The kernel keeps count (Linux 6.6) and
 * tells it to programs alone; others would have to read a map through. Left out on older kernels.
 */
#ifndef SLUICE_PROGRAM_USAGE_H
#define SLUICE_PROGRAM_USAGE_H

#include "lib/maps.h"

/* The kernel's; nothing of it is looked at here. */
struct bpf_map {
	__u32 id;
};

extern __s64 bpf_map_sum_elem_count(const struct bpf_map *map) __ksym __weak;

#define ENTRIES(map) bpf_map_sum_elem_count((const struct bpf_map *)&(map))

SEC("syscall")
int map_usage(struct map_usage *usage)
{
	usage->flows = ENTRIES(flows);
	usage->handshakes = ENTRIES(handshakes);
	usage->listeners = ENTRIES(listeners);
	usage->adopted = ENTRIES(adopted);
	usage->relayed = ENTRIES(relayed);
	usage->names = ENTRIES(names);
	usage->server_names = ENTRIES(server_names);
	return 0;
}

#endif
