// SPDX-License-Identifier: Apache-2.0

internal import CDatapathABI
internal import CrashPoints
public import KernelBPF

/// Takes over what a `sluice` of another version left running: its rows go by the names of their
/// members, and its links get our programs while packets pass.
///
///     prepare: names and the like      nothing is attached yet: `abandon` undoes it
///     move:    rows                    … and this too
///              links, one by one       each is pinned with us, gets our program, leaves the old pins
///              rows once more          what the old programs did meanwhile
///              old pins removed        the table first
///
/// Whoever dies in between leaves either the old pins with all links, or links in our pins: then the
/// next start goes on with the links that are left, and the second pass over the rows, which may be
/// repeated.
public final class LayoutMigration {
    /// The pins of the other version.
    public let old: PinDirectory
    /// Whether programs of ours run already: there is no way back.
    public private(set) var hasSwitched: Bool
    /// The other daemon's lock, so that it cannot start meanwhile.
    private let lock: InstanceLock

    /// Finds pins of another version and locks them; nil when there are none. What is left of ones
    /// whose flows are gone is removed.
    public static func find(beside pins: PinDirectory) throws(BPFError) -> LayoutMigration? {
        let others = pins.otherVersions
        if others.count > 1 {
            let paths = others.map(\.path).sorted().joined(separator: " and ")
            throw BPFError(
                "instance \(pins.instance) is pinned by several other versions, at \(paths)",
                detail: "Start the newer of those once more, which ends what it began, or remove "
                    + "all with: sluice unload --instance \(pins.instance)")
        }
        guard let other = others.first else { return nil }
        let migration = try LayoutMigration(other, to: pins)
        // An unload that crashed, or a migration that was all but over: no flow is left in there.
        guard BPFFilesystem.exists(other.pin("flows")) else {
            KernelDatapath.unload(other)
            return nil
        }
        return migration
    }

    private init(_ old: PinDirectory, to pins: PinDirectory) throws(BPFError) {
        do {
            lock = try InstanceLock(old)
        } catch {
            throw BPFError(
                "instance \(old.instance) is in use by a sluice of another version, at \(old.path)",
                detail: "End that one first; its flows are taken over if it was started with "
                    + "--keep-flows, or is killed")
        }
        self.old = old
        hasSwitched = !KernelDatapath.attachedInterfaces(pins).isEmpty
    }

    /// Forgets a copy of the rows that an earlier start did not finish. Under the lock of `pins`.
    public func discardUnfinishedCopy(in pins: PinDirectory) {
        if !hasSwitched { pins.removePins() }
    }

    /// Interfaces that the other version is attached to.
    public var interfaces: [UInt32] { KernelDatapath.attachedInterfaces(old).map(\.interface) }

    /// How many rows its flow table has room for.
    public var flowCapacity: Int {
        get throws(BPFError) { try capacity(ofMapPinnedAt: old.pin("flows")) }
    }

    /// Takes over names, counters and secrets. Nothing of the old changes.
    public func prepare(_ datapath: KernelDatapath) throws(BPFError) {
        // Before anything is copied: it refuses what cannot be moved.
        _ = try FlowTableMove(from: old, to: datapath)
        guard !hasSwitched else { return }
        // Flows carry ids of both.
        _ = try TableMove("names", from: old, to: datapath.names, essential: ["text"])
            .copy(to: datapath.names)
        _ = try TableMove(
            "server_names", from: old, to: datapath.serverNames, essential: ["text"]
        ).copy(to: datapath.serverNames)
        if BPFFilesystem.exists(old.pin("instance")) {
            _ = try TableMove("instance", from: old, to: datapath.instanceState, essential: [])
                .copy(to: datapath.instanceState) { state, _ in state.alive_until_ns = 0 }
        }
        copyDaemonCounters(to: datapath)
        CrashPoint.reach(.tablesCopied)
    }

    /// Counters go by their number, which no version changes; of another shape, they begin anew.
    private func copyDaemonCounters(to datapath: KernelDatapath) {
        guard
            let counters = try? BPFMap<UInt32, UInt64>(
                name: "daemon_counters", owning: openPin(old.pin("daemon_counters")))
        else { return }
        for key in 0..<UInt32(min(counters.capacity, datapath.daemonCounters.capacity)) {
            guard let value = counters.value(of: key) else { continue }
            try? datapath.daemonCounters.set(key, to: value)
        }
    }

