// SPDX-License-Identifier: Apache-2.0

/// Makes a program of the text of an expression, by recursive descent: alternatives of sequences of
/// repeated atoms. Code of a part is relative to its start until it is put in place.
struct NameExpressionParser {
    typealias Fault = NameExpression.Fault
    private typealias Code = [Instruction]

    private let text: [UInt8]
    private var position = 0
    private var groups = 0
    private var depth = 0

    private static let deepest = 20
    private static let mostGroups = 9

    init(_ text: String) { self.text = Array(text.utf8) }

    mutating func parse() throws(Fault) -> (program: [Instruction], groups: Int) {
        guard (1...NameExpression.longest).contains(text.count) else {
            throw fault("it has \(text.count) bytes; write 1 to \(NameExpression.longest)")
        }
        let code = try alternatives()
        guard position == text.count else { throw fault("\")\" closes nothing") }
        return (code + [.end], groups)
    }

    private func fault(_ reason: String) -> Fault { Fault(offset: position, reason: reason) }

    private var next: UInt8? { position < text.count ? text[position] : nil }

    private mutating func accept(_ sign: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: sign) else { return false }
        position += 1
        return true
    }

    private func limited(_ code: Code) throws(Fault) -> Code {
        guard code.count < NameExpression.programLimit else {
            throw fault("it is too large; repeat less")
        }
        return code
    }

    private mutating func alternatives() throws(Fault) -> Code {
        let first = try sequence()
        guard accept("|") else { return first }
        let second = try alternatives()
        return try limited(
            [.fork(1, first.count + 2)] + moved(first, by: 1)
                + [.jump(first.count + second.count + 2)] + moved(second, by: first.count + 2))
    }

    private mutating func sequence() throws(Fault) -> Code {
        var code: Code = []
        while let sign = next, sign != UInt8(ascii: "|"), sign != UInt8(ascii: ")") {
            let atom = try atom()
            let part = try repeated(atom)
            code = try limited(code + moved(part, by: code.count))
        }
        return code
    }

    private mutating func atom() throws(Fault) -> Code {
        let sign = text[position]
        position += 1
        switch sign {
        case UInt8(ascii: "("): return try group()
        case UInt8(ascii: "["): return [.take(try byteClass())]
        case UInt8(ascii: "."): return [.take(.all)]
        case UInt8(ascii: "\\"): return [.take(try escape())]
        case UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "?"), UInt8(ascii: "{"):
            position -= 1
            throw fault("\"\(UnicodeScalar(sign))\" repeats nothing")
        case UInt8(ascii: "^"), UInt8(ascii: "$"):
            position -= 1
            throw fault("the whole name is matched anyway; leave \"\(UnicodeScalar(sign))\" out")
        default: return [.take(try literal(sign))]
        }
    }

    private func literal(_ byte: UInt8) throws(Fault) -> ByteSet {
        guard byte < 128 else { throw fault("names are ASCII") }
        return ByteSet(Self.lowercase(byte)...Self.lowercase(byte))
    }

    private static func lowercase(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }

    private mutating func group() throws(Fault) -> Code {
        var number: Int?
        if accept("?") {
            guard accept(":") else { throw fault("write (?:…) or (…)") }
        } else {
            guard groups < Self.mostGroups else { throw fault("there are more than nine groups") }
            number = groups
            groups += 1
        }
        let start = position
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.deepest else { throw fault("groups are nested too deeply") }
        let code = try alternatives()
        guard accept(")") else {
            throw Fault(offset: start - 1, reason: "the group is not closed")
        }
        guard let number else { return code }
        return [.mark(number * 2)] + moved(code, by: 1) + [.mark(number * 2 + 1)]
    }

    private mutating func escape() throws(Fault) -> ByteSet {
        guard let sign = next else { throw fault("\"\\\" stands before nothing") }
        position += 1
        switch sign {
        case UInt8(ascii: "d"): return .digits
        case UInt8(ascii: "w"):
            var word = ByteSet.letters
            word.formUnion(.digits)
            word.insert(UInt8(ascii: "_"))
            return word
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            position -= 1
            throw fault("\"\\\(UnicodeScalar(sign))\" is not known; there are \\d and \\w")
        default: return try literal(sign)
        }
    }

    private mutating func byteClass() throws(Fault) -> ByteSet {
        let start = position
        let isInverted = accept("^")
        var set = ByteSet()
        while let sign = next, sign != UInt8(ascii: "]") || position == start {
            position += 1
            if sign == UInt8(ascii: "\\") {
                set.formUnion(try escape())
                continue
            }
            guard sign < 128 else { throw fault("names are ASCII") }
            var last = sign
            if next == UInt8(ascii: "-"), position + 1 < text.count,
                text[position + 1] != UInt8(ascii: "]")
            {
                last = text[position + 1]
                position += 2
                guard last < 128, sign <= last else { throw fault("the range is upside down") }
            }
            for byte in sign...last { set.insert(Self.lowercase(byte)) }
        }
        guard accept("]") else {
            throw Fault(offset: start - 1, reason: "the class is not closed")
        }
        if isInverted { set.invert() }
        return set
    }

    private mutating func repeated(_ atom: Code) throws(Fault) -> Code {
        var code = atom
        if accept("?") {
            code = optional(atom)
        } else if accept("*") {
            code = star(atom)
        } else if accept("+") {
            code = atom + [.fork(0, atom.count + 1)]
        } else if accept("{") {
            code = try counted(atom)
        } else {
            return atom
        }
        if let sign = next,
            [UInt8(ascii: "?"), UInt8(ascii: "*"), UInt8(ascii: "+")].contains(sign)
        {
            throw fault("something is repeated already")
        }
        return try limited(code)
    }

    private func optional(_ atom: Code) -> Code {
        [.fork(1, atom.count + 1)] + moved(atom, by: 1)
    }

    private func star(_ atom: Code) -> Code {
        [.fork(1, atom.count + 2)] + moved(atom, by: 1) + [.jump(0)]
    }

    /// `{2}` or `{1,3}`.
    private mutating func counted(_ atom: Code) throws(Fault) -> Code {
        let least = try number()
        let most = accept(",") ? try number() : least
        guard accept("}"), least <= most else {
            throw fault("write {2} or {1,3}, with numbers up to 253")
        }
        var code: Code = []
        for count in 0..<most {
            let part = count < least ? atom : optional(atom)
            code = try limited(code + moved(part, by: code.count))
        }
        return code
    }

    private mutating func number() throws(Fault) -> Int {
        var number = 0
        let start = position
        while let sign = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(sign),
            position - start < 3
        {
            number = number * 10 + Int(sign - UInt8(ascii: "0"))
            position += 1
        }
        guard position > start, number <= 253 else {
            throw fault("write {2} or {1,3}, with numbers up to 253")
        }
        return number
    }

    private func moved(_ code: Code, by offset: Int) -> Code {
        code.map { instruction in
            switch instruction {
            case .jump(let target): .jump(target + offset)
            case .fork(let first, let second): .fork(first + offset, second + offset)
            default: instruction
            }
        }
    }
}
