// SPDX-License-Identifier: Apache-2.0

internal import CDatapathABI
internal import KernelBPF
internal import Synchronization
internal import WireTypes

/// One worker's part of the hello templates: slots handed out in turn, overwritten when the ring
/// comes round. No system call.
public struct TemplateRing: Sendable {
    private let datapath: KernelDatapath
    private let slots: Range<Int>
    private var next: Int
    private var stamp: UInt32

    private static let stampOffset = 0
    private static let lengthOffset = 4
    private static let sumOffset = 8
    private static let payloadOffset = 16

    /// The part of `worker`. `seed` begins the stamps: any number that differs from run to run.
    public init(_ datapath: KernelDatapath, worker: Int, seed: UInt32) {
        self.datapath = datapath
        let share = (datapath.templates.count - Int(TEMPLATES_OWN)) / datapath.options.workers
        slots = worker * share..<(worker + 1) * share
        next = slots.lowerBound
        stamp = seed & ~1
    }

    /// The most bytes that one hello can have in the templates.
    public static func limit(segmentSize: Int) -> Int {
        min(segmentSize, Int(TEMPLATE_PAYLOAD_MAX)) * Int(TEMPLATE_SEGMENTS_MAX)
    }

    /// Stores the first bytes of `hello` cut in segments of at most `segmentSize`; what goes beyond
    /// the largest template is left to the client's repetition.
    public mutating func store(_ hello: Span<UInt8>, segmentSize: Int) -> TemplateReference {
        let size = min(segmentSize, Int(TEMPLATE_PAYLOAD_MAX))
        var reference = TemplateReference()
        guard size > 0, !hello.isEmpty else { return reference }
        let length = min(hello.count, Self.limit(segmentSize: segmentSize))
        let segments = (length + size - 1) / size
        if next + segments > slots.upperBound { next = slots.lowerBound }
        reference.slot = UInt32(next)
        reference.stamp = stamp &+ 2
        reference.segments = UInt16(segments)
        reference.length = UInt32(length)
        for index in 0..<segments {
            let start = index * size
            let part = hello.extracting(start..<min(start + size, length))
            stamp &+= 2
            write(part, to: next, stamp: stamp)
            next += 1
        }
        return reference
    }

    /// The first bytes of what is stored there; nil when it was overwritten since.
    public func read(_ reference: TemplateReference, count: Int) -> [UInt8]? {
        var bytes: [UInt8] = []
        for segment in 0..<Int(reference.segments) where bytes.count < count {
            let stamp = reference.stamp &+ 2 * UInt32(segment)
            guard let part = read(Int(reference.slot) + segment, stamp: stamp) else { return nil }
            bytes = bytes.isEmpty ? part : bytes + part
        }
        guard count > 0, bytes.count >= count else { return nil }
        bytes.removeLast(bytes.count - count)
        return bytes
    }

    private func read(_ slot: Int, stamp: UInt32) -> [UInt8]? {
        guard slot < datapath.templates.count else { return nil }
        return datapath.templates.withElement(slot) { element in
            // Offsets are those of hello_template, asserted in datapath_abi.c.
            let before = unsafe element.bytes.unsafeLoad(
                fromByteOffset: Self.stampOffset, as: UInt32.self)
            guard before == stamp else { return nil }
            atomicMemoryFence(ordering: .sequentiallyConsistent)
            let length = unsafe element.bytes.unsafeLoad(
                fromByteOffset: Self.lengthOffset, as: UInt32.self)
            let end = Self.payloadOffset + Int(min(length, TEMPLATE_PAYLOAD_MAX))
            // Inside the element: the length is bounded by its payload's size.
            let payload = unsafe element.withUnsafeMutableBytes { bytes in
                unsafe [UInt8](bytes[Self.payloadOffset..<end])
            }
            // Another worker may have begun to overwrite it meanwhile.
            atomicMemoryFence(ordering: .sequentiallyConsistent)
            let after = unsafe element.bytes.unsafeLoad(
                fromByteOffset: Self.stampOffset, as: UInt32.self)
            return after == before ? payload : nil
        }
    }

    private func write(_ part: Span<UInt8>, to slot: Int, stamp: UInt32) {
        var sum = InternetChecksum()
        sum.add(words: part)
        // The kernel sums 16-bit words as they lie in memory.
        let folded = UInt32(sum.folded.bigEndian)
        datapath.templates.withElement(slot) { element in
            // Offsets are those of hello_template, asserted in datapath_abi.c.
            element.storeBytes(of: stamp | 1, toByteOffset: Self.stampOffset, as: UInt32.self)
            atomicMemoryFence(ordering: .sequentiallyConsistent)
            element.storeBytes(
                of: UInt32(part.count), toByteOffset: Self.lengthOffset, as: UInt32.self)
            element.storeBytes(of: folded, toByteOffset: Self.sumOffset, as: UInt32.self)
            // Both regions are bounded: part.count <= TEMPLATE_PAYLOAD_MAX.
            unsafe element.withUnsafeMutableBytes { target in
                unsafe part.withUnsafeBytes { source in
                    unsafe UnsafeMutableRawBufferPointer(rebasing: target[Self.payloadOffset...])
                        .copyMemory(from: source)
                }
            }
            atomicMemoryFence(ordering: .sequentiallyConsistent)
            element.storeBytes(of: stamp, toByteOffset: Self.stampOffset, as: UInt32.self)
        }
    }
}
