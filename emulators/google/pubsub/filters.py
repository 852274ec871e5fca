"""Pub/Sub's filter language: an expression over attributes becomes a predicate.

    expression = operand { "AND" operand } | operand { "OR" operand }
    operand    = [ "NOT" | "-" ] ( "(" expression ")" | comparison )
    comparison = "attributes" ":" key
               | "attributes" "." key ( "=" | "!=" ) string
               | "hasPrefix" "(" "attributes" "." key "," string ")"
    key        = letters, digits, "-" and "_", or a string

AND and OR stand side by side only with parentheses.

Source: https://cloud.google.com/pubsub/docs/subscription-message-filter
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Attributes = Mapping[str, str]
Predicate = Callable[[Attributes], bool]

MAX_FILTER_BYTES = 256

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>"(?:[^"\\]|\\.)*")
      | (?P<word>[A-Za-z0-9_](?:[A-Za-z0-9_-])*)
      | (?P<sign>!=|[=:.,()-])
    )""",
    re.VERBOSE,
)
_ESCAPE = re.compile(
    r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([0-7]{3})|(.))", re.DOTALL
)
_NAMED_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_RESERVED = frozenset({"AND", "OR", "NOT"})


class BadFilter(ValueError):
    """The expression is not in the language; the message says where."""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def parse(expression: str) -> Predicate:
    """The predicate over a message's attributes; an empty expression lets everything pass.

    Raises:
        BadFilter: the expression is too long or does not follow the grammar.
    """
    if not expression.strip():
        return lambda _attributes: True
    if len(expression.encode()) > MAX_FILTER_BYTES:
        raise BadFilter(f"a filter has at most {MAX_FILTER_BYTES} bytes")
    return _Parser(_tokens(expression)).whole()


def _tokens(expression: str) -> list[_Token]:
    tokens, at = [], 0
    end = len(expression.rstrip())
    while at < end:
        found = _TOKEN.match(expression, at)
        if found is None:
            raise BadFilter(f"unexpected character at position {at}")
        kind = found.lastgroup or ""
        tokens.append(_Token(kind, found[kind], found.start(kind)))
        at = found.end()
    return [*tokens, _Token("end", "the end", end)]


class _Parser:
    """Recursive descent, one method a rule of the grammar."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._next = 0

    def whole(self) -> Predicate:
        predicate = self._expression()
        self._expect("end")
        return predicate

    def _expression(self) -> Predicate:
        operands = [self._operand()]
        joint = self._peek().text if self._peek().kind == "word" else ""
        if joint not in {"AND", "OR"}:
            return operands[0]
        while self._accept("word", joint):
            operands.append(self._operand())
        if self._peek().text in {"AND", "OR"}:
            raise BadFilter("AND and OR need parentheses to stand side by side")
        return _all_of(operands) if joint == "AND" else _any_of(operands)

    def _operand(self) -> Predicate:
        if self._accept("word", "NOT") or self._accept("sign", "-"):
            return _opposite(self._primary())
        return self._primary()

    def _primary(self) -> Predicate:
        if self._accept("sign", "("):
            inner = self._expression()
            self._expect("sign", ")")
            return inner
        if self._accept("word", "hasPrefix"):
            return self._prefix()
        self._expect("word", "attributes")
        if self._accept("sign", ":"):
            return _has(self._key())
        self._expect("sign", ".")
        key = self._key()
        if self._accept("sign", "="):
            return _equals(key, self._string())
        self._expect("sign", "!=")
        return _opposite(_equals(key, self._string()))

    def _prefix(self) -> Predicate:
        self._expect("sign", "(")
        self._expect("word", "attributes")
        self._expect("sign", ".")
        key = self._key()
        self._expect("sign", ",")
        prefix = self._string()
        self._expect("sign", ")")
        return _begins(key, prefix)

    def _key(self) -> str:
        if self._peek().kind == "string":
            return self._string()
        token = self._expect("word")
        if token.text in _RESERVED:
            raise BadFilter(f"{token.text} is a reserved word: quote it at position {token.at}")
        return token.text

    def _string(self) -> str:
        return _ESCAPE.sub(_unescaped, self._expect("string").text[1:-1])

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _accept(self, kind: str, text: str) -> bool:
        token = self._peek()
        if token.kind != kind or token.text != text:
            return False
        self._next += 1
        return True

    def _expect(self, kind: str, text: str = "") -> _Token:
        token = self._peek()
        if token.kind != kind or (text and token.text != text):
            raise BadFilter(f"expected {text or kind}, found {token.text} at position {token.at}")
        self._next += 1
        return token


def _unescaped(escape: re.Match[str]) -> str:
    hexadecimal = escape[1] or escape[2] or escape[3]
    try:
        if hexadecimal:
            return chr(int(hexadecimal, 16))
        if escape[4]:
            return chr(int(escape[4], 8))
    except (ValueError, OverflowError):
        raise BadFilter(f"no character is meant by {escape[0]}") from None
    return _NAMED_ESCAPES.get(escape[5], escape[5])


def _has(key: str) -> Predicate:
    return lambda attributes: key in attributes


def _equals(key: str, value: str) -> Predicate:
    return lambda attributes: attributes.get(key) == value


def _begins(key: str, prefix: str) -> Predicate:
    return lambda attributes: key in attributes and attributes[key].startswith(prefix)


def _opposite(inner: Predicate) -> Predicate:
    return lambda attributes: not inner(attributes)


def _all_of(operands: list[Predicate]) -> Predicate:
    return lambda attributes: all(operand(attributes) for operand in operands)


def _any_of(operands: list[Predicate]) -> Predicate:
    return lambda attributes: any(operand(attributes) for operand in operands)
