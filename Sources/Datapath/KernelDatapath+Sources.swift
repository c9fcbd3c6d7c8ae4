// SPDX-License-Identifier: Apache-2.0

internal import CDatapathABI
internal import Glibc
public import KernelBPF
public import WireTypes

/// How many entries the maps about clients' sources have room for. None is pinned: each daemon has
/// its own.
public struct SourceRooms: Sendable {
    /// Sources whose pace is remembered.
    public var paces = 1024
    /// Sources that have all the connections that they may have.
    public var full = 1024

    /// Next to nothing.
    public init() {}
}

/// The lists and limits that a listener's clients are held to; 0: none.
public struct SourceNumbers: Hashable, Sendable {
    /// The list for all listeners.
    public var processList: UInt16 = 0
    /// The list for this one.
    public var ownList: UInt16 = 0
    /// The limit for all listeners.
    public var processLimit: UInt16 = 0
    /// The limit for this one.
    public var ownLimit: UInt16 = 0

    /// Nothing is asked.
    public init() {}
}

/// What a list says of a block.
public enum SourceRule: UInt32, Sendable {
    /// It may connect.
    case mayConnect = 1
    /// Its SYNs are dropped.
    case isDropped = 2
    /// They are answered by an RST.
    case isReset = 3
}

/// What the datapath lets the clients of one block of addresses do.
public struct SourceAllowance: Sendable {
    /// Nanoseconds between two connections; 0: as many as they like.
    public var interval: UInt64 = 0
    /// Nanoseconds that they may be ahead of an even pace.
    public var tolerance: UInt64 = 0
    /// How many leading bits of an IPv4 address make a block.
    public var prefixLengthV4 = 32
    /// The same of an IPv6 address.
    public var prefixLengthV6 = 64
    /// Whether those above are reset, not dropped.
    public var resets = false
    /// Whether those above are only counted.
    public var isDryRun = false
    /// Whether blocks may be full.
    public var countsConnections = false

    /// Everything.
    public init() {}
}

extension KernelDatapath {
    static func makeRoom(_ rooms: SourceRooms, in object: borrowing BPFObject) throws(BPFError) {
        try object.set(capacity: rooms.paces, ofMap: "sources")
        try object.set(capacity: rooms.full, ofMap: "full_sources")
    }

    /// Adds blocks to a list, before listeners name it. A system call for a thousand of them.
    public func add(
        _ rules: [(block: AddressBlock, rule: SourceRule)], toList list: UInt16
    ) throws(BPFError) {
        var start = 0
        while start < rules.count {
            let part = rules[start..<min(start + 1024, rules.count)]
            let keys = part.map { $0.block.key(list) }
            let values = part.map(\.rule.rawValue)
            try sourceRules.set(keys.span, to: values.span)
            start += part.count
        }
    }

    /// Removes blocks from a list, after listeners named it. A system call for each.
    public func remove(_ blocks: [AddressBlock], fromList list: UInt16) {
        for block in blocks { sourceRules.remove(block.key(list)) }
    }

    /// Says what a limit's number means, before listeners name it.
    public func set(_ allowance: SourceAllowance, asLimit number: UInt16) throws(BPFError) {
        var limit = source_limit()
        limit.interval_ns = allowance.interval
        limit.tolerance_ns = allowance.tolerance
        limit.mask_v4 = mask(96 + allowance.prefixLengthV4)
        limit.mask_v6 = mask(allowance.prefixLengthV6)
        if allowance.resets { limit.flags |= SOURCE_LIMIT_RESETS.rawValue }
        if allowance.isDryRun { limit.flags |= SOURCE_LIMIT_DRY_RUN.rawValue }
        if allowance.countsConnections { limit.flags |= SOURCE_LIMIT_COUNTS.rawValue }
        try sourceLimits.set(UInt32(number), to: limit)
    }

    /// Lets the clients of a block in no more, or in again. One system call.
    public func set(
        isFull: Bool, _ block: AddressBlock, underLimit number: UInt16
    ) throws(BPFError) {
        let key = source_key(addr: block.base.abi, limit: UInt32(number))
        if isFull { try fullSources.set(key, to: 1) } else { fullSources.remove(key) }
    }

    /// The leading bits of an address.
    private func mask(_ bits: Int) -> ip_address {
        let all = IPAddress(high: .max, low: .max)
        return (AddressBlock(around: all, prefixLength: bits)?.base ?? all).abi
    }
}

extension AddressBlock {
    fileprivate func key(_ list: UInt16) -> source_rule_key {
        let mapped = base.isIPv4 ? 96 : 0
        return source_rule_key(
            prefix_length: UInt32(32 + mapped + prefixLength), list: list,
            family: UInt16(base.isIPv4 ? AF_INET : AF_INET6), addr: base.abi)
    }
}
