// SPDX-License-Identifier: Apache-2.0

/// An interface as a person names it.
public enum InterfaceSelector: Hashable, Sendable, CustomStringConvertible {
    /// By name, 1…15 bytes without `/`, `:` and white space, as the kernel has it.
    case name(String)
    /// By index, 1 or more.
    case index(UInt32)

    /// The selector that a word of a command line means: digits are an index. Nil when neither
    /// kernel nor list can have it.
    public init?(_ text: String) {
        if text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) {
            guard let index = UInt32(text), (1...UInt32(Int32.max)).contains(index) else {
                return nil
            }
            self = .index(index)
        } else {
            self.init(name: text)
        }
    }

    /// The selector of an interface by name, even one of digits.
    init?(name: String) {
        guard (1...15).contains(name.utf8.count), name != ".", name != "..",
            name.unicodeScalars.allSatisfy({
                $0 != "/" && $0 != ":" && !$0.properties.isWhitespace && $0.value > 32
            })
        else { return nil }
        self = .name(name)
    }

    /// The name, or the index in decimal.
    public var description: String {
        switch self {
        case .name(let name): name
        case .index(let index): String(index)
        }
    }
}
