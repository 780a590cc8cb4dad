"""Thrift's compact encoding, in which Parquet files describe themselves."""

from __future__ import annotations

from typing import Any, Final

TRUE: Final = 1
FALSE: Final = 2
_BYTE: Final = 3
_INTEGERS: Final = (4, 5, 6)
_DOUBLE: Final = 7
_BINARY: Final = 8
_LISTS: Final = (9, 10)  # lists and sets
_STRUCT: Final = 12

_DEEPEST: Final = 32

Struct = dict[int, Any]  # fields by number; what is text or a fraction is left as bytes


class ThriftError(ValueError):
    """Bytes that are no such encoding, or use a part of it that Parquet does not."""


def decode(content: bytes, at: int = 0) -> tuple[Struct, int]:
    """Return the struct that begins at a place of ``content``, and where it ends.

    Raises:
        ThriftError: there is none.
    """
    try:
        decoder = _Decoder(content, at)
        return decoder.struct(0), decoder.at
    except IndexError as error:
        raise ThriftError("ends too early") from error


class _Decoder:
    def __init__(self, content: bytes, at: int) -> None:
        self._content = content
        self.at = at

    def struct(self, depth: int) -> Struct:
        if depth > _DEEPEST:
            raise ThriftError("nested too deeply")
        fields: Struct = {}
        number = 0
        while head := self._byte():
            step, kind = head >> 4, head & 15
            number = number + step if step else _signed(self._varint())
            fields[number] = self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if kind in (TRUE, FALSE):
            return kind == TRUE
        if kind == _BYTE:
            return self._byte()
        if kind in _INTEGERS:
            return _signed(self._varint())
        if kind == _DOUBLE:
            return self._bytes(8)
        if kind == _BINARY:
            return self._bytes(self._varint())
        if kind in _LISTS:
            return self._list(depth + 1)
        if kind == _STRUCT:
            return self.struct(depth + 1)
        raise ThriftError(f"type {kind}")

    def _list(self, depth: int) -> list[Any]:
        head = self._byte()
        size, kind = head >> 4, head & 15
        if size == 15:
            size = self._varint()
        if size > len(self._content) or depth > _DEEPEST:
            raise ThriftError("a list that cannot be")
        if kind in (TRUE, FALSE):  # each one a byte, unlike in a struct
            return [self._byte() for _ in range(size)]
        return [self._value(kind, depth) for _ in range(size)]

    def _byte(self) -> int:
        self.at += 1
        return self._content[self.at - 1]

    def _bytes(self, size: int) -> bytes:
        found = self._content[self.at : self.at + size]
        if len(found) != size:
            raise ThriftError("ends too early")
        self.at += size
        return found

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
            if shift > 63:
                raise ThriftError("a number that is too long")


def _signed(value: int) -> int:
    return value >> 1 ^ -(value & 1)
