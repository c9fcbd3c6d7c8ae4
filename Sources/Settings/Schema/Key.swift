// SPDX-License-Identifier: Apache-2.0

/// What the reference says of one key. The reader takes accepted values and defaults from here too.
public struct KeyReference: Hashable, Sendable {
    /// The key as it is written.
    public let name: String
    /// What may be written there.
    public let accepted: String
    /// Whether a list of such may be written as well.
    public var isList = false
    /// What counts when it is left out; nil when nothing does.
    public let standard: String?
    /// What it is for.
    public let purpose: String
    /// What may be written, for programs.
    var shape = ValueShape.scalar(.any)
    /// Whether it must be there.
    public var isRequired = false
    /// Whether `standard` may be written as it stands.
    public var isLiteral = false

    /// The words that may be written; empty where there are none, or too many to say.
    public var choices: [String] {
        switch shape {
        case .scalar(let shape), .scalars(let shape): shape.words
        default: []
        }
    }
}

/// A key of any shape.
protocol AnyKey: Sendable {
    /// The same as in the reference, which costs more to make.
    var name: String { get }
    var reference: KeyReference { get }
}

/// A key whose value is one scalar.
struct ValueKey<Value: Sendable>: AnyKey {
    let name: String
    let form: Form<Value>
    let standard: Value
    let purpose: String

    init(_ name: String, _ form: Form<Value>, standard: Value, _ purpose: String) {
        self.name = name
        self.form = form
        self.standard = standard
        self.purpose = purpose
    }

    var reference: KeyReference {
        let text = form.show(standard)
        return KeyReference(
            name: name, accepted: form.accepted, standard: text, purpose: purpose,
            shape: .scalar(form.shape), isLiteral: form.absent != text && form.parse(text) != nil)
    }
}

/// A key whose value is one scalar and must be there.
struct RequiredKey<Value: Sendable>: AnyKey {
    let name: String
    let form: Form<Value>
    let purpose: String

    init(_ name: String, _ form: Form<Value>, _ purpose: String) {
        self.name = name
        self.form = form
        self.purpose = purpose
    }

    var reference: KeyReference {
        KeyReference(
            name: name, accepted: form.accepted, standard: nil, purpose: purpose,
            shape: .scalar(form.shape), isRequired: true)
    }
}

/// A key whose value is one scalar, or a list of them.
struct ListKey<Value: Sendable>: AnyKey {
    let name: String
    let form: Form<Value>
    let standard: String?
    let purpose: String

    init(_ name: String, _ form: Form<Value>, standard: String? = nil, _ purpose: String) {
        self.name = name
        self.form = form
        self.standard = standard
        self.purpose = purpose
    }

    var reference: KeyReference {
        KeyReference(
            name: name, accepted: form.accepted, isList: true, standard: standard,
            purpose: purpose, shape: .scalars(form.shape))
    }
}

/// A key whose value has keys of its own.
struct GroupKey: AnyKey {
    let name: String
    let accepted: String
    let purpose: String
    let shape: ValueShape
    let absent: String?
    let isRequired: Bool

    /// Says of a group that it may be left out like each of its keys.
    static let defaults = "the defaults of its keys"

    /// - Parameters:
    ///   - shape: Where its keys are; by itself in the section whose path is that of the key.
    ///   - absent: What counts when it is left out; nil: nothing.
    init(
        _ name: String, _ accepted: String, _ purpose: String, shape: ValueShape = .section(nil),
        absent: String? = nil, isRequired: Bool = false
    ) {
        self.name = name
        self.accepted = accepted
        self.purpose = purpose
        self.shape = shape
        self.absent = absent
        self.isRequired = isRequired
    }

    var reference: KeyReference {
        KeyReference(
            name: name, accepted: accepted, standard: absent, purpose: purpose, shape: shape,
            isRequired: isRequired)
    }
}

/// A mapping whose keys are known: the only list of them.
protocol Section {
    /// Where it stands in the file, `NAME` for names the user chooses; empty for the whole file.
    static var path: String { get }
    /// In the order of the reference.
    static var keys: [any AnyKey] { get }
    /// Keys that are understood and change nothing; their values are not looked at.
    static var ignored: [String] { get }
    /// Keys that ask for what is not there, and what to do about each.
    static var refused: [String: String] { get }
}

extension Section {
    static var ignored: [String] { [] }
    static var refused: [String: String] { [:] }
}
