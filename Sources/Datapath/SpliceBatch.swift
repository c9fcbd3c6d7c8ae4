// SPDX-License-Identifier: Apache-2.0

internal import CDatapathABI
internal import CrashPoints
public import KernelBPF
internal import WireTypes

/// Splices collected to be written by one system call; keeps its memory from batch to batch.
public struct SpliceBatch: Sendable {
    private var keys: [flow_tuple] = []
    private var entries: [flow_entry] = []

    /// An empty batch with room for `capacity` splices.
    public init(capacity: Int = 64) {
        keys.reserveCapacity(capacity * 2)
        entries.reserveCapacity(capacity * 2)
    }

    /// Whether there is nothing to write.
    public var isEmpty: Bool { keys.isEmpty }

    /// Adds both flows of a splice.
    public mutating func append(_ splice: borrowing Splice) {
        keys.append(splice.client.abi)
        entries.append(splice.upstreamEntry)
        keys.append(splice.upstream.reversed.abi)
        entries.append(splice.downstreamEntry)
    }

    mutating func write(to flows: borrowing BPFMap<flow_tuple, flow_entry>) throws(BPFError) {
        if CrashPoint.isArmed(.clientRowWritten) {
            try flows.set(keys[0], to: entries[0])
            CrashPoint.reach(.clientRowWritten)
        }
        try flows.set(keys.span, to: entries.span)
        CrashPoint.reach(.rowsWritten)
        keys.removeAll(keepingCapacity: true)
        entries.removeAll(keepingCapacity: true)
    }

    mutating func clear() {
        keys.removeAll(keepingCapacity: true)
        entries.removeAll(keepingCapacity: true)
    }
}

extension KernelDatapath {
    /// Writes the batch and empties it, also on error.
    public func write(_ batch: inout SpliceBatch) throws(BPFError) {
        defer { batch.clear() }
        try batch.write(to: flows)
    }
}
