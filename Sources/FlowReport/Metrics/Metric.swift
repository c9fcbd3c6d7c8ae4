// SPDX-License-Identifier: Apache-2.0

/// A metric of Prometheus, with its samples.
public struct Metric: Sendable {
    /// How its values move.
    public enum Kind: String, Sendable {
        /// Up and down.
        case gauge
        /// Up alone; its name ends in `_total`.
        case counter
    }

    /// A value and the labels that tell it from others of the metric.
    public struct Sample: Sendable {
        let labels: [(name: String, value: String)]
        let value: String

        /// A whole number.
        public init(_ labels: [(name: String, value: String)], _ value: UInt64) {
            (self.labels, self.value) = (labels, String(value))
        }

        /// Nanoseconds as seconds, all digits kept.
        public init(_ labels: [(name: String, value: String)], secondsOf nanoseconds: UInt64) {
            let digits = String(nanoseconds % 1_000_000_000)
            let fraction = String(repeating: "0", count: 9 - digits.count) + digits
            self.labels = labels
            value = "\(nanoseconds / 1_000_000_000).\(fraction)"
        }
    }

    let name: String
    let help: String
    let kind: Kind
    let samples: [Sample]

    /// A metric; without samples nothing is written of it.
    public init(_ name: String, _ kind: Kind, _ help: String, _ samples: [Sample]) {
        self.name = name
        self.kind = kind
        self.help = help
        self.samples = samples
    }
}

extension [Metric] {
    /// In Prometheus' text format, version 0.0.4.
    public var text: String {
        var text = ""
        for metric in self where !metric.samples.isEmpty {
            text += "# HELP \(metric.name) \(Self.escaped(metric.help, quotes: false))\n"
            text += "# TYPE \(metric.name) \(metric.kind.rawValue)\n"
            for sample in metric.samples {
                let labels = sample.labels.map { label in
                    "\(label.name)=\"\(Self.escaped(label.value, quotes: true))\""
                }
                let braces = labels.isEmpty ? "" : "{\(labels.joined(separator: ","))}"
                text += "\(metric.name)\(braces) \(sample.value)\n"
            }
        }
        return text
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
