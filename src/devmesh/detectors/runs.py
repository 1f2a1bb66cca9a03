"""When rare lines began a run: the last nine of each key in columns, for there are many; more of those with a plan."""

from __future__ import annotations

from array import array
from collections.abc import MutableMapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from devmesh.detectors.model import Plan
from devmesh.detectors.plans import LEAST_WEEKS, RUNS, STARTS, may_have_plan, plan_of
from devmesh.memory import Columns, Large

PAUSE_MIN = 8
NEVER = -(1 << 40)

Ints = npt.NDArray[np.int64]
Keys = npt.NDArray[np.intp]


@dataclass(slots=True)
class Times:
    """The runs of a key that has a plan, or had one."""

    starts: array[int] = field(default_factory=lambda: array("q"))
    last: int = NEVER
    told: bool = False
    plan: Plan | None = None
    known: bool = False  # whether there is a plan
    unseen: tuple[int, ...] = ()  # when it should have come while nobody could see

    def __deepcopy__(self, _memo: object) -> Times:
        """The watch is copied each minute."""
        return Times(self.starts[:], self.last, self.told, self.plan, self.known, self.unseen)

    def heard(self, minute: int) -> None:
        """Remember a line; after a pause it is one more run."""
        if minute - self.last >= PAUSE_MIN:
            if self.unseen and self.plan is not None and minute - self.unseen[-1] < self.plan.period / 2:
                self.unseen = self.unseen[:-1]  # it was that one
            self.starts.append(minute)
            del self.starts[: -(STARTS if self.plan is None else RUNS)]
            self.unseen = tuple(one for one in self.unseen if one > self.starts[0])
            self.told = self.known = False
        self.last = minute

    def waive(self, minute: int) -> None:
        """Take what should have come then as come."""
        self.unseen = (*self.unseen, minute)[-RUNS:]
        self.known = False

    def planned(self) -> Plan | None:
        """Its plan, from what is known now."""
        if not self.known:
            self.plan, self.known = plan_of(self.starts, self.unseen), True
        return self.plan


class Runs:
    """Of all keys; `planned` are those that have a plan."""

    def __init__(self) -> None:
        self._keys = Columns(
            last=(int, NEVER), n=(int, 0), fresh=(bool, False), planned=(bool, False),
            starts=(np.dtype((np.int32, (STARTS,))), 0),
        )  # fmt: skip
        self.planned: MutableMapping[int, Times] = Large()

    def grow(self, n: int) -> None:
        """Make room for keys below `n`."""
        while len(self._keys) < n:
            self._keys.add()

    def has_plan(self, keys: Keys) -> npt.NDArray[np.bool_]:
        """By key whether it is one of `planned`."""
        out: npt.NDArray[np.bool_] = self._keys["planned"][keys]
        return out

    def forget(self, keys: Keys) -> None:
        """Keys that are not rare any more."""
        for key in keys[self.has_plan(keys)].tolist():
            del self.planned[key]
        for name, nothing in (("last", NEVER), ("n", 0), ("fresh", False), ("planned", False)):
            self._keys[name][keys] = nothing

    def hear(self, keys: Keys, minutes: Ints) -> None:
        """Lines of keys that have no plan, n of each, none before one that was heard already."""
        state = self._keys
        order = np.lexsort((minutes, keys))
        keys, minutes = keys[order], minutes[order]
        other = np.diff(keys, prepend=-1) != 0
        begun = minutes - np.where(other, state["last"][keys], np.roll(minutes, 1)) >= PAUSE_MIN
        ends = np.flatnonzero(np.roll(other, -1))  # the last row of each key
        state["last"][keys[ends]] = minutes[ends]
        keys, minutes = keys[begun], minutes[begun]
        while len(keys):  # the first of each key, then the second, …
            first = np.diff(keys, prepend=-1) != 0
            self._begin(keys[first], minutes[first])
            keys, minutes = keys[~first], minutes[~first]

    def _begin(self, keys: Keys, minutes: Ints) -> None:
        starts, n = self._keys["starts"], self._keys["n"]
        full = keys[n[keys] == STARTS]
        starts[full] = np.roll(starts[full], -1, axis=1)
        n[full] -= 1
        starts[keys, n[keys]] = minutes
        n[keys] += 1
        self._keys["fresh"][keys] = True

    def settle(self) -> None:
        """Sort keys by whether they have a plan now."""
        state = self._keys
        for key, one in list(self.planned.items()):
            if not one.known and self.planned[key].planned() is None and not one.unseen:
                self._demote(key, self.planned.pop(key))
        fresh = np.flatnonzero(state["fresh"])
        state["fresh"] = False
        fresh = fresh[state["n"][fresh] >= LEAST_WEEKS]
        for key in fresh[may_have_plan(state["starts"][fresh], state["n"][fresh])].tolist():
            starts = array("q", state["starts"][key, : state["n"][key]].tolist())
            one = Times(starts, int(state["last"][key]))
            if one.planned() is not None:
                self.planned[key], state["planned"][key] = one, True

    def _demote(self, key: int, one: Times) -> None:
        state, starts = self._keys, one.starts[-STARTS:]
        state["starts"][key, : len(starts)] = starts
        for name, value in (("last", one.last), ("n", len(starts)), ("planned", False)):
            state[name][key] = value

    def plan(self, key: int) -> Plan | None:
        """The plan of a key by now."""
        if self._keys["planned"][key]:
            return self.planned[key].planned()
        n = int(self._keys["n"][key]) if self._keys["fresh"][key] else 0
        return plan_of(self._keys["starts"][key, :n].tolist())

    def last(self, key: int) -> int:
        """The minute in which a key was last heard."""
        return self.planned[key].last if self._keys["planned"][key] else int(self._keys["last"][key])
