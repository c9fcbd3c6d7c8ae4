// SPDX-License-Identifier: Apache-2.0

internal import WireTypes

/// The body of a ClientHello (RFC 8446 §4.1.2, RFC 5246 §7.4.1.2) behind its type and length:
///
///     version 2 │ random 32 │ session id <0…32> │ cipher suites <2…2¹⁶−2> │ compression <1…2⁸−1>
///     then nothing (TLS 1.2 and before), or extensions <0…2¹⁶−1> up to the very end
struct HelloBody {
    private var hello = ClientHello()
    private var hasBadServerName = false
    private var types = ExtensionTypes()

    /// What the whole body says; `length` is what the hello took of the stream.
    static func classify(_ bytes: Span<UInt8>, length: Int) -> Classification {
        var body = HelloBody()
        body.hello.length = length
        do throws(Malformed) {
            try body.read(bytes)
        } catch {
            return .notClassifiable(.malformed)
        }
        // Said only of a hello that is sound otherwise, so that the answer names its worst fault.
        return body.hasBadServerName ? .notClassifiable(.badServerName) : .hello(body.hello)
    }

    private mutating func read(_ bytes: Span<UInt8>) throws(Malformed) {
        var cursor = Cursor(bytes)
        let version = try cursor.uint16()
        guard version >> 8 == 3 else { throw Malformed() }
        // Above TLS 1.2 only supported_versions counts (RFC 8446 §4.1.2).
        hello.highestVersion = TLSVersion(rawValue: UInt16(min(version, 0x0303)))
        _ = try cursor.take(32)
        _ = try cursor.vector8(0...32)
        let suites = try cursor.vector16(2...0xfffe)
        guard suites.count.isMultiple(of: 2) else { throw Malformed() }
        _ = try cursor.vector8(1...0xff)
        if cursor.isAtEnd { return }
        let extensions = try cursor.vector16()
        try cursor.end()
        try readExtensions(extensions)
    }

    private mutating func readExtensions(_ bytes: Span<UInt8>) throws(Malformed) {
        var cursor = Cursor(bytes)
        while !cursor.isAtEnd {
            let type = try cursor.uint16()
            let data = try cursor.vector16()
            guard types.insert(type) else { throw Malformed() }
            switch type {
            case ExtensionType.serverName: try readServerName(data)
            case ExtensionType.applicationProtocols: try readProtocols(data)
            case ExtensionType.supportedVersions: try readVersions(data)
            case ExtensionType.encryptedClientHello: hello.hasEncryptedClientHello = true
            default: break
            }
        }
    }

    /// A list (RFC 6066 §3) of one entry: type 0, host_name <1…2¹⁶−1>.
    ///
    /// No other type of name was ever defined, and two names of a type are forbidden. A list that
    /// holds more is refused, as OpenSSL does: we and the endpoint must not read different names.
    private mutating func readServerName(_ data: Span<UInt8>) throws(Malformed) {
        var outer = Cursor(data)
        let list = try outer.vector16()
        try outer.end()
        var cursor = Cursor(list)
        guard try cursor.uint8() == 0 else { throw Malformed() }
        let name = try cursor.vector16(1...0xffff)
        try cursor.end()
        hello.serverName = ServerName(name)
        hasBadServerName = hello.serverName == nil
    }

    /// A list (RFC 7301 §3.1) of names <1…2⁸−1>, at least one.
    private mutating func readProtocols(_ data: Span<UInt8>) throws(Malformed) {
        var outer = Cursor(data)
        let list = try outer.vector16(2...0xffff)
        try outer.end()
        var cursor = Cursor(list)
        while !cursor.isAtEnd { _ = try cursor.vector8(1...0xff) }
        hello.applicationProtocols = ApplicationProtocols(checked: list)
    }

    /// A list <2…254> of versions (RFC 8446 §4.2.1). GREASE and drafts are not of major version 3.
    private mutating func readVersions(_ data: Span<UInt8>) throws(Malformed) {
        var outer = Cursor(data)
        let list = try outer.vector8(2...254)
        try outer.end()
        var cursor = Cursor(list)
        var highest = 0
        while !cursor.isAtEnd {
            let version = try cursor.uint16()
            if version >> 8 == 3 { highest = max(highest, version) }
        }
        if highest > 0 { hello.highestVersion = TLSVersion(rawValue: UInt16(highest)) }
    }
}
