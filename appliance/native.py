"""The C library, its functions, and numpy dtypes derived from the one contract, ``abi.h``.

Both headers are read as they were installed beside the library, so Python and C cannot disagree: each size
and offset the C compiler asserted is asserted here again.
"""

from __future__ import annotations

import functools
import hashlib
import re
from pathlib import Path
from typing import Any

from cffi import FFI

from appliance.errors import ApplianceError

_DIRECTORY = Path(__file__).parent / "_native"
_ASSERTION = re.compile(r"^(ABI_SIZE|ABI_AT)\((\w+)(?:,\s*(\w+))?,\s*(\d+)\);$", re.M)
_PART = re.compile(r'^#include "((?:abi|api)/\w+\.h)"$', re.M)
_CONSTANT = re.compile(r"^#define\s+(\w+)\s+(0x[0-9a-f]+|\d+)$", re.M)


class NativeError(ApplianceError):
    """The C library is missing, or does not fit the headers beside it."""


def _declarations(text: str) -> str:
    """Strip what a C compiler needs and cffi does not know."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    text = re.sub(r"^#(?:.*\\\n)*.*$", "", text, flags=re.M)
    text = _ASSERTION.sub("", text)
    return text.replace("API_EXPORT ", "")


def _read(name: str) -> str:
    try:
        return (_DIRECTORY / name).read_text()
    except FileNotFoundError:
        raise NativeError(
            f"{_DIRECTORY / name} is missing: the C library is not built; run ./provisioning/bootstrap setup"
        ) from None


@functools.cache
def _contract() -> str:
    """Return abi.h and its parts, in the order it includes them."""
    return _with_parts("abi.h")


def _with_parts(name: str) -> str:
    text = _read(name)
    return text + "".join(_read(part) for part in _PART.findall(text))


@functools.cache
def abi_hash() -> bytes:
    """SHA-256 of the contract, as every shared segment carries it."""
    return hashlib.sha256(_contract().encode()).digest()


@functools.cache
def constants() -> dict[str, int]:
    """Every ``#define NAME number`` of both headers."""
    text = _contract() + _with_parts("api.h")
    return {name: int(value, 0) for name, value in _CONSTANT.findall(text)}


@functools.cache
def ffi() -> FFI:
    """The contract as cffi types."""
    declared = FFI()
    abi = _contract()
    declared.cdef(_declarations(abi) + _declarations(_with_parts("api.h")))
    for kind, struct, member, number in _ASSERTION.findall(abi):
        ctype = declared.typeof(f"struct {struct}")
        found = declared.sizeof(ctype) if kind == "ABI_SIZE" else declared.offsetof(ctype, member)
        if found != int(number):
            raise NativeError(f"abi.h: {kind} {struct} {member} is {found} in Python, {number} in C")
    return declared


@functools.cache
def library() -> Any:
    """The C library itself."""
    path = _DIRECTORY / "libappliance.so"
    if not path.exists():
        raise NativeError(f"{path} is missing: run ./provisioning/bootstrap setup")
    return ffi().dlopen(str(path))


@functools.cache
def dtype(struct: str) -> Any:
    """Return the numpy dtype of one struct of the contract."""
    import numpy as np  # noqa: PLC0415  (half the start-up time of a command that may not need it)

    return np.dtype(_dtype_of(ffi().typeof(f"struct {struct}")))


def _dtype_of(ctype: Any) -> Any:
    match ctype.kind:
        case "primitive":
            return _dtype_of_number(ctype)
        case "enum":
            return "u4"
        case "pointer":  # an address means nothing here, but takes its place
            return "u8"
        case "array" if ctype.item.cname == "char":
            return f"S{ctype.length}"
        case "array":
            return (_dtype_of(ctype.item), (ctype.length,))
    return {
        "names": [name for name, _ in ctype.fields],
        "formats": [_dtype_of(field.type) for _, field in ctype.fields],
        "offsets": [field.offset for _, field in ctype.fields],
        "itemsize": ffi().sizeof(ctype),
    }


def _dtype_of_number(ctype: Any) -> str:
    if ctype.cname == "char":
        return "S1"
    kind = "f" if ctype.cname in ("float", "double") else "i" if ctype.cname.startswith("int") else "u"
    return f"{kind}{ffi().sizeof(ctype)}"
