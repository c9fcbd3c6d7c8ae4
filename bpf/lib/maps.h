/* SPDX-License-Identifier: GPL-2.0-only */
/* The maps. Sizes marked "set by the daemon" are defaults that it changes before loading. */
#ifndef SLUICE_MAPS_H
#define SLUICE_MAPS_H

#include "datapath_abi.h"

/*
 * Every flow, both directions. Written by the daemon (program, delete), then by the datapath.
 * Full: the kernel forgets the oldest, which must never happen to a live flow: the daemon splices
 * only below a watermark. Size set by the daemon. Pinned.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 262144);
	__type(key, struct flow_tuple);
	__type(value, struct flow_entry);
} flows SEC(".maps");

/* Where flows leave, see ways.h. Written by the datapath. Pinned, as the rows that name slots. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, WAYS_MAX);
	__type(key, __u32);
	__type(value, struct way);
} ways SEC(".maps");

/*
 * What the SYNs of clients said. Written and read by the handshake program, swept by the daemon.
 * Full: the oldest note is forgotten, and its cookie stands in. Size set by the daemon. Pinned.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct flow_tuple);
	__type(value, struct handshake_note);
} handshakes SEC(".maps");

/*
 * Flows of plain listeners until the client has acknowledged the SYN-ACK, both directions: SYNs
 * from forged addresses push out one another here, and no flow. Full: the oldest is forgotten, and
 * its client's SYN begins anew. Size set by the daemon. Pinned.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct flow_tuple);
	__type(value, struct flow_entry);
} openings SEC(".maps");

/* One struct plain_table; of types that only inner maps name, clang 14 tells libbpf nothing. */
struct plain_table_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct plain_table));
};

/* Endpoints of plain listeners. Key: listener << 1, 1 more for IPv6. Written by the daemon. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 8192);
	__type(key, __u32);
	__array(values, struct plain_table_map);
} plain_tables SEC(".maps");

/* Addresses and ports we accept on. Written by the daemon, read by the handshake program. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct listener_key);
	__type(value, struct listener_entry);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} listeners SEC(".maps");

/*
 * Blocks of addresses that may connect or not, in numbered lists that rows of listeners name.
 * Written by the daemon before the listeners, read by the handshake program. Size set by the
 * daemon.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 16777216);
	__type(key, struct source_rule_key);
	__type(value, __u32); /* enum source_rule */
	__uint(map_flags, BPF_F_NO_PREALLOC);
} source_rules SEC(".maps");

/*
 * What sources may do, by the numbers that rows of listeners name; as many as there may be rows.
 * Written by the daemon before the listeners, read by the handshake program.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct source_limit);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} source_limits SEC(".maps");

/*
 * How fast sources open connections. Written by the handshake program when a client has shown by
 * its hello that the address is its own: spoofed SYNs fill nothing. Full: the source that was
 * silent for longest begins anew. Size set by the daemon.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct source_key);
	__type(value, struct source_pace);
} sources SEC(".maps");

/*
 * Sources that have all the connections that they may have. Written by the daemon, which counts
 * them. Full: the daemon alone turns their clients away. Size set by the daemon.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct source_key);
	__type(value, __u32); /* 1 */
	__uint(map_flags, BPF_F_NO_PREALLOC);
} full_sources SEC(".maps");

/*
 * Endpoints: who sends to a port of ours and has no flow is told to the daemon if it is one of
 * them, and the host's own affair if not. Written by the daemon, read by the handshake program.
 * Size set by the daemon. Full: packets of the others are the host's.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct listener_key);
	__type(value, __u32); /* 1 */
	__uint(map_flags, BPF_F_NO_PREALLOC);
} endpoints SEC(".maps");

/* Clients whose connection a relay's socket owns. Written by the daemon. Full: closed ones go. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct flow_tuple);
	__type(value, struct adopted_entry);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} adopted SEC(".maps");

/* Connections that the relay serves; written by the daemon, read by flowdump. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct flow_tuple);
	__type(value, struct relayed_entry);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} relayed SEC(".maps");

/*
 * Segments of ClientHellos, written by the daemon through mmap (no system call), sent by the
 * kernel. A ring: an overwritten slot has another stamp, and its client repeats the hello.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, TEMPLATES_MAX);
	__type(key, __u32);
	__type(value, struct hello_template);
	__uint(map_flags, BPF_F_MMAPABLE);
} templates SEC(".maps");

/* How many slots of its own the datapath has written, ever. Pinned, as what it wrote is. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} own_templates SEC(".maps");

/*
 * Names that workers have routed. Written by the workers. Full: the one that nobody asked for
 * longest is forgotten, and goes by its worker again. Size set by the daemon.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct known_name);
	__type(value, struct known_route);
} known_names SEC(".maps");

/* Where they lead, a part for each worker. Written by the workers through mmap. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, WORKERS_MAX *KNOWN_TARGETS_MAX);
	__type(key, __u32);
	__type(value, struct known_target);
	__uint(map_flags, BPF_F_MMAPABLE);
} known_targets SEC(".maps");

struct worker_ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
};

/*
 * Rings to the workers: [worker] wakes it, [WORKERS_MAX + worker] is read when it is awake anyway.
 * Written by the daemon. Full: records are dropped and counted, clients repeat.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2 * WORKERS_MAX);
	__type(key, __u32);
	__array(values, struct worker_ring);
} rings SEC(".maps");

/* Which workers are awake, and what they know. Written by the workers through mmap, read by whoever
 * fills their rings.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, WORKERS_MAX);
	__type(key, __u32);
	__type(value, struct worker_state);
	__uint(map_flags, BPF_F_MMAPABLE);
} worker_states SEC(".maps");

/* Splices that have lingered, a part for each worker. Written by the workers through mmap. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, WORKERS_MAX *SPLICE_ENDS_MAX);
	__type(key, __u32);
	__type(value, struct splice_end);
	__uint(map_flags, BPF_F_MMAPABLE);
} splice_ends SEC(".maps");

/* Names for flowdump. Written by the daemon. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, struct name_entry);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} names SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 131072);
	__type(key, __u32);
	__type(value, struct server_name_entry);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} server_names SEC(".maps");

/* What outlives a daemon. One element; written by the daemon. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct instance_state);
	__uint(map_flags, BPF_F_MMAPABLE);
} instance SEC(".maps");

/* Verdicts and reasons, enum counter. Written by the datapath. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, COUNTERS);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

/* Enum daemon_counter. Written by the daemon, read by flowdump. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, DAEMON_COUNTERS);
	__type(key, __u32);
	__type(value, __u64);
} daemon_counters SEC(".maps");

#endif
