// SPDX-License-Identifier: Apache-2.0

internal import CPcap

extension Capture {
    /// Reads a file of tcpdump, by libpcap; times become nanoseconds whatever the file has.
    public init(contentsOf path: String) throws(CaptureError) {
        var message = [CChar](repeating: 0, count: Int(PCAP_ERRBUF_SIZE))
        let opened = unsafe pcap_open_offline_with_tstamp_precision(
            path, UInt32(PCAP_TSTAMP_PRECISION_NANO), &message)
        guard let file = unsafe opened else {
            let text = message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            throw CaptureError(
                description: "cannot read \(path): \(String(decoding: text, as: UTF8.self))")
        }
        // Ours alone until here; nothing below keeps a pointer into it.
        defer { unsafe pcap_close(file) }
        switch unsafe pcap_datalink(file) {
        case DLT_EN10MB: self.init(link: .ethernet)
        case DLT_RAW, DLT_IPV4, DLT_IPV6: self.init(link: .rawIP)
        case let other:
            throw CaptureError(description: "cannot read \(path): link type \(other) is not known")
        }
        while let frame = try unsafe Self.next(file, path, number: frames.count + 1) {
            frames.append(frame)
        }
    }

    private static func next(
        _ file: OpaquePointer, _ path: String, number: Int
    ) throws(CaptureError) -> CapturedFrame? {
        var header: UnsafeMutablePointer<pcap_pkthdr>?
        var data: UnsafePointer<UInt8>?
        let result = unsafe pcap_next_ex(file, &header, &data)
        if result == PCAP_ERROR_BREAK { return nil }
        // Both stay valid until the next call.
        guard result == 1, let header = unsafe header?.pointee, let data = unsafe data else {
            throw CaptureError(
                description: "cannot read \(path): packet \(number) is broken or cut off")
        }
        let bytes = unsafe [UInt8](UnsafeBufferPointer(start: data, count: Int(header.caplen)))
        let time = UInt64(header.ts.tv_sec) * 1_000_000_000 + UInt64(header.ts.tv_usec)
        return CapturedFrame(number: number, time: time, bytes: bytes, wireLength: Int(header.len))
    }
}
