// SPDX-License-Identifier: Apache-2.0

internal import CrashPoints
public import KernelBPF
internal import Synchronization

/// The programs on one interface, as long as this daemon holds them.
final class Attachment: Sendable {
    let interface: UInt32
    let mode: AttachMode
    /// Not pinned: goes with the daemon. nil with clsact.
    private let handshake: TCXLink?

    init(interface: UInt32, mode: AttachMode, handshake: consuming TCXLink?) {
        self.interface = interface
        self.mode = mode
        self.handshake = handshake
    }

    /// Whether the kernel still has it: all of it goes with the interface.
    var isLive: Bool {
        if mode == .tcx { return handshake?.interface() == interface }
        return ClsactFilter(
            interface: interface, hook: .ingress, priority: ClsactPriority.flows
        ).isAttached
    }
}

/// Priorities of our clsact filters: behind everything that people number by hand.
private enum ClsactPriority {
    static let flows: UInt32 = 49_152
    static let handshake: UInt32 = 49_153
    static let egress: UInt32 = 49_152
}

extension KernelDatapath {
    /// How `attach(mode: nil)` would attach to an interface: tcx, unless filters of others stand at
    /// its clsact qdisc. tcx programs run first and would hide spliced packets from them.
    public static func preferredMode(for interface: UInt32) -> AttachMode {
        let foreign =
            ClsactFilter.foreignFilters(on: interface, .ingress)
            + ClsactFilter.foreignFilters(on: interface, .egress)
        return foreign > 0 ? .clsact : .tcx
    }

    /// Attaches flows, handshake and the egress guard to an interface.
    ///
    /// Links of an earlier run are taken over and get the new programs.  On error nothing new stays attached to this interface.
    public func attach(to interface: UInt32, link: LinkKind, mode: AttachMode) throws(BPFError) {
        let attachment: Attachment
        do {
            switch mode {
            case .tcx: attachment = try attachByTCX(interface, programs(for: link))
            case .clsact: attachment = try attachByClsact(interface, programs(for: link))
            }
        } catch {
            detach(from: interface)
            throw error
        }
        attachments.withLock { $0.append(attachment) }
    }

    private func attachByTCX(_ interface: UInt32, _ programs: ProgramSet) throws(BPFError)
        -> Attachment
    {
        try attachPinned(programs.flows, interface, .ingress)
        try attachPinned(programs.egress, interface, .egress)
        CrashPoint.reach(.flowsAttached)
        let handshake = try TCXLink(attaching: programs.handshake, to: interface, .ingress)
        CrashPoint.reach(.handshakeAttached)
        return Attachment(interface: interface, mode: .tcx, handshake: handshake)
    }

    /// Attaches by a link that outlives us, or puts the program into the link that did.
    private func attachPinned(
        _ program: borrowing BPFProgram, _ interface: UInt32, _ hook: TCHook
    ) throws(BPFError) {
        let path = linkPath(interface, hook)
        if let link = try? TCXLink(pinnedAt: path) {
            // A link whose interface went away is empty and cannot be updated.
            if (try? link.replaceProgram(by: program)) != nil { return }
            BPFFilesystem.unpin(path)
        }
        let link = try TCXLink(attaching: program, to: interface, hook)
        try link.pin(at: path)
    }

    private func linkPath(_ interface: UInt32, _ hook: TCHook) -> String {
        pins.pin(Self.linkName(interface, hook))
    }

    /// The name of a link's pin. Other versions look for it.
    static func linkName(_ interface: UInt32, _ hook: TCHook) -> String {
        "link_\(hook)_\(interface)"
    }

    /// The name of the pin that marks an interface with clsact filters. Other versions look for it.
    static func markName(_ interface: UInt32) -> String { "clsact_\(interface)" }

    private func attachByClsact(_ interface: UInt32, _ programs: ProgramSet) throws(BPFError)
        -> Attachment
    {
        try Self.attachFlowsFilter(programs, to: interface)
        try Self.filter(programs.handshake, interface, .ingress, ClsactPriority.handshake)
        try Self.attachEgressFilter(programs, to: interface)
        // Filters have no pins: the mark tells `unload` where they are.
        if !options.isPrivate {
            try programs.flows.pin(at: pins.pin(Self.markName(interface)))
        }
        return Attachment(interface: interface, mode: .clsact, handshake: nil)
    }

