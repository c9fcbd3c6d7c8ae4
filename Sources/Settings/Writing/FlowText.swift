// SPDX-License-Identifier: Apache-2.0

internal import Balancing
internal import TLSClassifier
internal import WireTypes

/// Scalars and small collections as YAML on one line.
enum FlowText {
    /// A scalar, in quotes unless it is plain in every place.
    static func scalar(_ text: String) -> String {
        let plain = text.unicodeScalars.allSatisfy { scalar in
            scalar.isASCII
                && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil
                    || "-_./%".unicodeScalars.contains(scalar))
        }
        let isPlain =
            plain && !text.isEmpty && !text.hasPrefix("-") && !["null", "~"].contains(text)
        if isPlain { return text }
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case _ where scalar.value < 32 || scalar.value == 127:
                let digits = String(scalar.value, radix: 16)
                result += "\\x" + (digits.count < 2 ? "0" : "") + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    /// One scalar alone, several as a list.
    static func list(_ texts: [String]) -> String {
        texts.count == 1
            ? scalar(texts[0]) : "[" + texts.map(scalar).joined(separator: ", ") + "]"
    }

    static func mapping(_ pairs: [(key: String, text: String)]) -> String {
        "{" + pairs.map { "\($0.key): \($0.text)" }.joined(separator: ", ") + "}"
    }
}

extension Route {
    /// The route as a rule of the list `rules`; `clusters` are the names of all clusters.
    func ruleText(_ clusters: [String]) -> String {
        var pairs: [(key: String, text: String)] = []
        switch name {
        case .pattern(let pattern):
            pairs.append((RuleSection.names.name, FlowText.scalar(pattern.description)))
        case .expression(let expression):
            pairs.append((RuleSection.expression.name, FlowText.scalar(expression.text)))
        case .any: break
        }
        pairs += conditions.pairs(behindName: !pairs.isEmpty)
        switch action {
        case .cluster(let index):
            pairs.append((RuleSection.target.name, FlowText.scalar(clusters[index])))
        case .derived(let derived):
            pairs.append((RuleSection.target.name, FlowText.scalar(derived.template)))
        case .reject(let policy): pairs.append((RuleSection.reject.name, policy.rawValue))
        case .split(let split):
            let shares = split.shares.map {
                (key: FlowText.scalar(clusters[$0.cluster]), text: "\($0.weight)")
            }
            pairs.append((RuleSection.split.name, FlowText.mapping(shares)))
            let sticky = split.isSticky ? Stickiness.source : .off
            pairs.append((RuleSection.sticky.name, sticky.rawValue))
        }
        return FlowText.mapping(pairs)
    }
}

extension RouteConditions {
    /// What is not as in a rule that says nothing; `tls` always where nothing else is asked.
    fileprivate func pairs(behindName: Bool) -> [(key: String, text: String)] {
        var pairs: [(key: String, text: String)] = []
        if !protocols.isEmpty {
            pairs.append((RuleSection.protocols.name, FlowText.list(protocols)))
        }
        if !sources.isEmpty {
            pairs.append((RuleSection.sources.name, FlowText.list(sources.map(\.description))))
        }
        if let lowestVersion {
            pairs.append((RuleSection.lowestVersion.name, Form.tlsVersion.show(lowestVersion)))
        }
        if let hasECH { pairs.append((RuleSection.ech.name, Form.onOff.show(hasECH))) }
        if tls != Defaults.rule.tls || pairs.isEmpty && !behindName {
            pairs.append((RuleSection.tls.name, tls.rawValue))
        }
        if isFirst { pairs.append((RuleSection.first.name, Form.onOff.show(isFirst))) }
        return pairs
    }
}
