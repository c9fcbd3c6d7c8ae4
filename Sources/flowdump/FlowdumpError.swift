// SPDX-License-Identifier: Apache-2.0

/// What flowdump could not do, in a sentence for the person who typed the command.
struct FlowdumpError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
