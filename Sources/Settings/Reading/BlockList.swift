// SPDX-License-Identifier: Apache-2.0

internal import WireTypes

/// A file of addresses and blocks, one a line. Made for a million of them.
struct BlockList {
    private(set) var blocks: [AddressBlock] = []

    init(_ text: [UInt8]) throws(ListedFault) {
        for (number, line) in ListedLines(text) {
            guard let block = Self.plain(line) ?? Self.any(line) else {
                let found = String(decoding: line, as: UTF8.self)
                let accepted = ListedFault.accepted(Form.addressBlock)
                throw ListedFault(
                    line: number, "is \(quoted(found)); write \(accepted)", found: found)
            }
            blocks.append(block)
        }
    }

    private static func any(_ line: ArraySlice<UInt8>) -> AddressBlock? {
        AddressBlock(String(decoding: line, as: UTF8.self))
    }

    /// `192.0.2.0/24` and `192.0.2.1` without detours; nil: the long way decides.
    private static func plain(_ line: ArraySlice<UInt8>) -> AddressBlock? {
        var parts = (number: 0, digits: 0, count: 0)
        var address: UInt32 = 0
        var length = 32
        for byte in line {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                if parts.digits > 0, parts.number == 0 { return nil }
                parts.number = parts.number * 10 + Int(byte - UInt8(ascii: "0"))
                parts.digits += 1
                guard parts.digits <= 3, parts.number <= 255 else { return nil }
            case UInt8(ascii: "."), UInt8(ascii: "/"):
                guard parts.digits > 0, parts.count < 4,
                    (byte == UInt8(ascii: "/")) == (parts.count == 3)
                else { return nil }
                address = address << 8 | UInt32(parts.number)
                parts = (0, 0, parts.count + 1)
            default: return nil
            }
        }
        guard parts.digits > 0 else { return nil }
        if parts.count == 4 {
            length = parts.number
        } else {
            guard parts.count == 3 else { return nil }
            address = address << 8 | UInt32(parts.number)
        }
        return AddressBlock(around: IPAddress(v4: address), prefixLength: length)
    }
}

extension ConfigurationReader {
    /// The blocks in the file that a rule names.
    func sourceFile(_ rule: SectionReader<RuleSection>) -> [AddressBlock] {
        guard let path = rule.value(RuleSection.sourceFile),
            let entry = rule.entry(RuleSection.sourceFile)
        else { return [] }
        return blocks(inFile: path, entry)
    }

    /// The blocks in a file; `entry` names it.
    func blocks(
        inFile path: String, _ entry: Entry, mayBeEmpty: Bool = false
    ) -> [AddressBlock] {
        guard let text = text(named: path, entry) else { return [] }
        do throws(ListedFault) {
            let blocks = try BlockList(text).blocks
            if blocks.isEmpty, !mayBeEmpty { reportEmpty(path, entry) }
            return blocks
        } catch {
            report(error, in: path, entry)
            return []
        }
    }
}