    /// Puts the flows program at ingress, in the place of one that an earlier daemon left.
    static func attachFlowsFilter(
        _ programs: ProgramSet, to interface: UInt32
    ) throws(BPFError) {
        try filter(programs.flows, interface, .ingress, ClsactPriority.flows)
    }

    /// The same at egress.
    static func attachEgressFilter(
        _ programs: ProgramSet, to interface: UInt32
    ) throws(BPFError) {
        try filter(programs.egress, interface, .egress, ClsactPriority.egress)
    }

    /// Ends the handshakes of a daemon, ours or one that is gone.
    static func detachHandshakeFilter(from interface: UInt32) {
        ClsactFilter(
            interface: interface, hook: .ingress, priority: ClsactPriority.handshake
        ).detach()
    }

    private static func filter(
        _ program: borrowing BPFProgram, _ interface: UInt32, _ hook: TCHook, _ priority: UInt32
    ) throws(BPFError) {
        _ = try ClsactFilter(attaching: program, to: interface, hook, priority: priority)
    }

    /// Whether what `attach` attached is still there. It is not once the interface was deleted, even
    /// if another one has its index by now.
    public func isAttached(to interface: UInt32) -> Bool {
        attachments.withLock { $0.contains { $0.interface == interface && $0.isLive } }
    }

    /// Detaches everything of ours from an interface, also what an earlier run left.
    public func detach(from interface: UInt32) {
        Self.detach(from: interface, pins)
        attachments.withLock { $0.removeAll { $0.interface == interface } }
    }

    static func detach(from interface: UInt32, _ pins: PinDirectory) {
        for hook in [TCHook.ingress, .egress] {
            let path = pins.pin(linkName(interface, hook))
            if let link = try? TCXLink(pinnedAt: path) { link.detach() }
            BPFFilesystem.unpin(path)
        }
        let filters = [
            ClsactFilter(interface: interface, hook: .ingress, priority: ClsactPriority.flows),
            ClsactFilter(interface: interface, hook: .ingress, priority: ClsactPriority.handshake),
            ClsactFilter(interface: interface, hook: .egress, priority: ClsactPriority.egress),
        ]
        guard BPFFilesystem.unpin(pins.pin(markName(interface))) else { return }
        for filter in filters { filter.detach() }
        ClsactFilter.removeQdiscIfEmpty(on: interface)
    }

    /// Ends our part in handshakes and keeps the flows: what a dying daemon does by dying.
    public func detachHandshakes() {
        let interfaces = attachments.withLock { list in
            defer { list = [] }
            return list.filter { $0.mode == .clsact }.map(\.interface)
        }
        for interface in interfaces { Self.detachHandshakeFilter(from: interface) }
    }

    /// Detaches everything and removes all pins.
    public func unload() {
        let interfaces = attachments.withLock { $0.map(\.interface) }
        for interface in interfaces { detach(from: interface) }
        Self.unload(pins)
    }

    /// Detaches and removes what an instance left behind; false when there was nothing.
    @discardableResult
    public static func unload(_ pins: PinDirectory) -> Bool {
        guard pins.exists else { return false }
        // The table goes first. After a crash in here, the next daemon would take its rows for live
        // flows, of which one end has been told that they are over.
        BPFFilesystem.unpin(pins.pin("flows"))
        CrashPoint.reach(.tableUnpinned)
        for (interface, _) in attachedInterfaces(pins) { detach(from: interface, pins) }
        CrashPoint.reach(.flowsDetached)
        pins.remove()
        return true
    }

    /// Interfaces that the pins, or with clsact their marks, name.
    public static func attachedInterfaces(_ pins: PinDirectory) -> [(
        interface: UInt32, mode: AttachMode
    )] {
        var modes: [UInt32: AttachMode] = [:]
        for name in pins.pins {
            let parts = name.split(separator: "_")
            guard let index = parts.last.flatMap({ UInt32($0) }) else { continue }
            if parts[0] == "link" { modes[index] = .tcx }
            if parts[0] == "clsact" { modes[index] = .clsact }
        }
        return modes.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
}
