// SPDX-License-Identifier: Apache-2.0

package import Datapath
package import KernelBPF

extension TestBench {
    /// Runs a program on a packet that came in on `interface`.
    package func run(_ program: DatapathProgram, on packet: TestPacket) throws -> TestRunResult {
        try run(program, on: packet.bytes)
    }

    /// Runs a program on bytes that came in on `interface`.
    package func run(
        _ program: DatapathProgram, on bytes: [UInt8],
        _ adjust: (inout TestRunContext) -> Void = { _ in }
    ) throws -> TestRunResult {
        var context = TestRunContext()
        context.interface = interface
        context.ingressInterface = interface
        adjust(&context)
        return try datapath.run(program, on: bytes, in: context)
    }
}

/// What the programs return.
package enum TCVerdict {
    /// To the next program or the stack.
    package static let pass: Int32 = -1
    /// TC_ACT_SHOT.
    package static let drop: Int32 = 2
    /// TC_ACT_REDIRECT.
    package static let redirect: Int32 = 7
}
