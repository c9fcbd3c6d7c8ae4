// SPDX-License-Identifier: Apache-2.0

/// A ClientHello in its record as fields (RFC 8446 §4.1.2), from which lies are told.
struct HelloDraft {
    /// Every length in it; `before` is the first extension's.
    enum Length: CaseIterable {
        case record, message, session, suites, methods, extensions, before, server, list, name
    }

    var minorVersion: UInt8 = 1
    var random: [UInt8] = []
    var session: [UInt8] = []
    var suites: [UInt8] = [0x13, 1, 0x13, 2]
    var methods: [UInt8] = [0]
    /// Extensions in front of the name.
    var before: [(kind: UInt16, content: [UInt8])] = []
    /// Extensions with names, and the names in each.
    var servers: [[[UInt8]]] = []
    /// 0: a host's.
    var nameKind: UInt8 = 0
    /// Behind it.
    var after: [(kind: UInt16, content: [UInt8])] = []
    /// A length that says more or less than there is.
    var wrong: Length?
    var error = 0
    /// Where a second record begins in the message; 0: there is none.
    var cut = 0

    var bytes: [UInt8] {
        let message: [UInt8] = [1] + vector(3, body, .message)
        guard cut > 0, cut < message.count else { return record(message) }
        return record(Array(message[..<cut])) + record(Array(message[cut...]))
    }

    private func record(_ content: [UInt8]) -> [UInt8] {
        [22, 3, minorVersion] + vector(2, content, .record)
    }

    private var body: [UInt8] {
        var body: [UInt8] = [3, 3]
        body += random
        body += vector(1, session, .session)
        body += vector(2, suites, .suites)
        body += vector(1, methods, .methods)
        body += vector(2, extensions, .extensions)
        return body
    }

    private var extensions: [UInt8] {
        var all: [UInt8] = []
        for (index, item) in before.enumerated() {
            all += number(2, Int(item.kind))
            all += vector(2, item.content, index == 0 ? .before : nil)
        }
        for names in servers { all += [0, 0] + vector(2, list(names), .server) }
        for item in after { all += number(2, Int(item.kind)) + vector(2, item.content, nil) }
        return all
    }

    private func list(_ names: [[UInt8]]) -> [UInt8] {
        var entries: [UInt8] = []
        for name in names {
            entries.append(nameKind)
            entries += vector(2, name, .name)
        }
        return vector(2, entries, .list)
    }

    private func vector(_ width: Int, _ content: [UInt8], _ length: Length?) -> [UInt8] {
        let isWrong = length != nil && length == wrong
        return number(width, content.count + (isWrong ? error : 0)) + content
    }

    private func number(_ width: Int, _ value: Int) -> [UInt8] {
        (0..<width).reversed().map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }
}
