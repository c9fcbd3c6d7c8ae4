// SPDX-License-Identifier: Apache-2.0

internal import CDatapathABI
public import KernelBPF
internal import Synchronization
public import WireTypes

/// Where clients of a name are sent by the datapath.
public struct KnownRoute: Sendable, Equatable {
    /// The worker's slot of the endpoint: 0..<``KnownNames/slots``.
    public var slot: Int
    /// Id of the cluster in the name table.
    public var cluster: UInt16
    /// Index of the endpoint in it.
    public var endpoint: UInt16
    /// Payload of a segment of a hello, bytes; a hello goes in two at most.
    public var segmentSize: Int
    /// Id of the SNI in the server name table, 0 = none.
    public var serverName: UInt32

    /// A route.
    public init(slot: Int, cluster: UInt16, endpoint: UInt16, segmentSize: Int, serverName: UInt32)
    {
        self.slot = slot
        self.cluster = cluster
        self.endpoint = endpoint
        self.segmentSize = segmentSize
        self.serverName = serverName
    }
}

/// One worker's names for which the datapath sends the SYN itself, and the ports that it may take.
public struct KnownNames: Sendable {
    private let datapath: KernelDatapath
    private let worker: Int
    private var epoch: UInt32 = 1
    /// Whether the datapath looks for names of this epoch.
    private var isShown = false
    /// Ports ever laid out, by slot.
    private var laid: [UInt32]

    /// Endpoints that a worker's names may lead to.
    public static let slots = Int(KNOWN_TARGETS_MAX)
    /// Ports at hand towards one of them.
    public static let ports = Int(KNOWN_PORTS_MAX)
    /// Most names of a worker; the map has room for twice as many, since forgotten ones fade from it.
    public static let limit = 4096
    /// Bytes of a name.
    public static let nameLimit = Int(KNOWN_NAME_MAX)
    /// Bytes of a hello that the datapath reads.
    public static let helloLimit = Int(TEMPLATE_PAYLOAD_MAX)

    // Offsets are those of known_target and worker_state, asserted in datapath_abi.c.
    fileprivate static let takenOffset = 0
    fileprivate static let laidOffset = 4
    private static let addressOffset = 8
    private static let sourceOffset = 24
    private static let portOffset = 40
    private static let portsOffset = 48
    fileprivate static let epochOffset = 4

    /// Those of `worker`: none.
    public init(_ datapath: KernelDatapath, worker: Int) {
        self.datapath = datapath
        self.worker = worker
        laid = Array(repeating: 0, count: Self.slots)
        show(0)
    }

    /// Says where a name leads from now on.
    public mutating func learn(
        _ name: ServerName, listener: UInt16, isIPv4: Bool, _ route: KnownRoute
    ) throws(BPFError) {
        var key = known_name()
        key.epoch = epoch
        key.listener = listener
        key.worker = UInt8(worker)
        key.is_ipv6 = isIPv4 ? 0 : 1
        // The name's bytes into the plain bytes of the field, which has room for them.
        unsafe withUnsafeMutableBytes(of: &key.text) { field in
            for (index, byte) in name.text.utf8.prefix(Self.nameLimit).enumerated() {
                unsafe field[index] = byte
            }
        }
        var value = known_route()
        value.target = UInt16(place(of: route.slot))
        value.cluster = route.cluster
        value.endpoint = route.endpoint
        // Sums of segments add up where all but the last have an even number of bytes.
        value.segment_size = UInt16(clamping: route.segmentSize & ~1)
        value.server_name = route.serverName
        try datapath.knownNames.set(key, to: value)
        if isShown { return }
        show(epoch)
        isShown = true
    }

    /// Whether somebody else hid the names, which are to be learned anew.
    public var isHidden: Bool {
        isShown && datapath.epoch(of: worker) != epoch
    }

    /// Forgets all names: from here on their hellos come to the worker.
    public mutating func forget() {
        show(0)
        isShown = false
        epoch = epoch == .max ? 1 : epoch + 1
    }

