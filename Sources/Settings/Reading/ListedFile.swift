// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// Lines of a file that the configuration names: one item a line, `#` begins a comment.
///
/// Made for a million of them: goes over the bytes once, and skips lines without content.
struct ListedLines: Sequence, IteratorProtocol {
    private let bytes: [UInt8]
    private var start = 0
    private var number = 0

    init(_ data: Data) {
        bytes = [UInt8](data)
        // The mark of UTF-8 that some editors write.
        if bytes.starts(with: [0xef, 0xbb, 0xbf]) { start = 3 }
    }

    /// The next line with content: its number, from 1, and what is left without comment and the
    /// blanks around it.
    mutating func next() -> (number: Int, content: ArraySlice<UInt8>)? {
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
            let content = Self.content(bytes[start..<end])
            start = end + 1
            number += 1
            if !content.isEmpty { return (number, content) }
        }
        return nil
    }

    private static func content(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var line = line
        if let comment = line.firstIndex(of: UInt8(ascii: "#")) { line = line[..<comment] }
        line = line.drop(while: isBlank)
        while let last = line.last, isBlank(last) { line.removeLast() }
        return line
    }

    /// Whether `byte` stands between the words of a line, or at its end.
    static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
    }
}

/// A line of such a file that is wrong.
struct ListedFault: Error {
    let line: Int
    /// How the sentence goes on that begins with the line.
    let predicate: String
}

extension ConfigurationReader {
    /// What is in a file that this one names, relative to its own place; nil, and reported, when it
    /// cannot be read. `entry` names it.
    func data(named path: String, _ entry: Entry) -> Data? {
        let folder = URL(fileURLWithPath: document.fileName).deletingLastPathComponent()
        let url = URL(fileURLWithPath: path, relativeTo: folder)
        note(file: url.path)
        if let data = try? Data(contentsOf: url) { return data }
        report(
            entry.valuePosition,
            "\(quoted(entry.name)) is \(quoted(path)), which cannot be read; its place is meant "
                + "relative to this file")
        return nil
    }

    /// Says which line of the file at `path`, which `entry` names, is wrong and why.
    func report(_ fault: ListedFault, in path: String, _ entry: Entry) {
        report(entry.valuePosition, "line \(fault.line) of \(quoted(path)) \(fault.predicate)")
    }
}
