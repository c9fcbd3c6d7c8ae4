// SPDX-License-Identifier: Apache-2.0

public import Datapath
internal import Foundation
internal import Glibc
internal import KernelBPF
internal import Synchronization

/// The loaded datapath in a network namespace of its own, with clean maps for each test.
///
/// Loading takes a second, so that all tests share one object; `use` gives it to one test at a
/// time. The namespace holds a pair of interfaces, `near` and `far`; everything is routed to
/// `near`, and nothing leaves the namespace.
public final class TestBench: @unchecked Sendable {
    // Guard of the unchecked Sendable: the lock of `shared`, held while a test uses the bench.
    /// The programs and maps.
    public let datapath: KernelDatapath
    /// The interface that packets of tests come in on, and that the FIB names.
    public let interface: UInt32
    /// Ports that splices come from.
    public static let sourcePorts: ClosedRange<UInt16> = 20000...20007
    /// Those of them that flows of plain listeners come from.
    public static let plainPorts: ClosedRange<UInt16> = 20004...20007
    private let namespace: NetworkNamespace
    private var rings: WorkerRings
    private var baseline: [UInt64] = []

    private static let shared = Mutex<Result<TestBench, BPFError>?>(nil)

    /// Runs a test on the bench with empty maps and rings. `body` must not suspend.
    public static func use<Value: Sendable>(_ body: (TestBench) throws -> Value) throws -> Value {
        try shared.withLock { slot in
            if slot == nil {
                do { slot = .success(try TestBench()) } catch {
                    slot = .failure(error as? BPFError ?? BPFError("\(error)"))
                }
            }
            guard let bench = try slot?.get() else { throw BPFError("no bench") }
            return try bench.namespace.run {
                bench.reset()
                return try body(bench)
            }
        }
    }

    /// Runs `body` on a bench of its own, with room for so many rows.
    public static func use<Value>(rows: Int, _ body: (TestBench) throws -> Value) throws -> Value {
        let bench = try TestBench(rows: rows)
        return try bench.namespace.run {
            bench.reset()
            return try body(bench)
        }
    }

    private init(rows: Int = 4096) throws {
        namespace = try NetworkNamespace()
        try namespace.shell([
            "ip link set lo up",
            // The address that TestPacket is sent to.
            "ip link add near address 02:00:00:00:00:01 mtu 65535 type veth peer name far mtu 65535",
            "sysctl -qw net.ipv6.conf.near.accept_dad=0 net.ipv6.conf.far.disable_ipv6=1",
            "ip link set near up", "ip link set far up",
            "ip address add 10.255.255.1/24 dev near", "ip route add default dev near",
            "ip address add 2001:db8:ffff::1/64 dev near nodad",
            "ip -6 route add default dev near",
            "ip route add unreachable 203.0.113.0/24",
            "ip -6 route add unreachable 2001:db8:dead::/48",
        ])
        var options = DatapathOptions()
        options.isPrivate = true
        options.mergesRows = true
        options.flows = rows
        options.handshakes = 1024
        options.openings = 64
        options.sourcePorts = [Self.sourcePorts]
        options.plainPorts = [Self.plainPorts]
        let datapath = try KernelDatapath(options)
        self.datapath = datapath
        rings = try WorkerRings(datapath, worker: 0)
        interface = try namespace.run {
            guard KernelDatapath.allowRouteLookups() else {
                throw BPFError("cannot switch forwarding of lo on")
            }
            return unsafe if_nametoindex("near")
        }
    }

    private func reset() {
        datapath.clear()
        _ = records()
        baseline = DatapathCounter.allCases.map { datapath.value(of: $0) }
    }

    /// Has `near` forward while `body` runs.
    public func forwarding<Value>(_ body: () throws -> Value) throws -> Value {
        let keys = ["net.ipv4.conf.near.forwarding", "net.ipv6.conf.near.forwarding"]
        try namespace.shell(keys.map { "sysctl -qw \($0)=1" })
        defer { try? namespace.shell(keys.map { "sysctl -qw \($0)=0" }) }
        return try body()
    }

    /// How often a counter went up in this test.
    public func count(_ counter: DatapathCounter) -> UInt64 {
        datapath.value(of: counter) - baseline[Int(counter.rawValue)]
    }

    /// All counters that went up in this test.
    public var counts: [DatapathCounter: UInt64] {
        let pairs = DatapathCounter.allCases.map { ($0, count($0)) }
        return Dictionary(uniqueKeysWithValues: pairs).filter { $0.value > 0 }
    }

    /// What the programs told the worker since the last call.
    public func records() -> WorkerRecords {
        var told = WorkerRecords()
        _ = rings.drainQuiet(
            opened: { told.opened.append($0) }, flow: { told.flows.append($0) })
        _ = rings.drainWaking(
            hello: { record, bytes in
                told.hellos.append((record, (0..<bytes.count).map { bytes[$0] }))
            },
            flow: { told.flows.append($0) })
        return told
    }
}

/// Records of both rings of a worker, the quiet one's first.
public struct WorkerRecords {
    /// Clients' bytes.
    public var hellos: [(record: HelloRecord, bytes: [UInt8])] = []
    /// What happened to flows.
    public var flows: [FlowRecord] = []
    /// Flows of known names.
    public var opened: [OpenedRecord] = []
}
