"""What package managers write: names with their machine, versions, and long lists of both."""

from __future__ import annotations

from devmesh.templates.fold import HEX_MARK, UUID_MARK
from devmesh.templates.rules_v1.rule import Group, Rule

_MARKED = HEX_MARK + UUID_MARK
_VERSION = f"0[{_MARKED}0A-Za-z.:+~^_-]*"
_DEB = "amd0|arm0|armhf|armel|i0|ppc0el|riscv0|s0x|mips0el"
_RPM = "x0_0|aarch0|noarch|i0|ppc0le|s0x"

PACKAGES = Group(
    "packages",
    rf":(?:{_DEB}|all)(?-u:\b)|\.(?:{_RPM})(?-u:\b)",
    (
        Rule("package", rf"(?-u:\b)[a-z0][{_MARKED}a-z0+.-]*:(?:{_DEB})(?-u:\b)", "<package>"),
        Rule("package-all", r"(?-u:\b)[a-z0][a-z0+.-]*:all ([(<]?[0<n])", "<package> ${1}"),
        Rule(
            "package-rpm",
            rf"(?-u:\b)[A-Za-z0][A-Za-z0_+.-]*-(?:0:)?0[{_MARKED}0A-Za-z.+~^_]*-0[0A-Za-z.~^_]*\.(?:{_RPM})(?-u:\b)",
            "<package>",
        ),
        Rule("version", rf"<package> {_VERSION}", "<package> <version>"),
        Rule("version-second", rf"<package> <version> {_VERSION}", "<package> <version> <version>"),
        Rule("version-first", rf"<package> <none> {_VERSION}", "<package> <none> <version>"),
        Rule(
            "version-in-brackets",
            rf"<package> \({_VERSION}(?:, (?:automatic|{_VERSION}))*\)",
            "<package> (<version>)",
        ),
    ),
)

PACKAGE_LISTS = Group(
    "package-lists",
    r"<version>\), <package>",
    (Rule("packages", r"<package> \(<version>\)(?:, <package> \(<version>\))+", "<package> (<version>)"),),
)
