// SPDX-License-Identifier: Apache-2.0

internal import Balancing

/// How one kind of value is written as a scalar.
struct Form<Value: Sendable>: Sendable {
    /// What a person should write: a noun phrase that ends the sentence "write …".
    let accepted: String
    /// The same for programs.
    var shape = ScalarShape.any
    /// What is probably wrong with a text that is not accepted, or nil.
    var advice: @Sendable (String) -> String? = { _ in nil }
    /// The value, or nil when the text is none.
    let parse: @Sendable (String) -> Value?
    /// The value as it would be written.
    let show: @Sendable (Value) -> String
    /// What `show` says of a value that cannot be written, but is when the key is left out.
    var absent: String?
}

/// `on` or `off` where the text is what many a program writes in their place.
private func switchWord(_ text: String) -> String {
    ["true": "on", "false": "off"][text] ?? text
}

extension Form where Value == Bool {
    /// `on` or `off`; `true` and `false` are understood.
    static let onOff = Form(
        accepted: "on or off", shape: .words(["on", "off", "true", "false"]),
        parse: { ["on": true, "off": false][switchWord($0)] },
        show: { $0 ? "on" : "off" })
}

extension Form where Value == Int {
    /// A whole number in plain digits.
    static func count(_ range: ClosedRange<Int>) -> Form {
        Form(
            accepted: "a whole number from \(range.lowerBound) to \(range.upperBound)",
            shape: .number(range),
            parse: { text in decimal(text).flatMap { range.contains($0) ? $0 : nil } },
            show: { String($0) })
    }

    /// A whole number and `%`.
    static let percent = Form.percent(1...100, example: 90)

    /// The same, of another range.
    static func percent(_ range: ClosedRange<Int>, example: Int) -> Form {
        Form(
            accepted: "a percentage from \(range.lowerBound)% to \(range.upperBound)%, "
                + "for example \(example)%",
            shape: .text("^[0-9]+%$"),
            advice: { decimal($0) == nil ? nil : "the % is missing" },
            parse: { text in
                guard text.hasSuffix("%"), let number = decimal(text.dropLast()) else {
                    return nil
                }
                return range.contains(number) ? number : nil
            },
            show: { "\($0)%" })
    }

    /// A prime.
    static func prime(_ largest: Int) -> Form {
        Form(
            accepted: "a prime number up to \(largest), for example 65537",
            shape: .number(2...largest),
            parse: { text in
                decimal(text).flatMap { $0 <= largest && Balance.isPrime($0) ? $0 : nil }
            },
            show: { String($0) })
    }

    /// A number of bytes.
    static func size(_ range: ClosedRange<Int>) -> Form {
        let bounds = "\(sizeText(range.lowerBound)) to \(sizeText(range.upperBound))"
        return Form(
            accepted: "a size from \(bounds), for example 16KiB",
            shape: .either(.number(range), .text("^[0-9]+(B|k|K|KiB|M|MiB)?$")),
            parse: { text in bytes(text).flatMap { range.contains($0) ? $0 : nil } },
            show: sizeText)
    }
}

extension Form where Value == Duration {
    /// A whole number and a unit.
    static func duration(_ range: ClosedRange<Duration>) -> Form {
        let bounds = "\(durationText(range.lowerBound)) to \(durationText(range.upperBound))"
        return Form(
            accepted: "a duration from \(bounds), for example 500ms, 10s, 1m or 24h",
            shape: .text("^[0-9]+(ms|s|m|h)$"),
            advice: { decimal($0) == nil ? nil : "the unit is missing" },
            parse: { text in settingsDuration(text).flatMap { range.contains($0) ? $0 : nil } },
            show: durationText)
    }
}

extension Form where Value == Duration? {
    /// The same, or a word like `never`.
    static func duration(_ range: ClosedRange<Duration>, or word: String) -> Form {
        let duration = Form<Duration>.duration(range)
        return Form(
            accepted: "\(word), or " + duration.accepted,
            shape: .either(.words([word]), duration.shape),
            advice: duration.advice,
            parse: { text in
                switchWord(text) == word ? .some(nil) : duration.parse(text).map { $0 }
            },
            show: { $0.map(durationText) ?? word })
    }
}

extension Form where Value == ConnectionLogPlace {
    /// `off`, a stream by its name, or a file.
    static let connectionLogPlace = Form(
        accepted: "off, stderr, stdout or the absolute path of a file",
        shape: .either(.words(["off", "stderr", "stdout"]), .text("^/.*[^/]$")),
        advice: { $0.contains("/") ? "the path must begin with /, and end in a name" : nil },
        parse: { text in
            switch switchWord(text) {
            case "off": .off
            case "stderr": .standardError
            case "stdout": .standardOutput
            default:
                text.hasPrefix("/") && !text.hasSuffix("/") && !text.contains("\0")
                    ? .file(text) : nil
            }
        },
        show: { place in
            switch place {
            case .off: "off"
            case .standardError: "stderr"
            case .standardOutput: "stdout"
            case .file(let path): path
            }
        })
}

extension Form where Value: RawRepresentable<String> & CaseIterable {
    /// One of the words of an enumeration.
    /// `true` and `false` are understood for `on` and `off`.
    static var choice: Form {
        let words = Value.allCases.map(\.rawValue)
        return Form(
            accepted: alternatives(words), shape: .words(words),
            advice: { suggestion(for: $0, among: words).map { "did you mean \"\($0)\"?" } },
            parse: { Value(rawValue: switchWord($0)) }, show: \.rawValue)
    }
}

extension Form {
    /// The same, for a value that may be left out and then means `absent`.
    func orAbsent(_ absent: String) -> Form<Value?> {
        Form<Value?>(
            accepted: accepted, shape: shape, advice: advice,
            parse: { text in parse(text).map { .some($0) } },
            show: { value in value.map(show) ?? absent }, absent: absent)
    }
}
