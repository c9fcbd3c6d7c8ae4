// SPDX-License-Identifier: Apache-2.0

internal import CLibBPF
internal import Glibc

/// An array map made with BPF_F_MMAPABLE, written without system calls.
@safe public struct MappedArray: ~Copyable, @unchecked Sendable {
    // Guard of the unchecked Sendable: owners of different elements do not meet; who shares an
    // element with the kernel orders accesses by its stamp.
    private let base: UnsafeMutableRawPointer
    private let length: Int
    private let descriptor: FileDescriptor
    /// Bytes from one element to the next.
    public let stride: Int
    /// How many elements.
    public let count: Int

    /// Maps the array behind `descriptor` whole.
    public init(name: String, owning descriptor: consuming FileDescriptor) throws(BPFError) {
        let sizes = try mapSizes(descriptor.number, name)
        let stride = (sizes.value + 7) & ~7
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let length = (stride * sizes.capacity + page - 1) / page * page
        // Mapped until deinit.
        let base = unsafe mmap(
            nil, length, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor.number, 0)
        guard let base = unsafe base, unsafe base != MAP_FAILED else {
            throw BPFError("cannot map array \(name)", errno: Glibc.errno)
        }
        self.stride = stride
        self.length = length
        count = sizes.capacity
        unsafe self.base = base
        self.descriptor = descriptor
    }

    deinit { unsafe munmap(base, length) }

    /// Moves the 32-bit word at `offset` of an element, which the kernel moves as well, from `value`
    /// to the next one. False: it is another by now.
    public borrowing func step(_ index: Int, at offset: Int, from value: UInt32) -> Bool {
        precondition(index >= 0 && index < count && offset >= 0 && offset + 4 <= stride)
        // Inside the mapping; the element and the offset are aligned.
        let word = unsafe (base + index * stride + offset).assumingMemoryBound(to: UInt32.self)
        return unsafe sluice_step(word, value)
    }

    /// Lets `body` write element `index`. The memory is shared with the kernel.
    public borrowing func withElement<Result>(
        _ index: Int, _ body: (inout MutableRawSpan) -> Result
    ) -> Result {
        precondition(index >= 0 && index < count)
        // Inside the mapping, which lives as long as self.
        let element = unsafe UnsafeMutableRawBufferPointer(
            start: base + index * stride, count: stride)
        var span = unsafe element.mutableBytes
        return body(&span)
    }
}
