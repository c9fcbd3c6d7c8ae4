// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation

/// One sentence on standard error, if there is one.
func printError(_ message: String) {
    try? FileHandle.standardError.write(contentsOf: Data((message + "\n").utf8))
}

/// Why something is not done, in a sentence.
struct Refusal: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// Says why and ends with a code: 1 something failed, 2 the user's input is wrong.
func failure(_ message: String, code: Int32 = 1) -> ExitCode {
    printError("sluice: \(message)")
    return ExitCode(code)
}
