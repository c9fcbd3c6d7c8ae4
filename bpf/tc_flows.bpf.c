/* SPDX-License-Identifier: GPL-2.0-only */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "datapath_abi.h"
char _license[] SEC("license") = "GPL";
