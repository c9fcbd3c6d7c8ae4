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
}

/// A key of any shape.
protocol AnyKey: Sendable {
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
        KeyReference(
            name: name, accepted: form.accepted, standard: form.show(standard), purpose: purpose)
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
        KeyReference(name: name, accepted: form.accepted, standard: nil, purpose: purpose)
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
            purpose: purpose)
    }
}

/// A key whose value has keys of its own.
struct GroupKey: AnyKey {
    let name: String
    let accepted: String
    let purpose: String

    init(_ name: String, _ accepted: String, _ purpose: String) {
        self.name = name
        self.accepted = accepted
        self.purpose = purpose
    }

    var reference: KeyReference {
        KeyReference(name: name, accepted: accepted, standard: nil, purpose: purpose)
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