    private func copyCounters(to datapath: KernelDatapath) {
        guard
            let counters = try? BPFMap<UInt32, UInt64>(
                name: "counters", owning: openPin(old.pin("counters")))
        else { return }
        datapath.counters.takeCounts(of: counters)
    }

    /// Takes over rows and links, and removes the old pins.
    ///
    /// - Parameter kinds: of the interfaces that are there; those that are gone are let go of.
    public func move(to datapath: KernelDatapath, kinds: [UInt32: LinkKind]) throws(BPFError) {
        var flows = try FlowTableMove(from: old, to: datapath)
        if !hasSwitched {
            try flows.copy(to: datapath)
            copyCounters(to: datapath)
            CrashPoint.reach(.rowsCopied)
        }
        for (interface, mode) in KernelDatapath.attachedInterfaces(old) {
            guard let kind = kinds[interface] else {
                KernelDatapath.detach(from: interface, old)
                continue
            }
            let programs = try datapath.programs(for: kind)
            switch mode {
            case .tcx: try moveLinks(interface, programs, to: datapath.pins)
            case .clsact: try moveFilters(interface, programs, to: datapath.pins)
            }
        }
        // From here on it is ours, even if nothing was attached.
        hasSwitched = true
        RunningPrograms.waitForEnd()
        try flows.merge(into: datapath)
        CrashPoint.reach(.rowsMerged)
        KernelDatapath.unload(old)
    }

    private func moveLinks(
        _ interface: UInt32, _ programs: ProgramSet, to pins: PinDirectory
    ) throws(BPFError) {
        try moveLink(KernelDatapath.linkName(interface, .ingress), programs.flows, to: pins)
        try moveLink(KernelDatapath.linkName(interface, .egress), programs.egress, to: pins)
    }

    /// Pinned with us first: a link of ours with an old program is known for what it is, while one of
    /// theirs with our program would be given the old rows again.
    private func moveLink(
        _ name: String, _ program: borrowing BPFProgram, to pins: PinDirectory
    ) throws(BPFError) {
        guard BPFFilesystem.exists(old.pin(name)) else { return }
        let link = try TCXLink(pinnedAt: old.pin(name))
        guard link.interface() != nil else {
            // Of an interface that was deleted: another one has its index.
            BPFFilesystem.unpin(old.pin(name))
            return
        }
        let wasPinned = BPFFilesystem.exists(pins.pin(name))
        if !wasPinned { try link.pin(at: pins.pin(name)) }
        CrashPoint.reach(.linkPinned)
        do {
            try link.replaceProgram(by: program)
        } catch {
            if !wasPinned { BPFFilesystem.unpin(pins.pin(name)) }
            throw error
        }
        hasSwitched = true
        CrashPoint.reach(.linkUpdated)
        BPFFilesystem.unpin(old.pin(name))
        CrashPoint.reach(.linkMoved)
    }

    /// The mark first, for the same reason.
    private func moveFilters(
        _ interface: UInt32, _ programs: ProgramSet, to pins: PinDirectory
    ) throws(BPFError) {
        let name = KernelDatapath.markName(interface)
        let wasMarked = BPFFilesystem.exists(pins.pin(name))
        try programs.flows.pin(at: pins.pin(name))
        CrashPoint.reach(.linkPinned)
        do {
            try KernelDatapath.attachFlowsFilter(programs, to: interface)
        } catch {
            if !wasMarked { BPFFilesystem.unpin(pins.pin(name)) }
            throw error
        }
        hasSwitched = true
        try KernelDatapath.attachEgressFilter(programs, to: interface)
        // Its daemon is dead, and `attach` may put none in its place.
        KernelDatapath.detachHandshakeFilter(from: interface)
        CrashPoint.reach(.linkUpdated)
        BPFFilesystem.unpin(old.pin(name))
        CrashPoint.reach(.linkMoved)
    }
}
