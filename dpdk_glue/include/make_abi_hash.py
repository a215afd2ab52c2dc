"""Write the SHA-256 of abi.h as a C header."""

import hashlib
import sys
from pathlib import Path

header, output = map(Path, sys.argv[1:])
digest = hashlib.sha256(header.read_bytes()).digest()
rows = ", ".join(f"0x{byte:02x}" for byte in digest)
output.write_text(f"#pragma once\n#define ABI_HASH_BYTES {{{rows}}}\n")
