// SPDX-License-Identifier: Apache-2.0

internal import CLibBPF
internal import Glibc

/// How BPF_PROG_TEST_RUN presents a packet to a program.
public struct TestRunContext: Sendable {
    /// Index of the interface it is on.
    public var interface: UInt32 = 1
    /// Index of the interface it came in on; 0: the host made it.
    public var ingressInterface: UInt32 = 0
    /// Segments of a super-packet, 0 = not one.
    public var segments: UInt32 = 0
    /// Payload bytes of each of its segments.
    public var segmentSize: UInt32 = 0
    /// SO_PRIORITY of the socket that sent it.
    public var priority: UInt32 = 0
    /// How often the program runs on the same packet, as the run before left it.
    public var repetitions: UInt32 = 1
    /// Whether the kernel gives the packet a whole-packet sum (CHECKSUM_COMPLETE), and reports
    /// EBADMSG when the program does not keep it right. Kernel 6.18.
    public var verifiesChecksum = false

    /// One run on the loopback.
    public init() {}
}

/// What a program did with a packet in BPF_PROG_TEST_RUN.
public struct TestRunResult: Sendable {
    /// The program's return value.
    public let verdict: Int32
    /// The packet afterwards.
    public let packet: [UInt8]
    /// Average nanoseconds a run.
    public let nanoseconds: UInt32
}

extension BPFProgram {
    /// Runs a program of the type `syscall` (Linux 5.14) with `context`. One system call.
    ///
    /// - Returns: What the program made of it.
    @discardableResult
    public borrowing func run<Context: BitwiseCopyable>(
        with context: Context
    ) throws(BPFError) -> Context {
        var context = context
        // The local outlives the call; the kernel copies it in and back out.
        let result = unsafe sluice_run(
            descriptor.number, &context, UInt32(MemoryLayout<Context>.size))
        try check(result, "cannot run \(name)")
        return context
    }

    /// BPF_F_TEST_SKB_CHECKSUM_COMPLETE, which older headers lack.
    private static var checksumComplete: UInt32 { 1 << 2 }

    /// Runs the program on `packet`, which begins with an Ethernet header as the kernel sees it.
    public borrowing func run(
        on packet: [UInt8], in context: TestRunContext = TestRunContext()
    ) throws(BPFError) -> TestRunResult {
        var test = sluice_test_context(
            ifindex: context.interface, ingress_ifindex: context.ingressInterface,
            gso_segs: context.segments, gso_size: context.segmentSize,
            priority: context.priority,
            repeat: context.repetitions,
            flags: context.verifiesChecksum ? Self.checksumComplete : 0)
        var outcome = sluice_test_outcome()
        // What the program adds is less than a page.
        var out = [UInt8](repeating: 0, count: packet.count + 8192)
        var outSize = UInt32(out.count)
        // All arrays and locals outlive the call; the kernel writes at most outSize bytes.
        let result = unsafe sluice_test_run(
            descriptor.number, packet, UInt32(packet.count), &out, &outSize, &test, &outcome)
        try check(result, "cannot run \(name)")
        return TestRunResult(
            verdict: outcome.verdict, packet: Array(out.prefix(Int(outSize))),
            nanoseconds: outcome.duration_ns)
    }
}
