// SPDX-License-Identifier: Apache-2.0

import Datapath
import KernelSockets
import Logging
import Settings

/// The interfaces that were asked for, wherever they are now: attached, elsewhere, or gone.
///
/// What the kernel has now is looked at, not what it told in between: nothing can be missed.
struct FollowedInterfaces: Sendable {
    private struct Place {
        let selector: InterfaceSelector
        /// As at the start: the datapath was loaded for it.
        let mode: AttachMode
        /// As it was last.
        var interface: NetworkInterface
        var isThere = true
        /// Where the last attempt failed.
        var refused: UInt32?
    }

    private let datapath: KernelDatapath
    private let logger: Logger
    private var places: [Place]

    /// Interfaces that are attached already.
    init(
        _ datapath: KernelDatapath, _ logger: Logger,
        _ attached: [(InterfaceSelector, NetworkInterface, AttachMode)]
    ) {
        self.datapath = datapath
        self.logger = logger
        places = attached.map { Place(selector: $0.0, mode: $0.2, interface: $0.1) }
    }

    /// All of them; those that are gone have no addresses.
    var interfaces: [NetworkInterface] {
        places.map { $0.isThere ? $0.interface : $0.interface.withoutAddresses }
    }

    var selectors: [InterfaceSelector] { places.map(\.selector) }

    /// Whether one is there and could not be attached to.
    var isIncomplete: Bool { places.contains { $0.refused != nil } }

    /// Looks where they are now, and attaches and detaches accordingly.
    mutating func look() {
        for index in places.indices { look(at: index) }
    }

    private mutating func look(at index: Int) {
        let place = places[index]
        let isHeld = place.isThere && datapath.isAttached(to: place.interface.index)
        let found = whereabouts(of: index, isHeld: isHeld)
        if let found, isHeld, found.index == place.interface.index {
            if found.name != place.interface.name { logRenaming(of: place, found) }
            places[index].interface = found
            return
        }
        if place.isThere { lose(index) }
        guard let found else { return places[index].refused = nil }
        attach(index, to: found)
    }

    /// A name is followed to whichever interface has it, and a renamed one is kept until another
    /// has its old name. An index is followed, and when it is gone the name that came with it.
    private func whereabouts(of index: Int, isHeld: Bool) -> NetworkInterface? {
        let place = places[index]
        func same() -> NetworkInterface? {
            isHeld ? NetworkInterface(index: place.interface.index) : nil
        }
        return switch place.selector {
        case .name(let name): interface(named: name, for: index) ?? same()
        case .index: same() ?? interface(named: place.interface.name, for: index)
        }
    }

    /// Not one that another place has: names may go round.
    private func interface(named name: String, for index: Int) -> NetworkInterface? {
        guard let interface = NetworkInterface(name: name) else { return nil }
        let isTaken = places.indices.contains {
            $0 != index && places[$0].isThere && places[$0].interface.index == interface.index
        }
        return isTaken ? nil : interface
    }

    private mutating func lose(_ index: Int) {
        let interface = places[index].interface
        // The kernel detached with the interface; the pins are ours to remove.
        datapath.detach(from: interface.index)
        places[index].isThere = false
        logger.warning(
            "interface lost",
            metadata: ["interface": "\(interface.name)", "index": "\(interface.index)"])
    }

    private mutating func attach(_ index: Int, to found: NetworkInterface) {
        let place = places[index]
        let facts: Logger.Metadata = [
            "interface": "\(found.name)", "index": "\(found.index)",
            "old_index": "\(place.interface.index)",
        ]
        do {
            try datapath.attach(to: found.index, link: found.link, mode: place.mode)
        } catch {
            // It may be gone again, and then it is not worth a word.
            guard NetworkInterface(index: found.index) != nil else { return }
            if place.refused != found.index {
                logger.error(
                    "cannot attach to an interface that is back",
                    metadata: facts.merging(["error": "\(error)"]) { $1 })
            }
            places[index].refused = found.index
            return
        }
        places[index].interface = found
        places[index].isThere = true
        places[index].refused = nil
        logger.notice(
            "interface back", metadata: facts.merging(["by": "\(place.mode.rawValue)"]) { $1 })
        found.warnOfOffloads(logger)
    }

    private func logRenaming(of place: Place, _ found: NetworkInterface) {
        logger.notice(
            "interface renamed",
            metadata: [
                "interface": "\(found.name)", "old_name": "\(place.interface.name)",
                "index": "\(found.index)",
            ])
    }
}

extension NetworkInterface {
    /// Of what breaks flows; the kernel does not tell when it is switched on later.
    func warnOfOffloads(_ logger: Logger) {
        for offload in harmfulOffloads {
            logger.warning(
                "an offload breaks spliced flows; switch it off",
                metadata: [
                    "interface": "\(name)", "offload": "\(offload)",
                    "command": "ethtool -K \(name) \(offload) off",
                ])
        }
    }
}
