"""Write the SHA-256 of the contract, abi.h and its parts in the order it includes them, as a C header."""

import hashlib
import re
import sys
from pathlib import Path

header, output = map(Path, sys.argv[1:])
text = header.read_text()
for part in re.findall(r'^#include "(abi/\w+\.h)"$', text, re.M):
    text += (header.parent / part).read_text()
rows = ", ".join(f"0x{byte:02x}" for byte in hashlib.sha256(text.encode()).digest())
output.write_text(f"#pragma once\n#define ABI_HASH_BYTES {{{rows}}}\n")
