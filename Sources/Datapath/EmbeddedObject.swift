// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// A BPF object file that is part of the executable; the build makes one member a `bpf/*.bpf.c`.
struct EmbeddedObject: Sendable {
    let name: String
    let base64: StaticString

    /// The object file.
    var bytes: [UInt8] {
        Array(Data(base64Encoded: base64.description) ?? Data())
    }
}
