"""Write the parts of docs/ that code knows better: the table of settings. `tests/house/test_docs.py` compares.

python scripts/make_docs.py
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from pydantic.fields import FieldInfo

from devmesh.settings import BARE, Settings

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "settings.md"
BEGIN, END = "<!-- table: scripts/make_docs.py -->", "<!-- end of table -->"
FLAGS = {"data_dir": "--data-dir", "host": "--host", "port": "--port"}
HEAD = ("Setting", "Other names", "Default", "What it is for")


def settings_table() -> str:
    """Every setting as a row of a Markdown table."""
    rows = [_row(name, field) for name, field in Settings.model_fields.items()]
    lines = [HEAD, tuple("---" for _ in HEAD), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _row(name: str, field: FieldInfo) -> tuple[str, str, str, str]:
    others = [FLAGS[name]] if name in FLAGS else []
    others += [name.upper()] if name in BARE else []
    return (
        f"`DEVMESH_{name.upper()}`",
        ", ".join(f"`{one}`" for one in others),
        _default(field),
        field.description or "",
    )


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return "`/var/lib/devmesh` for root, else `~/.local/share/devmesh`"
    return "(empty)" if field.default in ("", (), {}) else f"`{field.default}`"


def with_table(page: str) -> str:
    """The page with the table of today between its two marks."""
    fresh = f"{BEGIN}\n{settings_table()}\n{END}"
    return re.sub(f"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _match: fresh, page, flags=re.DOTALL)


if __name__ == "__main__":
    page = PAGE.read_text()
    PAGE.write_text(with_table(page))
    sys.stdout.write(f"{PAGE.relative_to(ROOT)}: {len(Settings.model_fields)} settings\n")
