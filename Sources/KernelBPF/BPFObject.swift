// SPDX-License-Identifier: Apache-2.0

internal import CLibBPF
internal import Glibc

/// A BPF object file: opened from memory, adjusted, loaded into the kernel.
@safe public struct BPFObject: ~Copyable {
    private let object: OpaquePointer
    private let log: UnsafeMutableBufferPointer<CChar>
    private static let logSize = 1 << 20

    /// Opens the object in `bytes`; nothing is in the kernel yet.
    public init(_ bytes: Span<UInt8>, name: String) throws(BPFError) {
        sluice_capture_warnings()
        // The log is owned by this value and freed after the object, which writes to it.
        let log = UnsafeMutableBufferPointer<CChar>.allocate(capacity: Self.logSize)
        unsafe log.initialize(repeating: 0)
        // libbpf copies the bytes before it returns.
        let object = unsafe bytes.withUnsafeBytes { bytes in
            unsafe sluice_object_open(bytes.baseAddress, bytes.count, log.baseAddress, log.count)
        }
        guard let object = unsafe object else {
            let number = Glibc.errno
            unsafe log.deallocate()
            throw BPFError("cannot open BPF object \(name)", errno: number)
        }
        unsafe self.object = object
        unsafe self.log = log
    }

    deinit {
        unsafe bpf_object__close(object)
        unsafe log.deallocate()
    }

    /// Sets a `const volatile` global; before `load()`.
    public borrowing func set<Value: BitwiseCopyable>(constant name: String, to value: Value)
        throws(BPFError)
    {
        var value = value
        // libbpf copies the local's bytes.
        let result = unsafe sluice_object_set_constant(
            object, name, &value, MemoryLayout<Value>.size)
        try check(result, "cannot set \(name) in the BPF object")
    }

    /// Sets a map's size; before `load()`.
    public borrowing func set(capacity: Int, ofMap name: String) throws(BPFError) {
        let map = try unsafe find(map: name)
        try check(
            unsafe bpf_map__set_max_entries(map, UInt32(capacity)),
            "cannot give map \(name) \(capacity) entries")
    }

    /// Pins a map at `path` when loaded, or takes the map that is pinned there already.
    public borrowing func set(pinPath path: String, ofMap name: String) throws(BPFError) {
        let map = try unsafe find(map: name)
        if let sizes = try? pinnedMapSizes(path) {
            try check(
                unsafe bpf_map__set_max_entries(map, UInt32(sizes.capacity)),
                "cannot reuse map \(name)")
        }
        try check(unsafe bpf_map__set_pin_path(map, path), "cannot pin map \(name) at \(path)")
    }

    /// Leaves a program out of `load()`.
    public borrowing func omit(program name: String) throws(BPFError) {
        guard let program = unsafe bpf_object__find_program_by_name(object, name) else {
            throw BPFError("the BPF object has no program \(name)", errno: ENOENT)
        }
        try check(
            unsafe bpf_program__set_autoload(program, false), "cannot leave out \(name)")
    }

    /// Loads maps and programs. On a refusal the error holds the verifier's last telling lines.
    public borrowing func load() throws(BPFError) {
        sluice_capture_warnings()
        let result = unsafe bpf_object__load(object)
        guard result < 0 else { return }
        throw BPFError(
            "cannot load the BPF object into the kernel", errno: -result, detail: failureDetail())
    }

    /// A descriptor of a loaded map, independent of the object's life.
    public borrowing func map(_ name: String) throws(BPFError) -> FileDescriptor {
        let map = try unsafe find(map: name)
        return try duplicate(unsafe bpf_map__fd(map), "map \(name)")
    }

    /// A descriptor of a loaded program, independent of the object's life.
    public borrowing func program(_ name: String) throws(BPFError) -> BPFProgram {
        guard let program = unsafe bpf_object__find_program_by_name(object, name) else {
            throw BPFError("the BPF object has no program \(name)", errno: ENOENT)
        }
        let descriptor = try duplicate(unsafe bpf_program__fd(program), "program \(name)")
        return BPFProgram(name: name, descriptor: descriptor)
    }

    private borrowing func find(map name: String) throws(BPFError) -> OpaquePointer {
        guard let map = unsafe bpf_object__find_map_by_name(object, name) else {
            throw BPFError("the BPF object has no map \(name)", errno: ENOENT)
        }
        return unsafe map
    }

    private borrowing func duplicate(_ number: Int32, _ what: String) throws(BPFError)
        -> FileDescriptor
    {
        let copy = fcntl(number, F_DUPFD_CLOEXEC, 3)
        guard copy >= 0 else { throw BPFError("cannot keep \(what)", errno: Glibc.errno) }
        return FileDescriptor(owning: copy)
    }

    /// The last lines of the verifier's log, or libbpf's last warning.
    private borrowing func failureDetail() -> String {
        // Zero terminated: libbpf never fills the last byte.
        guard let start = unsafe log.baseAddress else { return "" }
        let log = unsafe String(cString: start)
        let lines = log.split(separator: "\n").suffix(12)
        if lines.isEmpty {
            let warning = unsafe String(cString: sluice_last_warning())
            return warning.split(separator: "\n").joined(separator: " ")
        }
        // Without it pointers may not be compared or copied in part, as every parser does.
        let advice =
            sluice_may_inspect_kernel() == 0
            ? "CAP_PERFMON is missing, without which the verifier refuses sound programs too." : ""
        return lines.reduce(advice + "\nThe verifier's last lines:") { $0 + "\n    \($1)" }
    }
}

/// A loaded program.
public struct BPFProgram: ~Copyable, Sendable {
    /// Its name in the object.
    public let name: String
    let descriptor: FileDescriptor

    init(name: String, descriptor: consuming FileDescriptor) {
        self.name = name
        self.descriptor = descriptor
    }

    /// The program that is pinned at `path`.
    public init(name: String, pinnedAt path: String) throws(BPFError) {
        let descriptor = try openPin(path)
        self.init(name: name, descriptor: descriptor)
    }

    /// Pins the program; a pin that is there already is replaced.
    public borrowing func pin(at path: String) throws(BPFError) {
        unsafe unlink(path)
        let result = unsafe bpf_obj_pin(descriptor.number, path)
        guard result == 0 else { throw BPFError("cannot pin \(path)", errno: Glibc.errno) }
    }
}

/// How many entries the map that is pinned at `path` has room for.
public func capacity(ofMapPinnedAt path: String) throws(BPFError) -> Int {
    try pinnedMapSizes(path).capacity
}

private func pinnedMapSizes(_ path: String) throws(BPFError) -> (
    key: Int, value: Int, capacity: Int
) {
    let map = try openPin(path)
    return try mapSizes(map.number, path)
}

/// Opens what is pinned at `path`.
public func openPin(_ path: String) throws(BPFError) -> FileDescriptor {
    let number = unsafe bpf_obj_get(path)
    guard number >= 0 else { throw BPFError("cannot open \(path)", errno: Glibc.errno) }
    return FileDescriptor(owning: number)
}
