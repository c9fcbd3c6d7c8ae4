// SPDX-License-Identifier: Apache-2.0

import Balancing
import HealthChecking
import HealthProbing
import KernelSockets
import Synchronization
import Testing
import WireTypes

/// What a monitor told.
private final class Notes: HealthObserver {
    private let transitions = Mutex<[HealthTransition]>([])
    private let empty = Atomic<Int>(0)

    var all: [HealthTransition] { transitions.withLock { $0 } }
    var clients: Int { empty.load(ordering: .relaxed) }

    func didChange(_ transition: HealthTransition, cluster: Int) {
        transitions.withLock { $0.append(transition) }
    }

    func didFindEmpty(cluster: Int, clients: Int) { empty.add(clients, ordering: .relaxed) }

    /// Waits until the last transition is to that health.
    func wait(for health: EndpointHealth) async throws -> Bool {
        for _ in 0..<1000 {
            if all.last?.after == health { return true }
            try await Task.sleep(for: .milliseconds(5))
        }
        return false
    }
}

/// A listening socket until it is closed.
private final class Place {
    private var socket: ListeningSocket?
    let address: TransportAddress

    init(_ socket: consuming ListeningSocket) {
        address = socket.address
        self.socket = consume socket
    }

    func close() { socket = nil }
}

@Suite struct `Health monitor` {
    private let localhost = IPAddress(v4: 0x7f00_0001)

    private func monitor(
        _ address: TransportAddress, _ kind: HealthCheck.Kind, _ notes: Notes,
        _ signals: HealthSignals = HealthSignals(targets: 1),
        interval: Duration = .milliseconds(100)
    ) throws -> (monitor: HealthMonitor, picker: Picker) {
        var check = HealthCheck()
        check.kind = kind
        check.interval = interval
        check.timeout = .milliseconds(100)
        check.start = .waitForFirst
        check.fall = 2
        let picker = Picker([Endpoint(address: address)], loads: [EndpointLoad()])
        let cluster = MonitoredCluster(
            endpoints: [address], targets: [0], check: check, ejection: nil, serverName: nil,
            states: picker.states)
        let monitor = try HealthMonitor([cluster], signals: signals, observer: notes)
        try monitor.start()
        return (monitor, picker)
    }

    @Test func `finds an endpoint that listens, and one that stops to`() async throws {
        let notes = Notes()
        let place = Place(try ListeningSocket(on: TransportAddress(localhost, 0)))
        let address = place.address
        let (monitor, picker) = try monitor(address, .tcp, notes)
        #expect(picker.states[0].health == .waiting)
        #expect(try await notes.wait(for: .up))
        #expect(picker.states[0].health == .up)
        place.close()
        #expect(try await notes.wait(for: .down))
        #expect(notes.all.last?.lastError == "refused the connection")
        monitor.stop()
    }

    @Test(arguments: [HealthCheck.Kind.tls, .http, .send])
    func `does not take an accepted connection for an answer`(kind: HealthCheck.Kind) async throws {
        let notes = Notes()
        let listening = try ListeningSocket(on: TransportAddress(localhost, 0))
        let (monitor, _) = try monitor(listening.address, kind, notes)
        #expect(try await notes.wait(for: .down))
        #expect(notes.all.last?.lastError == "did not say anything good within 100 ms")
        monitor.stop()
    }

    @Test func `checks at once when connections say so`() async throws {
        let (notes, signals) = (Notes(), HealthSignals(targets: 1))
        let place = Place(try ListeningSocket(on: TransportAddress(localhost, 0)))
        let address = place.address
        let (monitor, _) = try monitor(
            address, .tcp, notes, signals, interval: .seconds(600))
        #expect(try await notes.wait(for: .up))
        place.close()
        signals.connectFailed(0, .refused)
        #expect(try await notes.wait(for: .down))
        #expect(notes.all.map(\.after) == [.up, .suspect, .down])
        monitor.stop()
    }

    @Test func `tells once a second of clients that found nobody`() async throws {
        let (notes, signals) = (Notes(), HealthSignals(targets: 1))
        let listening = try ListeningSocket(on: TransportAddress(localhost, 0))
        let (monitor, _) = try monitor(listening.address, .tcp, notes, signals)
        for _ in 1...3 { signals.foundEmpty(cluster: 0) }
        for _ in 0..<400 where notes.clients < 3 { try await Task.sleep(for: .milliseconds(5)) }
        #expect(notes.clients == 3)
        monitor.stop()
    }
}
