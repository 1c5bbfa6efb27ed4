"""Which peer of a ROUTER is behind which connection; pure.

libzmq names a connection by its descriptor: a socket's monitor reports which descriptors open and close, and each
message tells the descriptor that it came over. The system gives the same descriptor to a later connection again.
"""

_AUTOMATIC_LENGTH = 5
_SERIAL_NUMBERS = 2**32


class Peers:
    """The open connections of one socket, and the peers that have sent something over them."""

    def __init__(self) -> None:
        self._open: set[int] = set()
        self._peers: dict[int, bytes] = {}
        self._descriptors: dict[bytes, int] = {}

    def __len__(self) -> int:
        """How many connections are open."""
        return len(self._open)

    def opened(self, descriptor: int) -> None:
        """A connection was accepted."""
        self._open.add(descriptor)

    def closed(self, descriptor: int) -> bytes | None:
        """A connection has ended; returns the peer that was behind it, if it had sent something."""
        self._open.discard(descriptor)
        peer = self._peers.pop(descriptor, None)
        if peer is not None:
            del self._descriptors[peer]
        return peer

    def is_known(self, peer: bytes, descriptor: int) -> bool:
        """Whether this peer has sent something over this connection before."""
        return self._descriptors.get(peer) == descriptor

    def heard(self, peer: bytes, descriptor: int) -> bytes | None:
        """A peer sent its first message over a connection; returns the peer that is known to be gone from this.

        All that the monitor has reported must have been passed on before. A message is read after its connection has
        ended if it waited; then the sender itself is gone, or the descriptor belongs to a later peer already. Which of
        two peers is the later one is not known where a peer chose its name itself: then neither counts as gone.
        """
        if descriptor not in self._open:
            return peer
        other = self._peers.get(descriptor)
        if other is not None and _is_later(other, peer):
            return peer
        self._forget(peer, other)
        self._peers[descriptor] = peer
        self._descriptors[peer] = descriptor
        return other if other is not None and _is_later(peer, other) else None

    def _forget(self, *peers: bytes | None) -> None:
        """Forget where these peers are; one that chose its name itself may be back over another connection."""
        for peer in peers:
            descriptor = self._descriptors.pop(peer, None) if peer is not None else None
            if descriptor is not None:
                del self._peers[descriptor]


def _is_later(one: bytes, other: bytes) -> bool:
    """Whether libzmq gave the first name after the second; False where a peer chose its name itself."""
    if not (_is_automatic(one) and _is_automatic(other)):
        return False
    distance = int.from_bytes(one[1:]) - int.from_bytes(other[1:])
    return 0 < distance % _SERIAL_NUMBERS < _SERIAL_NUMBERS // 2


def _is_automatic(peer: bytes) -> bool:
    return len(peer) == _AUTOMATIC_LENGTH and peer[0] == 0
