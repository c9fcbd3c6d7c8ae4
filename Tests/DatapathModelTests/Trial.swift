// SPDX-License-Identifier: Apache-2.0

import DatapathModel
import DatapathTesting

/// A moment relative to the run.
enum Moment {
    /// Long ago: older than anything is believed.
    static let past: UInt64 = 0
    /// Ten seconds before.
    static let recent: UInt64 = 1
}

/// When a row had its last packet.
enum LastSeen: Sendable, Equatable {
    /// In the tick that the row says.
    case noted
    /// So many ticks before the run.
    case ago(UInt32)
    /// In the first tick of the run's epoch.
    case epoch
    /// In the last tick of the epoch before.
    case epochBefore
}

/// One packet and the world it comes to. Times are `Moment`s and `LastSeen` until it runs.
struct Trial: Sendable {
    var hook = Hook.flows
    var link = Link.ethernet
    var packet: [UInt8] = []
    var rows: [TrialRow] = []
    /// Flows of plain listeners that are about to stand.
    var openings: [TrialRow] = []
    var handshakes = Handshakes()
    var plain = PlainChoice()
    var names = RoutedNames()
    /// Whether the worker has forgotten the names by now.
    var forgetsNames = false
    var segments: UInt32 = 0
    var segmentSize: UInt32 = 0
    var priority: UInt32 = 0
    var isFromHost = false

    /// Whether it has to do with plain listeners.
    var isPlain: Bool { !openings.isEmpty || handshakes.listener.isPlain }

    /// As BPF_PROG_TEST_RUN reads it.
    var etherType: UInt16 { UInt16(packet[12]) << 8 | UInt16(packet[13]) }

    /// What the model needs of it, laid out at `start` and run at `now`.
    func world(from start: UInt64, at now: UInt64, interface: UInt32) -> World {
        var world = World(route: Family.route(on: interface))
        world.sourcePorts = TestBench.sourcePorts
        world.endpoints = Family.endpoints
        world.now = now
        world.interface = interface
        world.ingressInterface = isFromHost ? 0 : interface
        world.priority = priority
        world.segments = segments
        world.segmentSize = segmentSize
        world.rows = rows.map { ($0.key, $0.row(at: start)) }
        for row in openings { world.openings[row.key] = row.row(at: start) }
        world.plain = plain
        world.names = names
        if forgetsNames { world.names.routes = [:] }
        world.handshakes = handshakes
        for (key, note) in handshakes.notes {
            world.handshakes.notes[key]?.created = moment(note.created, start)
        }
        return world
    }
}

/// A row of the flow table; its hello lies in one of the templates of the run.
struct TrialRow: Sendable {
    var key: Tuple
    var row: Row
    /// Index of the template; -1: none.
    var template = -1
    var seen = LastSeen.noted

    func row(at now: UInt64) -> Row {
        let tick = Row.tick(at: now)
        let first = tick - tick % Row.epochLength
        var row = row
        switch seen {
        case .noted: break
        case .ago(let ticks): row.lastSeen = tick &- ticks
        case .epoch: row.lastSeen = first
        case .epochBefore: row.lastSeen = first &- 1
        }
        return row
    }
}

private func moment(_ relative: UInt64, _ now: UInt64) -> UInt64 {
    relative == Moment.recent ? now - 10_000_000_000 : relative
}
