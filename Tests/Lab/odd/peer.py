# SPDX-License-Identifier: Apache-2.0
"""One end of a TCP connection: what a script says, or the little that every TCP does by itself."""
import dataclasses
import random
import select
import struct
import time

from .packets import ACK, FIN, NUMBERS, PSH, RST, SYN, Segment, before

REPEAT_AFTER = 0.1


class Failure(Exception):
    pass


def require(condition, sentence):
    if not condition:
        raise Failure(sentence)


@dataclasses.dataclass(frozen=True)
class Offer:
    """What a stack's SYN or SYN-ACK says, and how it writes its timestamps."""

    layout: str = "mss sackok ts nop scale"
    mss: int = 1460
    scale: int = 7
    stamp: str = "nop nop ts"
    extra: bytes = b""

    def has(self, word):
        return word in self.layout.split()


def lay_out(layout, offer, stamps):
    parts = {
        "nop": b"\1", "eol": b"\0", "mss": struct.pack("!BBH", 2, 4, offer.mss),
        "scale": bytes([3, 3, offer.scale]), "sackok": b"\4\2",
        "ts": struct.pack("!BBII", 8, 10, *stamps), "extra": offer.extra,
    }
    return b"".join(parts[word] for word in layout.split())


class Peer:
    def __init__(self, wire, address, port, offer=Offer(), remote=(None, None), window=60_000, mtu=1500):
        self.wire, self.address, self.port, self.offer = wire, address, port, offer
        self.remote, self.remote_port = remote
        self.next = self.unacked = self.isn = random.randrange(NUMBERS)
        self.expected = None
        """The next sequence number of the other end."""
        self.clock = random.randrange(NUMBERS)
        """What our timestamps began with."""
        self.stamps = set()
        """What we said; TCP_REPAIR cannot say what a relay's socket heard, and so echoes 0 once."""
        self.last_stamp = None
        self.window, self.window_on_wire = window, None
        """In bytes; or as the field says, whatever it means."""
        self.has_stamps = self.has_scale = False
        self.peer_scale, self.peer_window, self.peer_mss = 0, 0, 536
        self.largest = mtu - (60 if ":" in address else 40)
        self.received, self.ahead = b"", {}
        self.outgoing, self.outgoing_from = b"", None
        self.is_reset = self.has_fin = False
        self.repeated_at = None

    # What it says.

    def stamp(self):
        value = (self.clock + int(time.monotonic() * 1000)) % NUMBERS
        self.stamps.add(value)
        return value, self.last_stamp or 0

    def segment(self, flags=ACK, payload=b"", **fields):
        if "options" not in fields and self.has_stamps and not flags & RST:
            fields["options"] = lay_out(self.offer.stamp, self.offer, self.stamp())
        if "window" not in fields:
            shift = self.offer.scale if self.has_scale and not flags & SYN else 0
            fields["window"] = min(self.window >> shift, 0xFFFF)
            if self.window_on_wire is not None:
                fields["window"] = self.window_on_wire
        fields.setdefault("seq", self.next)
        fields.setdefault("ack", self.expected or 0 if flags & ACK else 0)
        return Segment(
            self.address, self.remote, self.port, self.remote_port, flags=flags, payload=payload,
            **fields,
        )

    def say(self, flags=ACK, payload=b"", **fields):
        """Sends a segment; new bytes move the own sequence number on."""
        segment = self.wire.send(self.segment(flags, payload, **fields))
        if before(self.next, segment.end) and not flags & RST:
            self.next = segment.end
        return segment

    def repeat(self, segment, **changes):
        return self.wire.send(dataclasses.replace(segment, **changes))

    def syn(self, flags=SYN, **fields):
        self.next = self.isn
        options = lay_out(self.offer.layout, self.offer, (self.stamp()[0], 0))
        return self.say(flags, options=options, **fields)

    def open(self):
        """The whole handshake of a client; what the SYN-ACK said."""
        self.syn()
        answer = self.hear("the SYN-ACK", lambda s: s.has(SYN, ACK))
        self.agree(answer)
        self.say()
        return answer

    def agree(self, other):
        """Takes what the other end's SYN or SYN-ACK says, with what was offered to it."""
        require(other.is_intact, f"checksum of {other}")
        self.expected = other.end
        self.unacked = self.isn + 1 & 0xFFFFFFFF
        stamps, scale = other.option(8), other.option(3)
        self.has_stamps = self.offer.has("ts") and stamps is not None
        self.has_scale = self.offer.has("scale") and scale is not None
        self.peer_scale = min(scale[0], 14) if self.has_scale else 0
        self.peer_window = other.window
        mss = other.option(2)
        self.peer_mss = int.from_bytes(mss, "big") if mss else 536
        if self.has_stamps:
            self.last_stamp = int.from_bytes(stamps[:4], "big")

    def accept(self, syn, flags=SYN | ACK, **fields):
        """The answer to a SYN: what of the offer the SYN permits (RFC 7323, 1.3)."""
        self.remote, self.remote_port = syn.source, syn.sport
        self.agree(syn)
        refused = {"ts": not self.has_stamps, "scale": not self.has_scale,
                   "sackok": syn.option(4) is None}
        layout = " ".join(w for w in self.offer.layout.split() if not refused.get(w))
        self.next = self.isn
        stamps = (self.stamp()[0], self.last_stamp or 0)
        return self.say(flags, options=lay_out(layout, self.offer, stamps), **fields)

    # What it hears.

    def is_ours(self, segment):
        return segment.ends == (self.remote, self.remote_port, self.address, self.port)

    def hear(self, what, wanted=lambda s: True, within=3.0):
        """Waits for a segment of this connection."""
        found = listen(self.wire, lambda s: self.is_ours(s) and wanted(s), within)
        require(found, f"{self.wire.name} did not get {what}")
        require(found.is_intact, f"checksum of {found}")
        self.check_stamps(found)
        return found

    def hear_nothing(self, what, wanted=lambda s: True, within=0.3):
        found = listen(self.wire, lambda s: self.is_ours(s) and wanted(s), within)
        require(not found, f"{self.wire.name} got {what}: {found}")

    def check_stamps(self, segment):
        """TSval never goes back on data, and TSecr is what we said once (RFC 7323, 3.2 and 5)."""
        stamps = segment.option(8)
        if not self.has_stamps or segment.has(RST):
            return
        require(stamps is not None, f"no timestamp in {segment}")
        value, echo = struct.unpack("!II", stamps)
        require(echo in self.stamps, f"TSecr {echo} was never sent: {segment}")
        if segment.seq == self.expected:
            require(not before(value, self.last_stamp), f"TSval went back: {segment}")
            self.last_stamp = value

    # What every TCP does by itself.

    def send(self, data):
        """Queues bytes, which live() sends as the window permits."""
        # What the script said by itself since is not in the queue.
        if self.outgoing_from is None or not before(self.next, self.queue_end):
            if self.unacked == self.next or self.outgoing_from is None:
                self.outgoing_from, self.outgoing = self.next, b""
        self.outgoing += data

    @property
    def queue_end(self):
        return (self.outgoing_from + len(self.outgoing)) % NUMBERS

    @property
    def is_acknowledged(self):
        return self.unacked == self.next and (
            self.outgoing_from is None or not before(self.next, self.queue_end)
        )

    def room(self):
        overhead = len(lay_out(self.offer.stamp, self.offer, (0, 0))) if self.has_stamps else 0
        return min(self.offer.mss, self.peer_mss, self.largest) - overhead

    def push(self):
        if self.outgoing_from is None:
            return
        limit = (self.unacked + min(self.peer_window, 64_000)) % NUMBERS
        while before(self.next, self.queue_end) and before(self.next, limit):
            at = (self.next - self.outgoing_from) % NUMBERS
            size = min(self.room(), (limit - self.next) % NUMBERS)
            self.say(ACK | PSH, self.outgoing[at : at + size])
            self.repeated_at = time.monotonic()

    def remind(self):
        """Repeats the oldest segment that was not acknowledged, or probes a window of zero."""
        if self.outgoing_from is None or self.is_acknowledged:
            return
        if self.repeated_at and time.monotonic() < self.repeated_at + REPEAT_AFTER:
            return
        at = (self.unacked - self.outgoing_from) % NUMBERS
        size = 1 if self.unacked == self.next else min(self.room(), (self.next - self.unacked) % NUMBERS)
        self.say(ACK | PSH, self.outgoing[at : at + size], seq=self.unacked)
        self.repeated_at = time.monotonic()

    def act(self):
        """Hears what has come in, and sends what there is to send."""
        self.push()
        while segment := self.wire.take(self.is_ours):
            self.handle(segment)
        self.push()
        self.remind()

    def handle(self, segment):
        require(segment.is_intact, f"checksum of {segment}")
        if segment.has(RST):
            self.is_reset = True
            return
        self.check_stamps(segment)
        if segment.has(ACK) and not before(segment.ack, self.unacked):
            require(not before(self.next, segment.ack), f"acknowledges what was not sent: {segment}")
            if segment.ack != self.unacked:
                self.repeated_at = time.monotonic()
            self.unacked = segment.ack
            self.peer_window = segment.window << self.peer_scale
        if segment.has(SYN):
            self.say()
        elif segment.payload or segment.has(FIN):
            self.take_data(segment)
            self.say()

    def take_data(self, segment):
        self.ahead[segment.seq] = segment
        for seq in list(self.ahead):
            piece = self.ahead[seq]
            if before(self.expected, piece.seq):
                continue
            del self.ahead[seq]
            fresh = piece.payload[(self.expected - piece.seq) % NUMBERS :]
            self.received += fresh
            self.expected = (self.expected + len(fresh)) % NUMBERS
            if piece.has(FIN) and not self.has_fin and piece.end == (self.expected + 1) % NUMBERS:
                self.has_fin = True
                self.expected = piece.end


def listen(wire, wanted, within):
    end = time.monotonic() + within
    while True:
        found = wire.take(wanted)
        left = end - time.monotonic()
        if found or left <= 0:
            return found
        select.select([wire], [], [], left)


def live(*peers, until, within=8.0, what="what was awaited"):
    """Lets ends behave as every TCP does until something is true."""
    end = time.monotonic() + within
    while not until():
        require(time.monotonic() < end, f"{what} did not happen within {within} s")
        for peer in peers:
            peer.act()
        if not until():
            select.select([peer.wire for peer in peers], [], [], 0.02)
