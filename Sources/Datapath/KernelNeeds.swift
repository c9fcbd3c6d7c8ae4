// SPDX-License-Identifier: Apache-2.0

internal import CDatapathABI
internal import KernelBPF

/// What the datapath asks of the kernel, in the order of age; the numbers are those of linux/bpf.h.
/// tcx links (6.6) are not among them: clsact stands in.
let kernelNeeds = [
    KernelFeature("bpf_skc_lookup_tcp", helper: 99, since: "5.2"),
    KernelFeature("bpf_ringbuf_reserve", helper: 131, since: "5.8"),
    KernelFeature("bpf_redirect_neigh", helper: 152, since: "5.10"),
    KernelFeature("bpf_ktime_get_coarse_ns", helper: 160, since: "5.11"),
    KernelFeature("bpf_loop", helper: 181, since: "5.17"),
    KernelFeature("bpf_tcp_raw_gen_syncookie_ipv4", helper: 204, since: "6.0"),
    KernelFeature("bpf_tcp_raw_check_syncookie_ipv6", helper: 207, since: "6.0"),
]
