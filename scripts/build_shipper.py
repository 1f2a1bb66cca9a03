"""Build dist/devmesh-shipper.pyz: the agent as one file to copy, for any Python from 3.9 on.

Inside: devmesh.ship and PyYAML (its Python part; its licence goes with it), nothing else. The same sources give the
same bytes.

    python scripts/build_shipper.py [OUTPUT]
"""

from __future__ import annotations

import io
import stat
import sys
import zipfile
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHEBANG = b"#!/usr/bin/env python3\n"
EPOCH = (1980, 1, 1, 0, 0, 0)
MAIN = "import sys\n\nfrom devmesh.ship.__main__ import main\n\nsys.exit(main())\n"


def members() -> dict[str, bytes]:
    """What the archive holds, by name."""
    found = {"__main__.py": MAIN.encode(), "devmesh/__init__.py": b'"""Room for the agent alone."""\n'}
    for path in (ROOT / "src" / "devmesh" / "ship").glob("*.py"):
        found[f"devmesh/ship/{path.name}"] = path.read_bytes()
    distribution = metadata.distribution("PyYAML")
    for file in distribution.files or []:
        name = file.as_posix()
        if name.startswith("yaml/") and name.endswith(".py"):
            found[name] = Path(str(file.locate())).read_bytes()
        elif name.endswith("LICENSE"):
            found["yaml/LICENSE"] = Path(str(file.locate())).read_bytes()
    if "yaml/__init__.py" not in found:
        raise SystemExit("PyYAML's sources are not where its metadata says; install it with pip first")
    return found


def build(output: Path) -> Path:
    """Write the archive, executable, and give its path back."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in sorted(members().items()):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_bytes(SHEBANG + packed.getvalue())
    output.chmod(output.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    return output


if __name__ == "__main__":
    made = build(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dist" / "devmesh-shipper.pyz")
    sys.stdout.write(f"{made} {made.stat().st_size} bytes\n")