    /// Makes a slot an endpoint's. It has no port left, and no name has led to it for longer than a
    /// packet takes through the datapath.
    public mutating func use(_ slot: Int, for endpoint: TransportAddress, from source: IPAddress) {
        datapath.knownTargets.withElement(place(of: slot)) { element in
            element.storeBytes(
                of: endpoint.address.abi, toByteOffset: Self.addressOffset, as: ip_address.self)
            element.storeBytes(
                of: source.abi, toByteOffset: Self.sourceOffset, as: ip_address.self)
            element.storeBytes(
                of: endpoint.port.bigEndian, toByteOffset: Self.portOffset, as: UInt16.self)
        }
    }

    /// Ports of a slot that nobody has taken.
    public func portsLeft(_ slot: Int) -> Int {
        datapath.knownTargets.withElement(place(of: slot)) { element in
            let taken = unsafe element.bytes.unsafeLoad(
                fromByteOffset: Self.takenOffset, as: UInt32.self)
            return Int(laid[slot] &- taken)
        }
    }

    /// Lays out one more port; there is room for it.
    public mutating func lay(_ port: UInt16, slot: Int) {
        let offset = Self.portsOffset + Int(laid[slot]) % Self.ports * 2
        laid[slot] &+= 1
        datapath.knownTargets.withElement(place(of: slot)) { element in
            element.storeBytes(of: port.bigEndian, toByteOffset: offset, as: UInt16.self)
            // The datapath reads the number, then the port.
            atomicMemoryFence(ordering: .sequentiallyConsistent)
            element.storeBytes(of: laid[slot], toByteOffset: Self.laidOffset, as: UInt32.self)
        }
    }

    /// Takes back a port that nobody has taken; nil: there is none.
    public func takePort(_ slot: Int) -> UInt16? {
        let place = place(of: slot)
        while true {
            let (taken, port) = datapath.knownTargets.withElement(place) { element in
                let taken = unsafe element.bytes.unsafeLoad(
                    fromByteOffset: Self.takenOffset, as: UInt32.self)
                let port = unsafe element.bytes.unsafeLoad(
                    fromByteOffset: Self.portsOffset + Int(taken) % Self.ports * 2,
                    as: UInt16.self)
                return (taken, UInt16(bigEndian: port))
            }
            if taken == laid[slot] { return nil }
            if datapath.knownTargets.step(place, at: Self.takenOffset, from: taken) { return port }
        }
    }

    private func place(of slot: Int) -> Int { worker * Self.slots + slot }

    private func show(_ epoch: UInt32) { datapath.show(epoch: epoch, of: worker) }
}

extension KernelDatapath {
    /// Has all hellos come to their workers until these have learned their names anew: something changed
    /// that they will hear of. False: there were none. Safe from any thread.
    @discardableResult
    public func hideKnownNames() -> Bool {
        let hasNames = (0..<options.workers).contains { epoch(of: $0) != 0 }
        for worker in 0..<options.workers { show(epoch: 0, of: worker) }
        return hasNames
    }

    /// Of the first worker: names, ports and epoch. For tests.
    func clearKnownNames() {
        for key in knownNames.keys() { knownNames.remove(key) }
        for slot in 0..<KnownNames.slots {
            knownTargets.withElement(slot) { element in
                element.storeBytes(of: 0, toByteOffset: KnownNames.takenOffset, as: UInt32.self)
                element.storeBytes(of: 0, toByteOffset: KnownNames.laidOffset, as: UInt32.self)
            }
        }
        show(epoch: 0, of: 0)
    }

    fileprivate func epoch(of worker: Int) -> UInt32 {
        workerStates.withElement(worker) { state in
            // A word of worker_state, written at once.
            unsafe state.bytes.unsafeLoad(
                fromByteOffset: KnownNames.epochOffset, as: UInt32.self)
        }
    }

    fileprivate func show(epoch: UInt32, of worker: Int) {
        workerStates.withElement(worker) { state in
            state.storeBytes(of: epoch, toByteOffset: KnownNames.epochOffset, as: UInt32.self)
        }
    }
}
