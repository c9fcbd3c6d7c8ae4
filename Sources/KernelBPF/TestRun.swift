// SPDX-License-Identifier: Apache-2.0

internal import CLibBPF
internal import Glibc

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
    /// Runs the program on `packet` as if it came in on the interface with index `interface`.
    public borrowing func run(on packet: [UInt8], interface: UInt32 = 1, repeat count: UInt32 = 1)
        throws(BPFError) -> TestRunResult
    {
        var skb = unsafe __sk_buff()
        unsafe skb.ifindex = interface
        var out = [UInt8](repeating: 0, count: packet.count + 8192)
        var outSize = UInt32(out.count)
        var duration: UInt32 = 0
        // All arrays and locals outlive the call; the kernel writes at most outSize bytes.
        let verdict = unsafe sluice_test_run(
            descriptor.number, packet, UInt32(packet.count), &out, &outSize, &skb,
            UInt32(MemoryLayout<__sk_buff>.size), count, &duration)
        guard verdict >= -1 else { throw BPFError("cannot run \(name)", errno: -verdict) }
        return TestRunResult(
            verdict: verdict, packet: Array(out.prefix(Int(outSize))), nanoseconds: duration)
    }
}
