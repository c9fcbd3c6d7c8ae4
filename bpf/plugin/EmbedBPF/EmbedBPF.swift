// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Compiles one BPF program and writes it as Swift text: `EmbedBPF CLANG OBJECT SWIFT NAME FLAG…`.
///
/// The text is base64 in a `StaticString`: the Swift compiler takes milliseconds over a string
/// and minutes over an array literal of the same size.
@main
struct EmbedBPF {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count > 5 else {
            fail("usage: EmbedBPF CLANG OBJECT SWIFT NAME FLAG...")
        }
        let object = URL(fileURLWithPath: arguments[2])
        let clang = Process()
        clang.executableURL = URL(fileURLWithPath: arguments[1])
        clang.arguments = Array(arguments[5...]) + ["-o", object.path]
        try clang.run()
        clang.waitUntilExit()
        guard clang.terminationStatus == 0 else {
            fail("\(arguments[1]) failed with status \(clang.terminationStatus)")
        }
        let text = try Data(contentsOf: object).base64EncodedString()
        let source = """
            // Made by EmbedBPF from \(arguments[4]).bpf.c.

            extension EmbeddedObject {
                static let \(arguments[4]) = EmbeddedObject(name: "\(arguments[4])", base64: "\(text)")
            }

            """
        try source.write(
            to: URL(fileURLWithPath: arguments[3]), atomically: true, encoding: .utf8)
    }

    static func fail(_ message: String) -> Never {
        FileHandle.standardError.write(Data("error: \(message)\n".utf8))
        exit(1)
    }
}
