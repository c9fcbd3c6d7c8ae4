// SPDX-License-Identifier: Apache-2.0

package import KernelBPF

/// The programs by name, for tests.
package enum DatapathProgram: String, CaseIterable, Sendable {
    case flowsEthernet
    case flowsRaw
    case handshakeEthernet
    case handshakeRaw
    case egressEthernet
    case egressRaw
}

extension KernelDatapath {
    /// Runs a program on a packet.
    package func run(
        _ program: DatapathProgram, on packet: [UInt8], in context: TestRunContext
    ) throws(BPFError) -> TestRunResult {
        switch program {
        case .flowsEthernet: try programs(for: .ethernet).flows.run(on: packet, in: context)
        case .flowsRaw: try programs(for: .raw).flows.run(on: packet, in: context)
        case .handshakeEthernet: try programs(for: .ethernet).handshake.run(on: packet, in: context)
        case .handshakeRaw: try programs(for: .raw).handshake.run(on: packet, in: context)
        case .egressEthernet: try programs(for: .ethernet).egress.run(on: packet, in: context)
        case .egressRaw: try programs(for: .raw).egress.run(on: packet, in: context)
        }
    }

    /// Attaches the handshake program to the ingress of an interface until the link goes.
    package func attachHandshake(to interface: UInt32) throws(BPFError) -> TCXLink {
        try TCXLink(attaching: programs(for: .ethernet).handshake, to: interface, .ingress)
    }
}
