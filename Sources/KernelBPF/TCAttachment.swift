// SPDX-License-Identifier: Apache-2.0

internal import CLibBPF
internal import Glibc

/// Where a tc program stands on an interface.
public enum TCHook: Sendable {
    /// Packets that come in.
    case ingress
    /// Packets that go out.
    case egress

    var attachType: Int32 {
        self == .ingress ? SLUICE_BPF_TCX_INGRESS : SLUICE_BPF_TCX_EGRESS
    }
}

/// A tcx link (Linux 6.6): the program is attached as long as a descriptor or a pin holds it.
public struct TCXLink: ~Copyable, Sendable {
    private let descriptor: FileDescriptor

    /// Attaches `program` behind what is attached already.
    public init(
        attaching program: borrowing BPFProgram, to interface: UInt32, _ hook: TCHook
    ) throws(BPFError) {
        let result = sluice_tcx_attach(
            program.descriptor.number, Int32(bitPattern: interface), hook.attachType)
        try check(result, "cannot attach \(program.name) by tcx to interface \(interface)")
        descriptor = FileDescriptor(owning: result)
    }

    /// Opens a pinned link.
    public init(pinnedAt path: String) throws(BPFError) {
        descriptor = try openPin(path)
    }

    /// Pins the link: it stays attached when this process is gone.
    public borrowing func pin(at path: String) throws(BPFError) {
        let result = unsafe bpf_obj_pin(descriptor.number, path)
        guard result == 0 else { throw BPFError("cannot pin \(path)", errno: Glibc.errno) }
    }

    /// Puts another program in the place of the link's, atomically.
    public borrowing func replaceProgram(by program: borrowing BPFProgram) throws(BPFError) {
        let result = bpf_link_update(descriptor.number, program.descriptor.number, nil)
        guard result == 0 else {
            throw BPFError("cannot replace the program by \(program.name)", errno: Glibc.errno)
        }
    }

    /// The index of the interface that it is attached to; nil when that is gone.
    public borrowing func interface() -> UInt32? {
        let index = sluice_tcx_interface(descriptor.number)
        return index > 0 ? UInt32(index) : nil
    }

    /// Detaches the program, whoever else holds the link.
    public borrowing func detach() {
        bpf_link_detach(descriptor.number)
    }
}

/// A filter at a clsact qdisc: what kernels before 6.6 have. Nobody's death removes it.
public struct ClsactFilter: Sendable {
    /// The interface's index.
    public let interface: UInt32
    /// Ingress or egress.
    public let hook: TCHook
    /// Filters run by rising priority.
    public let priority: UInt32
    /// All filters of ours carry this handle.
    public static let handle: UInt32 = 0x51

    /// Attaches `program`, in place of a filter of ours with the same priority.
    public init(
        attaching program: borrowing BPFProgram, to interface: UInt32, _ hook: TCHook,
        priority: UInt32
    ) throws(BPFError) {
        let result = sluice_clsact_attach(
            program.descriptor.number, Int32(bitPattern: interface), hook == .egress ? 1 : 0,
            priority, Self.handle)
        try check(result, "cannot attach \(program.name) by clsact to interface \(interface)")
        self.init(interface: interface, hook: hook, priority: priority)
    }

    /// Names a filter that may be attached.
    public init(interface: UInt32, hook: TCHook, priority: UInt32) {
        self.interface = interface
        self.hook = hook
        self.priority = priority
    }

    /// Detaches the filter if it is there.
    public func detach() {
        _ = sluice_clsact_detach(
            Int32(bitPattern: interface), hook == .egress ? 1 : 0, priority, Self.handle)
    }

    /// Whether the filter is there.
    public var isAttached: Bool {
        sluice_clsact_is_attached(
            Int32(bitPattern: interface), hook == .egress ? 1 : 0, priority, Self.handle) == 1
    }

    /// How many filters of others stand at the hook.
    public static func foreignFilters(on interface: UInt32, _ hook: TCHook) -> Int {
        max(
            0,
            Int(
                sluice_clsact_foreign_filters(
                    Int32(bitPattern: interface), hook == .egress ? 1 : 0, handle)))
    }

    /// Removes the clsact qdisc of an interface that has no filters of others.
    public static func removeQdiscIfEmpty(on interface: UInt32) {
        guard foreignFilters(on: interface, .ingress) == 0,
            foreignFilters(on: interface, .egress) == 0
        else { return }
        _ = sluice_clsact_remove(Int32(bitPattern: interface))
    }
}
