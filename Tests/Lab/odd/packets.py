# SPDX-License-Identifier: Apache-2.0
"""TCP segments as bytes on an Ethernet wire, and back."""
import dataclasses
import socket
import struct

FIN, SYN, RST, PSH, ACK, URG, ECE, CWR, AE = (1 << bit for bit in range(9))
FLAG_NAMES = "FIN SYN RST PSH ACK URG ECE CWR AE".split()
NUMBERS = 1 << 32
OPTION_KINDS = {0: "eol", 1: "nop", 2: "mss", 3: "scale", 4: "sackok", 5: "sack", 8: "ts"}


def ones_sum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def before(one, other):
    """Whether a sequence number comes before another, in the half of the circle they share."""
    return (one - other) % NUMBERS >= 1 << 31


@dataclasses.dataclass
class Segment:
    source: str
    destination: str
    sport: int
    dport: int
    seq: int
    ack: int = 0
    flags: int = ACK
    window: int = 0
    urgent: int = 0
    options: bytes = b""
    payload: bytes = b""
    traffic_class: int = 0
    is_sent: bool = False
    """Whether it left this host, seen from the wire that noted it."""
    is_intact: bool = True
    """Whether its checksums are right, as far as they were filled in."""
    at: float = 0.0

    def __post_init__(self):
        self.seq %= NUMBERS
        self.ack %= NUMBERS

    def has(self, *flags):
        return all(self.flags & flag for flag in flags)

    @property
    def end(self):
        """The sequence number behind it."""
        length = len(self.payload) + bool(self.flags & SYN) + bool(self.flags & FIN)
        return (self.seq + length) % NUMBERS

    @property
    def ends(self):
        return (self.source, self.sport, self.destination, self.dport)

    def option_list(self):
        found, at = [], 0
        while at < len(self.options):
            kind = self.options[at]
            if kind == 0:
                break
            if kind == 1:
                at += 1
                continue
            length = self.options[at + 1]
            found.append((kind, self.options[at + 2 : at + length]))
            at += length
        return found

    def option(self, kind):
        return next((data for found, data in self.option_list() if found == kind), None)

    def __str__(self):
        flags = "|".join(name for bit, name in enumerate(FLAG_NAMES) if self.flags >> bit & 1)
        options = " ".join(
            f"{OPTION_KINDS.get(kind, kind)}:{data.hex()}" for kind, data in self.option_list()
        )
        marks = "" if self.is_intact else " BAD CHECKSUM"
        marks += f" urgent {self.urgent}" if self.urgent else ""
        marks += f" class {self.traffic_class:#x}" if self.traffic_class else ""
        way = ">" if self.is_sent else "<"
        return (
            f"{self.at % 1000:8.4f} {way} {self.source}:{self.sport} to {self.destination}:{self.dport}"
            f" {flags or 'none'} seq {self.seq} ack {self.ack} window {self.window}"
            f" length {len(self.payload)} [{options}]{marks}"
        )


def pseudo_header(segment, length):
    family = socket.AF_INET6 if ":" in segment.source else socket.AF_INET
    ends = socket.inet_pton(family, segment.source) + socket.inet_pton(family, segment.destination)
    return ends + struct.pack("!II", length, socket.IPPROTO_TCP)


def to_bytes(segment, macs):
    """The whole frame. macs: destination and source, 12 bytes."""
    options = segment.options + b"\0" * (-len(segment.options) % 4)
    words = 5 + len(options) // 4
    tcp = struct.pack(
        "!HHIIHHHH", segment.sport, segment.dport, segment.seq, segment.ack,
        words << 12 | segment.flags, segment.window, 0, segment.urgent,
    ) + options + segment.payload
    check = 0xFFFF ^ ones_sum(pseudo_header(segment, len(tcp)) + tcp)
    tcp = tcp[:16] + struct.pack("!H", check) + tcp[18:]
    if ":" in segment.source:
        family, ethertype = socket.AF_INET6, 0x86DD
        head = struct.pack("!IHBB", 6 << 28 | segment.traffic_class << 20, len(tcp), 6, 64)
    else:
        family, ethertype = socket.AF_INET, 0x0800
        head = struct.pack(
            "!BBHHHBBH", 0x45, segment.traffic_class, 20 + len(tcp), 0, 0x4000, 64, 6, 0
        )
    head += socket.inet_pton(family, segment.source) + socket.inet_pton(family, segment.destination)
    if family == socket.AF_INET:
        head = head[:10] + struct.pack("!H", 0xFFFF ^ ones_sum(head)) + head[12:]
    return macs + struct.pack("!H", ethertype) + head + tcp


def from_bytes(frame, is_checked=True):
    """The segment of a frame, or None if it is none. is_checked: its checksums are filled in."""
    ethertype = int.from_bytes(frame[12:14], "big")
    ip = frame[14:]
    if ethertype == 0x0800 and ip[9] == 6:
        size, length = (ip[0] & 15) * 4, int.from_bytes(ip[2:4], "big")
        ends, family, traffic_class = ip[12:20], socket.AF_INET, ip[1]
        is_intact = ones_sum(ip[:size]) == 0xFFFF
    elif ethertype == 0x86DD and ip[6] == 6:
        size, length = 40, 40 + int.from_bytes(ip[4:6], "big")
        ends, family, traffic_class = ip[8:40], socket.AF_INET6, (ip[0] & 15) << 4 | ip[1] >> 4
        is_intact = True
    else:
        return None
    tcp = ip[size : length if length > size else None]
    source, destination = ends[: len(ends) // 2], ends[len(ends) // 2 :]
    sport, dport, seq, ack, word, window, _, urgent = struct.unpack("!HHIIHHHH", tcp[:20])
    header = (word >> 12) * 4
    segment = Segment(
        socket.inet_ntop(family, source), socket.inet_ntop(family, destination), sport, dport,
        seq, ack, word & 0x1FF, window, urgent, tcp[20:header], tcp[header:], traffic_class,
    )
    if is_checked:
        is_intact &= ones_sum(pseudo_header(segment, len(tcp)) + tcp) == 0xFFFF
        segment.is_intact = is_intact
    return segment
