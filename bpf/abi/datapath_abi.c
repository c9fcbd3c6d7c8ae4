/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* The sizes and offsets that both worlds rely on. */
#include "datapath_abi.h"

#include <stddef.h>

_Static_assert(sizeof(struct ip_address) == 16, "address");
_Static_assert(sizeof(struct flow_tuple) == 40, "a map key has no hole");
_Static_assert(sizeof(struct listener_key) == 20, "a map key has no hole");
_Static_assert(sizeof(struct listener_entry) == 16, "no hole");
_Static_assert(sizeof(struct source_rule_key) == 24, "prefix length, then the bits");
_Static_assert(sizeof(struct source_key) == 20, "a map key has no hole");
_Static_assert(sizeof(struct source_limit) == 56, "no hole");
_Static_assert(sizeof(struct hello_template) == 16 + TEMPLATE_PAYLOAD_MAX, "no hole");
_Static_assert(sizeof(struct hello_template) % 8 == 0, "slots of an mmapped array are 8-aligned");
_Static_assert(sizeof(struct handshake_note) == 32, "no hole");
_Static_assert(offsetof(struct flow_tuple, dport) - offsetof(struct flow_tuple, saddr) ==
		       offsetof(struct flow_ends, dport),
	       "flow_ends in one piece");
_Static_assert(sizeof(struct way) == 32, "no hole");
_Static_assert(offsetof(struct flow_entry, flags) % 4 == 0, "changed atomically");
_Static_assert(offsetof(struct flow_entry, next_seq) == 64, "counters are 8-aligned");
_Static_assert(sizeof(struct flow_entry) == 144, "no hole, and 248 bytes with key and kernel's");
_Static_assert(sizeof(struct left_row) == 16 + 40 + 144 + 8, "no hole");
_Static_assert(sizeof(struct hello_record) == 120, "no hole");
_Static_assert(sizeof(struct flow_record) == 112, "no hole");
_Static_assert(sizeof(struct relayed_entry) == 88, "no hole");
_Static_assert(sizeof(struct splice_end) == 56, "slots of an mmapped array are 8-aligned");
_Static_assert(offsetof(struct splice_end, is_free) == 48, "read through mmap");

/* Offsets that Datapath/KnownNames.swift writes at. */
_Static_assert(__builtin_offsetof(struct worker_state, epoch) == 4, "epochOffset");
_Static_assert(__builtin_offsetof(struct known_target, taken) == 0, "takenOffset");
_Static_assert(__builtin_offsetof(struct known_target, laid) == 4, "laidOffset");
_Static_assert(__builtin_offsetof(struct known_target, addr) == 8, "addressOffset");
_Static_assert(__builtin_offsetof(struct known_target, source) == 24, "sourceOffset");
_Static_assert(__builtin_offsetof(struct known_target, port) == 40, "portOffset");
_Static_assert(__builtin_offsetof(struct known_target, ports) == 48, "portsOffset");
_Static_assert(sizeof(struct known_target) % 8 == 0, "slots of an mmapped array are 8-aligned");
_Static_assert(sizeof(struct known_name) == 8 + KNOWN_NAME_MAX, "a map key carries no hole");
