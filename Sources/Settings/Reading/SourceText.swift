// SPDX-License-Identifier: Apache-2.0

internal import Yams

/// The text of a file, addressed as YAML counts: lines, and Unicode scalars in them.
struct SourceText {
    private var scalars: [UnicodeScalar]

    init(_ text: String) {
        scalars = Array(text.unicodeScalars)
        if scalars.first == "\u{feff}" { scalars.removeFirst() }
    }

    var text: String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }

    /// Puts a private-use character for the first one of the key there; `number` makes it unique.
    /// False when the key has none to spare: it is empty, or begins with an escape, anchor or tag.
    mutating func rename(at position: Position, number: Int) -> Bool {
        guard var index = index(of: position), let mark = UnicodeScalar(0xe000 + UInt32(number))
        else { return false }
        let isQuoted = ["\"", "'"].contains(scalars[index])
        if isQuoted { index += 1 }
        let special: [UnicodeScalar] =
            isQuoted ? ["\"", "'", "\\", "\n", "\r"] : ["&", "!", "*", "?", ":", "[", "{"]
        guard index < scalars.count, !special.contains(scalars[index]) else { return false }
        scalars[index] = mark
        return true
    }

    /// Where the problem is and what to do about it.
    func explain(_ error: YamlError) -> (Position?, String) {
        switch error {
        case .composer(context: .some, problem: _, let mark, yaml: _):
            return (Position(mark), "YAML syntax: a second document begins here; write one")
        case .scanner(let context, let problem, let mark, _),
            .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            // LibYAML sees a line break behind a last line that has none.
            let end = Position(after: text)
            let position = min(Position(mark), end)
            let place = context.map {
                " \($0.text) that begins in line \(min($0.mark.line, end.line))"
            }
            return (position, "YAML syntax: \(problem)\(place ?? "")\(hint(position.line))")
        case .reader(let problem, let offset, _, let text):
            return (Position(after: text.prefix(offset ?? 0)), "YAML syntax: \(problem)")
        case .duplicatedKeysInMapping(let names, let context):
            let name = quoted(names.first ?? "")
            return (Position(context.mark), "key \(name) is repeated below; write it once")
        default:
            return (nil, "YAML syntax: \(error)")
        }
    }

    /// What people most often forget in a line like this.
    private func hint(_ number: Int) -> String {
        guard let start = index(of: Position(line: number, column: 1)) else { return "" }
        let end = scalars[start...].firstIndex(of: "\n") ?? scalars.count
        var line = String.UnicodeScalarView()
        line.append(contentsOf: scalars[start..<end])
        let text = String(line)
        if text.contains("\t") { return "; indent with spaces, not tabs" }
        if text.contains("]:"), text.contains("[") {
            return "; put quotes around IPv6 addresses, for example \"[2001:db8::1]:443\""
        }
        if text.contains("\\"), text.contains("\"") {
            return "; put regular expressions between single quotes, as in '~kafka(\\d+)'"
        }
        if text.contains("*") {
            return "; put quotes around text that begins with a star, as in \"*.example.com\""
        }
        return ""
    }

    private func index(of position: Position) -> Int? {
        var line = 1
        var index = 0
        while line < position.line {
            guard index < scalars.count else { return nil }
            // CR LF is one break; the others are YAML 1.1's (§5.4).
            let isBreak = ["\n", "\r", "\u{85}", "\u{2028}", "\u{2029}"].contains(scalars[index])
            let isHalf =
                scalars[index] == "\r" && index + 1 < scalars.count
                && scalars[index + 1] == "\n"
            if isBreak, !isHalf { line += 1 }
            index += 1
        }
        index += position.column - 1
        return index < scalars.count ? index : nil
    }
}
