// SPDX-License-Identifier: Apache-2.0

internal import CLibBPF

/// A helper that a tc program calls, and the kernel that brought it.
public struct KernelFeature: Sendable, Equatable {
    /// The helper's name.
    public let name: String
    /// Its number in enum bpf_func_id.
    public let helper: UInt32
    /// The first kernel that has it.
    public let since: String

    /// A helper.
    public init(_ name: String, helper: UInt32, since: String) {
        self.name = name
        self.helper = helper
        self.since = since
    }

    /// Whether the running kernel lets tc programs call it: asked by loading a program that does.
    /// When that cannot be told, for lack of permission say, it counts as there.
    public var isThere: Bool {
        let type = bpf_prog_type(rawValue: BPF_PROG_TYPE_SCHED_CLS.rawValue)
        let id = bpf_func_id(rawValue: helper)
        return libbpf_probe_bpf_helper(type, id, nil) != 0
    }

    /// One sentence about those of `wanted` that the kernel lacks, or nil when it has all.
    public static func complaint(about wanted: [KernelFeature]) -> String? {
        let missing = wanted.filter { !$0.isThere }
        guard !missing.isEmpty else { return nil }
        let list = missing.map { "\($0.name) (Linux \($0.since))" }.joined(separator: ", ")
        return "This kernel lacks what the datapath needs: \(list)"
    }
}
