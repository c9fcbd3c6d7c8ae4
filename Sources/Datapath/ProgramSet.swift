// SPDX-License-Identifier: Apache-2.0

internal import KernelBPF

/// What kind of header stands in front of IP on a device.
public enum LinkKind: String, Sendable, CaseIterable {
    /// An Ethernet header of 14 bytes.
    case ethernet
    /// None: tun, WireGuard.
    case raw
}

/// The three programs for one kind of link. Verifying a set takes the kernel most of a second, so
/// only the kinds that are there are loaded.
final class ProgramSet: Sendable {
    let flows: BPFProgram
    let handshake: BPFProgram
    let egress: BPFProgram

    private static let names = ["flows", "handshake", "egress"]

    /// Leaves the programs of `kind` out of `object`.
    static func omit(_ kind: LinkKind, from object: borrowing BPFObject) throws(BPFError) {
        for name in names { try object.omit(program: "\(name)_\(kind.rawValue)") }
    }

    /// The loaded programs of `kind`.
    init(_ kind: LinkKind, of object: borrowing BPFObject) throws(BPFError) {
        flows = try object.program("flows_\(kind.rawValue)")
        handshake = try object.program("handshake_\(kind.rawValue)")
        egress = try object.program("egress_\(kind.rawValue)")
    }
}
