// SPDX-License-Identifier: Apache-2.0

import Balancing
import Datapath
import KernelBPF
import Settings
import WireTypes

/// Whose list or limit it is.
enum SourceScope: Hashable {
    case process
    /// By its id in the name table.
    case listener(UInt16)

    /// The number of its limit in the datapath, whatever that limit is.
    var limitNumber: UInt16 {
        switch self {
        case .process: 1
        case .listener(let id): UInt16(clamping: Int(id) + 2)
        }
    }
}

/// The lists that the datapath has, and their numbers. A list that changes gets another number:
/// listeners go by the old one until the new one is whole.
struct SourceNumbering {
    private struct Numbered {
        let number: UInt16
        let list: AccessList
    }

    private var lists: [SourceScope: Numbered] = [:]
    private var limits: [SourceScope: SourceLimit] = [:]
    /// Lists that no listener names once the configuration is in force.
    private var outdated: [Numbered] = []

    /// What a listener's clients are held to.
    func numbers(ofListener id: UInt16) -> SourceNumbers {
        var numbers = SourceNumbers()
        let own = SourceScope.listener(id)
        numbers.processList = lists[.process]?.number ?? 0
        numbers.ownList = lists[own]?.number ?? 0
        numbers.processLimit = limits[.process] == nil ? 0 : SourceScope.process.limitNumber
        numbers.ownLimit = limits[own] == nil ? 0 : own.limitNumber
        return numbers
    }

    /// Gives the datapath what is new in a configuration; what it goes by stays until ``retire(in:)``.
    /// Limits change at once. On error nothing is changed.
    mutating func add(
        _ configuration: Configuration, _ listenerIDs: [UInt16], to datapath: KernelDatapath
    ) throws(BPFError) {
        let own = zip(configuration.listeners, listenerIDs).map {
            (SourceScope.listener($1), $0.access, $0.perSource)
        }
        let all = [(.process, configuration.limits.access, configuration.limits.perSource)] + own
        var next = SourceNumbering()
        var used = Set(lists.values.map(\.number))
        var added: [Numbered] = []
        do {
            for (scope, list, limit) in all {
                next.limits[scope] = limit
                if list.isEmpty { continue }
                if let known = lists[scope], known.list == list {
                    next.lists[scope] = known
                    continue
                }
                let number = (1...UInt16.max).first { !used.contains($0) } ?? 0
                used.insert(number)
                let numbered = Numbered(number: number, list: list)
                added.append(numbered)
                try datapath.add(list.sourceRules, toList: number)
                next.lists[scope] = numbered
            }
            // Last, since these are in force.
            for (scope, limit) in next.limits {
                try datapath.set(SourceAllowance(limit), asLimit: scope.limitNumber)
            }
        } catch {
            for numbered in added {
                datapath.remove(numbered.list.sourceRules.map(\.block), fromList: numbered.number)
            }
            throw error
        }
        let kept = Set(next.lists.values.map(\.number))
        next.outdated = outdated + lists.values.filter { !kept.contains($0.number) }
        self = next
    }

    /// Removes lists that no listener names any more.
    mutating func retire(in datapath: KernelDatapath) {
        for numbered in outdated {
            datapath.remove(numbered.list.sourceRules.map(\.block), fromList: numbered.number)
        }
        outdated = []
    }
}

extension AccessList {
    fileprivate var sourceRules: [(block: AddressBlock, rule: SourceRule)] {
        let refused: SourceRule = refusal == .reset ? .isReset : .isDropped
        return rules.map { ($0.block, $0.mayConnect ? .mayConnect : refused) }
    }
}

extension SourceAllowance {
    fileprivate init(_ limit: SourceLimit) {
        self.init()
        interval = limit.rate?.interval ?? 0
        tolerance = limit.tolerance
        prefixLengthV4 = limit.prefixLengthV4
        prefixLengthV6 = limit.prefixLengthV6
        resets = limit.refusal == .reset
        isDryRun = limit.isDryRun
        countsConnections = limit.connections != nil && !limit.isDryRun
    }
}

extension Configuration {
    /// What is made at the start for sources; a reload finds this room.
    var sourceRooms: SourceRooms {
        var rooms = SourceRooms()
        // Room for paces is memory, used or not.
        let all = [limits.perSource] + listeners.map(\.perSource)
        if all.contains(where: { $0?.rate != nil }) { rooms.paces = limits.trackedSources }
        rooms.full = limits.trackedSources
        return rooms
    }
}
