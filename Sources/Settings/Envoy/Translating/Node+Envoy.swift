// SPDX-License-Identifier: Apache-2.0

internal import Yams

/// Nodes of our own shape that stand where Envoy's file says the same.
extension Node {
    /// A scalar that is taken as it is.
    static func scalar(_ text: EnvoyText) -> Node {
        .scalar(Scalar(text.text, .implicit, .doubleQuoted, text.mark))
    }

    /// A scalar that may be a number.
    static func plain(_ text: EnvoyText) -> Node {
        .scalar(Scalar(text.text, .implicit, .plain, text.mark))
    }

    /// A list of texts.
    static func texts(_ texts: [String], _ mark: Mark?) -> Node {
        sequence(texts.map { .scalar(EnvoyText($0, mark)) }, mark)
    }

    static func sequence(_ nodes: [Node], _ mark: Mark?) -> Node {
        .sequence(Sequence(nodes, .implicit, .any, mark))
    }

    /// A mapping whose keys stand where their values do.
    static func mapping(_ pairs: [(String, Node)], _ mark: Mark?) -> Node {
        let nodes = pairs.map { (scalar(EnvoyText($0.0, $0.1.mark ?? mark)), $0.1) }
        return .mapping(Mapping(nodes, .implicit, .any, mark))
    }
}
