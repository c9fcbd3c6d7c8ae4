// SPDX-License-Identifier: Apache-2.0

internal import CKernelSockets
internal import Glibc
import WireTypes

extension TransportAddress {
    /// `AF_INET` or `AF_INET6`.
    var family: Int32 { address.isIPv4 ? AF_INET : AF_INET6 }

    /// Calls `body` with the address as the kernel wants it; the pointer dies with the call.
    func withSocketAddress(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        if let v4 = address.v4 {
            var value = sockaddr_in()
            value.sin_family = sa_family_t(AF_INET)
            value.sin_port = port.bigEndian
            value.sin_addr.s_addr = v4.bigEndian
            return unsafe withUnsafeBytes(of: &value) { bytes in
                unsafe body(
                    bytes.assumingMemoryBound(to: sockaddr.self).baseAddress.unsafelyUnwrapped,
                    socklen_t(bytes.count))
            }
        }
        var value = sockaddr_in6()
        value.sin6_family = sa_family_t(AF_INET6)
        value.sin6_port = port.bigEndian
        // 16 bytes of a plain struct, overwritten whole.
        unsafe withUnsafeMutableBytes(of: &value.sin6_addr) { bytes in
            for index in 0..<16 { unsafe bytes[index] = address[index] }
        }
        return unsafe withUnsafeBytes(of: &value) { bytes in
            unsafe body(
                bytes.assumingMemoryBound(to: sockaddr.self).baseAddress.unsafelyUnwrapped,
                socklen_t(bytes.count))
        }
    }

    /// The address that `fill` (`getsockname`, `accept4`, …) writes; nil when it fails.
    static func filled(
        _ fill: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) -> (result: Int32, address: TransportAddress?) {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = unsafe withUnsafeMutableBytes(of: &storage) { bytes in
            unsafe fill(
                bytes.assumingMemoryBound(to: sockaddr.self).baseAddress.unsafelyUnwrapped, &length)
        }
        guard result >= 0 else { return (result, nil) }
        return (result, TransportAddress(storage))
    }

    private init?(_ storage: sockaddr_storage) {
        var storage = storage
        // Both structs are plain bytes and fit into sockaddr_storage by definition.
        switch Int32(storage.ss_family) {
        case AF_INET:
            let value = unsafe withUnsafeBytes(of: &storage) {
                unsafe $0.loadUnaligned(as: sockaddr_in.self)
            }
            self.init(
                IPAddress(v4: UInt32(bigEndian: value.sin_addr.s_addr)),
                UInt16(bigEndian: value.sin_port))
        case AF_INET6:
            let value = unsafe withUnsafeBytes(of: &storage) {
                unsafe $0.loadUnaligned(as: sockaddr_in6.self)
            }
            let halves = unsafe withUnsafeBytes(of: value.sin6_addr) {
                unsafe $0.loadUnaligned(as: (UInt64, UInt64).self)
            }
            self.init(
                IPAddress(high: UInt64(bigEndian: halves.0), low: UInt64(bigEndian: halves.1)),
                UInt16(bigEndian: value.sin6_port))
        default:
            return nil
        }
    }
}
