// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// Lines of a file that the configuration names: one item a line, `#` begins a comment.
///
/// Made for a million of them: goes over the bytes once, and skips lines without content.
struct ListedLines: Sequence, IteratorProtocol {
    private let bytes: [UInt8]
    private var start = 0
    private var number = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
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

    /// - Parameter found: What stands there in place of what is accepted.
    init(line: Int, _ predicate: String, found: String = "") {
        self.line = line
        let isQuoted = found.hasPrefix("\"") || found.hasPrefix("'")
        self.predicate = predicate + (isQuoted ? "; no quotes are written in such a file" : "")
    }

    /// What a value of that form may be, which in YAML needs quotes.
    static func accepted<Value>(_ form: Form<Value>) -> String {
        form.accepted.replacing("\"", with: "")
    }
}

extension ConfigurationReader {
    /// The UTF-8 text of a file that this one names, relative to its own place; nil, and reported, when
    /// it cannot be read. `entry` names it.
    func text(named path: String, _ entry: Entry) -> [UInt8]? {
        let folder = URL(fileURLWithPath: document.fileName).deletingLastPathComponent()
        let url = URL(fileURLWithPath: path, relativeTo: folder)
        note(file: url.path)
        let file = "\(quoted(entry.name)) is \(quoted(path)), which"
        do {
            let bytes = [UInt8](try Data(contentsOf: url))
            if (try? UTF8Span(validating: bytes.span)) != nil { return bytes }
            report(entry.valuePosition, "\(file) is not UTF-8 text; save it as UTF-8")
        } catch {
            let hint = path.hasPrefix("/") ? "" : " (its place is relative to this file)"
            report(
                entry.valuePosition,
                "\(file) cannot be read: \(Configuration.reason(error, url.path))\(hint)")
        }
        return nil
    }

    /// Says that there is nothing in the file at `path`, which `entry` names.
    func reportEmpty(_ path: String, _ entry: Entry) {
        report(
            entry.valuePosition,
            "\(quoted(entry.name)) is \(quoted(path)), which is empty; write a line, or leave "
                + "\(quoted(entry.name)) out")
    }

    /// Says which line of the file at `path`, which `entry` names, is wrong and why.
    func report(_ fault: ListedFault, in path: String, _ entry: Entry) {
        report(entry.valuePosition, "line \(fault.line) of \(quoted(path)) \(fault.predicate)")
    }
}
