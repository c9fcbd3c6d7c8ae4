// SPDX-License-Identifier: Apache-2.0

internal import CLibBPF

/// How many CPUs the kernel keeps lists and counters for, present or not.
public var possibleCPUs: Int { max(1, Int(libbpf_num_possible_cpus())) }
