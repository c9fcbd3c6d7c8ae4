// SPDX-License-Identifier: Apache-2.0

internal import CDatapathABI
public import KernelBPF
public import WireTypes

/// Who gets the clients of a plain listener, of one address family: what the datapath picks by.
public struct PlainTable: Sendable, Equatable {
    /// One that may be picked.
    public struct Endpoint: Sendable, Equatable {
        /// Where it listens.
        public var address: TransportAddress
        /// Ours towards it, at least one; the datapath takes up to four.
        public var sources: [IPAddress]
        /// Its place in the cluster.
        public var index: UInt16

        /// An endpoint.
        public init(address: TransportAddress, sources: [IPAddress], index: UInt16) {
            self.address = address
            self.sources = sources
            self.index = index
        }
    }

    /// Id of the cluster in the name table.
    public var cluster: UInt16
    /// Whether a client's port is hashed with its address.
    public var hashesPort: Bool
    /// At most ``endpointLimit``.
    public var endpoints: [Endpoint]
    /// A Maglev table of places in `endpoints`; others are nobody, who resets clients. At most
    /// ``slotLimit``.
    public var slots: [UInt16]

    /// The most endpoints.
    public static var endpointLimit: Int { Int(PLAIN_ENDPOINTS_MAX) }
    /// The most slots; a prime is below it.
    public static var slotLimit: Int { Int(PLAIN_SLOTS_MAX) }

    /// A table.
    public init(
        cluster: UInt16, hashesPort: Bool, endpoints: [Endpoint], slots: [UInt16]
    ) {
        precondition(endpoints.count <= Self.endpointLimit && slots.count <= Self.slotLimit)
        self.cluster = cluster
        self.hashesPort = hashesPort
        self.endpoints = endpoints
        self.slots = slots
    }

    /// As struct plain_table, which is too large for Swift to know it.
    var bytes: [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Int(PLAIN_TABLE_SIZE))
        let stride = MemoryLayout<plain_endpoint>.stride
        let firstSlot = Self.headSize + Self.endpointLimit * stride
        // Within the array: the counts are bounded in `init`.
        unsafe bytes.withUnsafeMutableBytes { room in
            unsafe room.storeBytes(of: UInt32(slots.count), as: UInt32.self)
            unsafe room.storeBytes(of: hashesPort ? 1 : 0, toByteOffset: 4, as: UInt32.self)
            unsafe room.storeBytes(of: cluster, toByteOffset: 8, as: UInt16.self)
            for (place, endpoint) in endpoints.enumerated() {
                unsafe room.storeBytes(
                    of: endpoint.abi, toByteOffset: Self.headSize + place * stride,
                    as: plain_endpoint.self)
            }
            for (place, slot) in slots.enumerated() {
                let owner = slot < endpoints.count ? slot : UInt16.max
                unsafe room.storeBytes(
                    of: owner, toByteOffset: firstSlot + 2 * place, as: UInt16.self)
            }
        }
        return bytes
    }

    /// Bytes in front of the endpoints.
    private static var headSize: Int { 16 }
}

extension PlainTable.Endpoint {
    fileprivate var abi: plain_endpoint {
        var entry = plain_endpoint()
        entry.addr = address.address.abi
        entry.port = address.port.bigEndian
        entry.endpoint = index
        let sources = sources.prefix(Int(PLAIN_SOURCES_MAX)).map(\.abi)
        entry.sources = UInt16(sources.count)
        if sources.count > 0 { entry.source.0 = sources[0] }
        if sources.count > 1 { entry.source.1 = sources[1] }
        if sources.count > 2 { entry.source.2 = sources[2] }
        if sources.count > 3 { entry.source.3 = sources[3] }
        return entry
    }
}

extension KernelDatapath {
    /// Has the datapath pick by `table` for clients of a plain listener; nil: it resets them.
    public func setPlainTable(
        _ table: PlainTable?, listener: UInt16, isIPv4: Bool
    ) throws(BPFError) {
        let key = UInt32(listener) << 1 | (isIPv4 ? 0 : 1)
        guard let table else {
            plainTables.remove(key)
            return
        }
        try setTable(table.bytes, named: "plain_table", at: key, of: plainTables)
    }

    /// Whether clients of plain listeners find the flow table full.
    public func setTableFull(_ isFull: Bool) {
        changeState { $0.table_full = isFull ? 1 : 0 }
    }
}
