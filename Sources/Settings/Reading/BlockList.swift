// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import WireTypes

/// A file of addresses and blocks, one a line; `#` begins a comment. Made for a million of them.
struct BlockList {
    /// A line that is none.
    struct Fault: Error {
        let line: Int
        let text: String
    }

    private(set) var blocks: [AddressBlock] = []

    init(_ data: Data) throws(Fault) {
        let bytes = [UInt8](data)
        var start = 0
        var number = 1
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
            let line = Self.content(bytes[start..<end])
            if !line.isEmpty {
                guard let block = Self.plain(line) ?? Self.any(line) else {
                    throw Fault(line: number, text: String(decoding: line, as: UTF8.self))
                }
                blocks.append(block)
            }
            start = end + 1
            number += 1
        }
    }

    /// Without comment, blanks and CR.
    private static func content(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let isBlank: (UInt8) -> Bool = { [UInt8(ascii: " "), 9, 13].contains($0) }
        var line = line
        if let comment = line.firstIndex(of: UInt8(ascii: "#")) { line = line[..<comment] }
        line = line.drop(while: isBlank)
        while let last = line.last, isBlank(last) { line.removeLast() }
        return line
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
    func blocks(inFile path: String, _ entry: Entry) -> [AddressBlock] {
        let folder = URL(fileURLWithPath: document.fileName).deletingLastPathComponent()
        let url = URL(fileURLWithPath: path, relativeTo: folder)
        note(file: url.path)
        guard let data = try? Data(contentsOf: url) else {
            report(
                entry.valuePosition,
                "\(quoted(entry.name)) is \(quoted(path)), which cannot be read; its place is meant "
                    + "relative to this file")
            return []
        }
        do throws(BlockList.Fault) {
            let blocks = try BlockList(data).blocks
            if blocks.isEmpty {
                report(
                    entry.valuePosition, "\(quoted(entry.name)) is \(quoted(path)), which is empty")
            }
            return blocks
        } catch {
            report(
                entry.valuePosition,
                "line \(error.line) of \(quoted(path)) is \(quoted(error.text)); write "
                    + Form.addressBlock.accepted)
            return []
        }
    }
}
