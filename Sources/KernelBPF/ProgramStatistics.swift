// SPDX-License-Identifier: Apache-2.0

internal import CLibBPF
internal import Glibc

/// How often a loaded program ran and how long, as the kernel counts it.
public struct ProgramStatistics: Sendable, Equatable {
    /// Its name as the kernel has it: the first 15 bytes.
    public var name: String
    /// How often it ran while statistics were on.
    public var runs: UInt64
    /// How long these took together.
    public var nanoseconds: UInt64

    /// Of a program of that name.
    public init(name: String, runs: UInt64, nanoseconds: UInt64) {
        self.name = name
        self.runs = runs
        self.nanoseconds = nanoseconds
    }

    /// Whether the kernel counts at present: `sysctl kernel.bpf_stats_enabled`. It costs each run of
    /// each program some 20 ns, so it is off as a rule.
    public static var areOn: Bool {
        let descriptor = unsafe open("/proc/sys/kernel/bpf_stats_enabled", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var byte: UInt8 = 0
        // One byte into the local.
        return unsafe read(descriptor, &byte, 1) == 1 && byte == UInt8(ascii: "1")
    }

    /// Of every loaded program that uses one of the maps with these numbers. CAP_SYS_ADMIN.
    public static func programs(using maps: Set<UInt32>) throws(BPFError) -> [ProgramStatistics] {
        var found: [ProgramStatistics] = []
        var id: UInt32 = 0
        while true {
            var next: UInt32 = 0
            let result = unsafe bpf_prog_get_next_id(id, &next)
            if result == -ENOENT { return found }
            try check(result, "cannot list the loaded programs")
            id = next
            let number = bpf_prog_get_fd_by_id(id)
            // It went meanwhile.
            if number == -ENOENT { continue }
            try check(number, "cannot open program \(id)")
            let descriptor = FileDescriptor(owning: number)
            if let program = try statistics(of: descriptor, maps) { found.append(program) }
        }
    }

    /// Nil where it uses none of the maps.
    private static func statistics(
        of descriptor: borrowing FileDescriptor, _ maps: Set<UInt32>
    ) throws(BPFError) -> ProgramStatistics? {
        var ids = [UInt32](repeating: 0, count: 64)
        var details = bpf_prog_info()
        var length = UInt32(MemoryLayout<bpf_prog_info>.size)
        // The kernel writes at most `length` bytes into the local, and 64 ids into the array, which
        // the closure keeps in place.
        let result = unsafe ids.withUnsafeMutableBufferPointer { room in
            details.nr_map_ids = UInt32(room.count)
            details.map_ids = UInt64(UInt(bitPattern: room.baseAddress))
            return unsafe bpf_obj_get_info_by_fd(descriptor.number, &details, &length)
        }
        try check(result, "cannot ask for what a program did")
        let used = ids.prefix(Int(min(details.nr_map_ids, UInt32(ids.count))))
        guard used.contains(where: maps.contains) else { return nil }
        // The name ends with a zero, the kernel sees to it.
        let name = unsafe withUnsafeBytes(of: details.name) { bytes in
            unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        return ProgramStatistics(
            name: name, runs: details.run_cnt, nanoseconds: details.run_time_ns)
    }
}
