/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The datapath object: its maps (lib/maps.h) and one program a header. One object, because the
 * programs share the maps and are loaded, replaced and unloaded together.
 */
#include <stddef.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "programs/flows.h"
#include "programs/handshake.h"
#include "programs/egress.h"
#include "programs/endings.h"
#include "programs/merge.h"
#include "programs/usage.h"

char _license[] SEC("license") = "GPL";
