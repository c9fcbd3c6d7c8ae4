// SPDX-License-Identifier: Apache-2.0

internal import CLibBPF
internal import Glibc
internal import Synchronization

/// A BPF ring buffer (Linux 5.8) and its one consumer.
///
/// The kernel maps a page with our position, then a page with the producers', then the data twice
/// in a row, so that a record that wraps still lies in one piece.
@safe public struct RingBuffer: ~Copyable, @unchecked Sendable {
    // Guard of the unchecked Sendable: one thread at a time consumes, its owner sees to that.
    private let descriptor: FileDescriptor
    private let consumer: UnsafeMutablePointer<UInt>
    private let producer: UnsafeMutablePointer<UInt>
    private let data: UnsafeMutableRawPointer
    private let size: Int
    private let page: Int

    private static let busy: UInt32 = 1 << 31
    private static let discarded: UInt32 = 1 << 30
    private static let headerSize = 8

    /// Creates a ring of `size` bytes, a power of two and a multiple of the page size.
    public init(name: String, size: Int) throws(BPFError) {
        let number = unsafe bpf_map_create(
            BPF_MAP_TYPE_RINGBUF, name, 0, 0, UInt32(size), nil)
        guard number >= 0 else { throw BPFError("cannot create ring \(name)", errno: -number) }
        let owned = FileDescriptor(owning: number)
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        // Mapped until deinit; the first page is ours to write, the others the kernel's.
        let consumerPage = unsafe mmap(
            nil, page, PROT_READ | PROT_WRITE, MAP_SHARED, number, 0)
        let rest = unsafe mmap(nil, page + 2 * size, PROT_READ, MAP_SHARED, number, page)
        guard let consumerPage = unsafe consumerPage, let rest = unsafe rest,
            unsafe consumerPage != MAP_FAILED, unsafe rest != MAP_FAILED
        else { throw BPFError("cannot map ring \(name)", errno: Glibc.errno) }
        descriptor = owned
        self.page = page
        self.size = size
        unsafe consumer = consumerPage.assumingMemoryBound(to: UInt.self)
        unsafe producer = rest.assumingMemoryBound(to: UInt.self)
        unsafe data = rest + page
    }

    deinit {
        unsafe munmap(consumer, page)
        unsafe munmap(producer, page + 2 * size)
    }

    /// The descriptor: readable when a record came that wakes.
    public var number: Int32 { descriptor.number }

    /// Hands every record that is ready to `body` and frees it; how many there were. `body` drains
    /// other rings only.
    public func drain(_ body: (RawSpan) -> Void) -> Int {
        var count = 0
        var position = unsafe consumer.pointee
        // What comes after this is for the next call: under a flood nobody would get a word in.
        let end = unsafe UnsafePointer(producer).pointee
        atomicMemoryFence(ordering: .acquiring)
        // Positions and lengths are published by the kernel with release; x86 and arm64 loads here
        // are ordered by the fence.
        while position < end {
            let offset = Int(position & UInt(size - 1))
            let header = unsafe data.load(fromByteOffset: offset, as: UInt32.self)
            atomicMemoryFence(ordering: .acquiring)
            guard header & Self.busy == 0 else { return count }
            let length = Int(header & ~(Self.busy | Self.discarded))
            if header & Self.discarded == 0 {
                // Inside the double mapping: offset + header + length < 2 * size.
                let bytes = unsafe UnsafeRawBufferPointer(
                    start: data + offset + Self.headerSize, count: length)
                unsafe body(bytes.bytes)
                count += 1
            }
            position += UInt((length + Self.headerSize + 7) & ~7)
            atomicMemoryFence(ordering: .releasing)
            unsafe consumer.pointee = position
        }
        return count
    }

    /// Whether a record waits to be read.
    public var hasRecords: Bool { unsafe consumer.pointee < producer.pointee }
}
