"""Values for the `{slots}` of texts, whole columns at a time.

`{name}`, `{name:argument}`, `{name.2:argument}` for a second value of the same kind in one saying.
Numbers: `int:a-b` (even), `skew:a-b` (small ones are common, as with sizes), `dec:a-b:digits`, `pad:a-b:width`.
Text: `pick:a|b|c`, `hex:n`, `key:n` (base64), `uuid`.
People and machines: `user`, `lan`, `wan`, `port`, `mac`, `domain`, `path`, `agent`, `stranger`, `model`, `table`.
The speaker: `node`, `ip`, `service`, `unit`, `description`, `comm`, `pid`, `peer`, `peer_ip`, `peer_name`, `peer_port`.
Time: `time:FORMAT` as strftime has it, with `%L` (milliseconds) and `%f`.
"""

from __future__ import annotations

import base64
import datetime as dt
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from devmesh.simulate.errors import SimulationError
from devmesh.simulate.pools import POOLS

HOUR_US = 3_600_000_000
FEW = 4
Random = np.random.Generator
Column = Sequence[Any]
TIME = "time:"
_MM_SS = [f"{second // 60:02}:{second % 60:02}" for second in range(3600)]


def column(key: str, count: int, random: Random, fixed: Mapping[str, str]) -> Column:
    """`count` values of the slot `key`; `fixed` holds those that the speaker or a fault decides.

    Raises SimulationError for a slot that there is not.
    """
    if key in fixed:
        return [fixed[key]] * count
    name, _colon, argument = key.partition(":")
    name = name.partition(".")[0]
    if name in fixed:
        return [fixed[name]] * count
    if name in POOLS:
        return _chosen(POOLS[name], count, random)
    maker = _MAKERS.get(name)
    if maker is None:
        raise SimulationError(f"There is no slot {{{key}}}.", f"There are {', '.join([*_MAKERS, *POOLS])}.")
    return maker(argument, count, random)


def _chosen(pool: Sequence[str], count: int, random: Random) -> Column:
    if count == 1:
        return [pool[int(random.integers(len(pool)))]]
    return [pool[n] for n in (random.random(count) * len(pool)).astype(np.int64).tolist()]


def _pick(argument: str, count: int, random: Random) -> Column:
    return _chosen(argument.split("|"), count, random)


def _int(argument: str, count: int, random: Random) -> Column:
    low, high = argument.split("-")
    return (random.random(count) * (int(high) + 1 - int(low)) + int(low)).astype(np.int64).tolist()  # type: ignore[no-any-return]


def _pad(argument: str, count: int, random: Random) -> Column:
    span, _colon, width = argument.partition(":")
    return [str(one).zfill(int(width)) for one in _int(span, count, random)]


def _floats(argument: str, count: int, random: Random) -> NDArray[np.float64]:
    low, high = (float(one) for one in argument.split("-"))
    bottom = math.log(max(low, 1e-6))
    return np.exp(bottom + (math.log(high) - bottom) * random.random(count) ** 1.6)


def _skew(argument: str, count: int, random: Random) -> Column:
    return _floats(argument, count, random).astype(np.int64).tolist()  # type: ignore[no-any-return]


def _dec(argument: str, count: int, random: Random) -> Column:
    span, _colon, digits = argument.partition(":")
    form = f"%.{digits or 1}f"
    return [form % one for one in _floats(span, count, random).tolist()]


def _hex(argument: str, count: int, random: Random) -> Column:
    width = int(argument)
    text = random.bytes((width * count + 1) // 2).hex()
    return [text[n * width : (n + 1) * width] for n in range(count)]


def _key(argument: str, count: int, random: Random) -> Column:
    width = int(argument)
    text = base64.b64encode(random.bytes(width * count)).decode()
    return [text[n * width : (n + 1) * width] for n in range(count)]


def _uuid(argument: str, count: int, random: Random) -> Column:
    del argument
    return [f"{one[:8]}-{one[8:12]}-4{one[13:16]}-a{one[17:20]}-{one[20:]}" for one in _hex("32", count, random)]


def _wan(argument: str, count: int, random: Random) -> Column:
    del argument
    parts = random.integers(1, 255, (count, 3)).tolist()
    return [f"{_WAN[a % len(_WAN)]}.{a}.{b}.{c}" for a, b, c in parts]


def _mac(argument: str, count: int, random: Random) -> Column:
    del argument
    return [":".join(one[n : n + 2] for n in range(0, 12, 2)) for one in _hex("12", count, random)]


_WAN = (45, 61, 80, 87, 91, 103, 141, 152, 162, 185, 194, 218)
_MAKERS: dict[str, Callable[[str, int, Random], Column]] = {
    "int": _int, "pad": _pad, "skew": _skew, "dec": _dec, "hex": _hex, "key": _key, "uuid": _uuid, "pick": _pick,
    "wan": _wan, "mac": _mac, "port": lambda _a, count, random: _int("32768-60999", count, random),
}  # fmt: skip


def times(form: str, ts_us: NDArray[np.int64]) -> Column:
    """Each instant of `ts_us` in UTC as `form` (strftime, `%L` for milliseconds, `%f`) writes it."""
    head, clock, tail = form.partition("%H:%M:%S")
    if not clock or len(ts_us) < FEW:
        return [_time(form, one) for one in ts_us.tolist()]
    hours = (ts_us // HOUR_US).tolist()
    starts = {one: dt.datetime.fromtimestamp(one * 3600, dt.UTC) for one in set(hours)}
    before = {one: start.strftime(head) + f"{start.hour:02}:" for one, start in starts.items()}
    seconds = (ts_us % HOUR_US // 1_000_000).tolist()
    if tail and tail[:3] in {".%f", ".%L"}:
        digits = 6 if tail[2] == "f" else 3
        micros = (ts_us % 1_000_000 // (1 if digits == 6 else 1_000)).tolist()  # noqa: PLR2004
        tail = tail[3:]
        return [
            f"{before[h]}{_MM_SS[s]}.{str(u).zfill(digits)}{tail}"
            for h, s, u in zip(hours, seconds, micros, strict=True)
        ]
    if "%" in tail:
        return [_time(form, one) for one in ts_us.tolist()]
    return [f"{before[h]}{_MM_SS[s]}{tail}" for h, s in zip(hours, seconds, strict=True)]


def _time(form: str, ts_us: int) -> str:
    micros = f"{ts_us % 1_000_000:06}"
    return dt.datetime.fromtimestamp(ts_us // 1_000_000, dt.UTC).strftime(
        form.replace("%L", micros[:3]).replace("%f", micros)
    )
