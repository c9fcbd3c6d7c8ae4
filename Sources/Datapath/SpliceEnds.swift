// SPDX-License-Identifier: Apache-2.0

internal import CDatapathABI
public import KernelBPF
public import WireTypes

/// A splice whose linger is over.
public struct LingeredSplice: Sendable, Equatable {
    /// Balancer → endpoint.
    public let upstream: FlowTuple
    /// With the tuple it names one connection.
    public let createdNanoseconds: UInt64
    /// The endpoint's place in the caller's list.
    public let target: Int

    /// A splice by its tuple and time.
    public init(upstream: FlowTuple, createdNanoseconds: UInt64, target: Int) {
        self.upstream = upstream
        self.createdNanoseconds = createdNanoseconds
        self.target = target
    }
}

/// One worker's part of the array in which it names splices for the kernel to remove: many by one
/// system call.
public struct SpliceEnds: Sendable {
    private let datapath: KernelDatapath
    private let first: Int

    private static let outcomeOffset = 48

    /// The most splices of one call.
    public static var capacity: Int { Int(SPLICE_ENDS_MAX) }

    /// The part of `worker`.
    public init(_ datapath: KernelDatapath, worker: Int) {
        self.datapath = datapath
        first = worker * Self.capacity
    }

    /// Removes both flows of each splice, unless it lives again (an RST that neither end believed)
    /// or its tuple serves another connection. Leaves in `splices` those whose port is free.
    ///
    /// At most ``capacity`` splices. On an error none was removed.
    public mutating func remove(_ splices: inout [LingeredSplice]) throws(BPFError) {
        precondition(splices.count <= Self.capacity)
        for (index, splice) in splices.enumerated() {
            let end = splice_end(
                key: splice.upstream.reversed.abi, created_ns: splice.createdNanoseconds,
                is_free: 0, pad: 0)
            datapath.spliceEnds.withElement(first + index) { slot in
                slot.storeBytes(of: end, as: splice_end.self)
            }
        }
        try datapath.endSplices.run(
            with: splice_end_range(first: UInt32(first), count: UInt32(splices.count)))
        var slot = first - 1
        splices.removeAll { _ in
            slot += 1
            return !isFree(slot)
        }
    }

    private func isFree(_ slot: Int) -> Bool {
        datapath.spliceEnds.withElement(slot) { slot in
            // Inside the slot, aligned, plain old data.
            unsafe slot.bytes.unsafeLoad(fromByteOffset: Self.outcomeOffset, as: UInt32.self) != 0
        }
    }
}
