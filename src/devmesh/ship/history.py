"""What was sent: the tracks of all streams, kept in step with the server, and the opening of new epochs.

The server's coverage is the truth. On start and after each lost contact it is fetched: what the server no longer knows
is sent again, and where its marks contradict our journal a new epoch begins after the newest mark that still holds
(design, section 4).
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Tuple

from devmesh.ship.batch import Batch
from devmesh.ship.delivery import OK, Delivery, Verdict
from devmesh.ship.piece import Lost, Range, Stream, merged, missing
from devmesh.ship.track import Mark, Track

if TYPE_CHECKING:
    from devmesh.ship.server import Server
    from devmesh.ship.state import StateFile

_log = logging.getLogger("devmesh.ship")
KEPT_STREAMS = 5_000
ABSENT_LOOKS = 3


class History:
    """The tracks by stream id, and the state file they are kept in."""

    def __init__(self, state: StateFile, server: Server, delivery: Delivery, filters: List[Any]) -> None:
        self._state, self._server, self._delivery = state, server, delivery
        self.tracks: Dict[str, Track] = {}
        self.current = False  # the tracks agree with the server
        self._absent: Dict[str, int] = {}
        self.again: Optional[Dict[str, Any]] = None  # an unfinished --again, see again.py
        document = state.load() or {}
        for key, kept in document.get("streams", {}).items():
            self.tracks[key] = Track.restored(key, kept)
        self.filters = filters
        self.former_filters = document.get("former_filters", [])
        before = document.get("filters", [])
        if before != filters and document:
            self.former_filters = before
        self.again = document.get("again")
        # Gaps of epochs that are over, not reported yet.
        self.untold: List[Tuple[str, Lost]] = [(str(name), Lost(*gap)) for name, gap in document.get("untold", [])]

    def ids(self) -> List[str]:
        """Every stream id that this node has or the server knows of it."""
        return list(self.tracks)

    def marks_of(self, stream_id: str) -> List[Mark]:
        """What to recognise a stream's history by, newest first."""
        track = self.tracks.get(stream_id)
        return [] if track is None else track.newest_marks()

    def track(self, stream: Stream) -> Track:
        """The stream's track, a new one at first sight."""
        if stream.id not in self.tracks:
            self.tracks[stream.id] = Track(stream.id, stream.kind)
        return self.tracks[stream.id]

    def note_vanished(self, streams: List[Stream], log_paths: List[str]) -> None:
        """Count what of followed logs is gone unsent: absent in three looks, since a rename can hide a file from
        one.
        """
        present = {stream.id for stream in streams}
        followed = set(log_paths)
        for track in self.tracks.values():
            if track.high is None or track.id in present or track.base not in followed:
                self._absent.pop(track.id, None)
                continue
            self._absent[track.id] = self._absent.get(track.id, 0) + 1
            if self._absent[track.id] >= ABSENT_LOOKS:
                for lost in track.vanished():
                    _log.warning("gap=vanished stream=%s from=%d to=%d", track.name, lost.first, lost.last)
                    track.gaps.append(lost)

    def has_gaps(self) -> bool:
        """Whether there is a gap that the server was not told of."""
        return bool(self.untold) or any(track.gaps for track in self.tracks.values())

    def gaps(self) -> List[Tuple[str, Lost]]:
        """Those that the server was not told of, each with the name of its stream."""
        return self.untold + [(track.name, gap) for track in self.tracks.values() for gap in track.gaps]

    def save(self) -> None:
        """Write the state file; a failure is no loss, since the server knows as well."""
        names = list(self.tracks)[-KEPT_STREAMS:]
        try:
            self._state.save(
                {
                    "streams": {name: self.tracks[name].document() for name in names},
                    "filters": self.filters,
                    "former_filters": self.former_filters,
                    "again": self.again,
                    "untold": self.untold,
                }
            )
        except OSError as error:
            _log.warning("state=not_saved error=%s", error)

    def stored(self, batch: Batch, body: Dict[str, Any]) -> None:
        """A batch is stored. The answer names the ranges around it: where they are not ours, look at all that the
        server has, and its marks.
        """
        track = self.tracks[batch.stream.rpartition(";")[0]]
        track.acknowledged(batch.first, batch.last, batch.x)
        said = _ranges(body.get("coverage"))
        if said:
            ours = merged([*track.done, *((gap.first, gap.last) for gap in track.gaps)])
            if any(missing(ours, first, last) for first, last in said) or any(
                missing(said, first, last) for first, last in _around(track.done, batch.first, batch.last)
            ):
                self.current = False
        self.save()

    def heard_newest(self, said: Any) -> None:
        """The highest number that the server has of each stream: where ours is higher, hear all that it knows."""
        if isinstance(said, dict) and any(_below(said.get(one.name), one.done) for one in self.tracks.values()):
            self.current = False

    # -- the server's knowledge

    def fetch(self) -> Verdict:
        """Hear what the server knows; `compare` has to follow before anything is sent."""
        answer = self._server.state()
        known = None if answer.body is None else answer.body.get("streams")
        if answer.status in (401, 403):
            return self._delivery.refused(answer.status)
        if answer.status in (409, 426):
            return self._delivery.conflict(answer)
        if answer.status != HTTPStatus.OK or not isinstance(known, list):
            return self._delivery.later(answer.error or f"status {answer.status} on /ingest/state")
        self._take(known)
        self._delivery.succeeded()
        return OK

    def compare(self, streams: List[Stream]) -> Verdict:
        """Open an epoch for each stream that is not what the server's marks say."""
        for stream in streams:
            track = self.track(stream)
            if self._contradicted(stream, track):
                verdict = self.open_epoch(track, stream, track.newest_marks())
                if verdict.kind != "ok":
                    return verdict
        self.current = True
        self.save()
        return OK

    def _take(self, known: List[Any]) -> None:
        newest: Dict[str, Tuple[int, Any]] = {}
        for item in known:
            stream_id, epoch = _key(item)
            if stream_id and epoch >= newest.get(stream_id, (-1, None))[0]:
                newest[stream_id] = (epoch, item)
        for stream_id, (epoch, item) in newest.items():
            kind = "file" if "-" in stream_id else "journal"
            track = self.tracks.setdefault(stream_id, Track(stream_id, kind))
            before = track.done if track.epoch == epoch else []
            track.known_by_server(epoch, _ranges(item.get("coverage")), _pairs(item.get("marks")))
            lacking = [part for first, last in before for part in missing(track.done, first, last)]
            if lacking:
                _log.warning("server=knows_less stream=%s action=send_again first=%d", track.name, lacking[0][0])
        for track in self.tracks.values():
            if track.id not in newest and track.done:
                _log.warning("server=knows_less stream=%s action=send_again first=%d", track.name, track.done[0][0])
                track.known_by_server(track.epoch, [], [])
                track.floor = None  # what another server had, and the journal no longer has, is no gap of this one

    # -- other histories

    def behind(self, stream: Stream, track: Track) -> bool:
        """Whether the stream ends before what was sent of it: it was rolled back, or truncated."""
        extent = stream.extent()
        return (
            extent is not None
            and bool(track.done)
            and extent[1] < track.done[-1][1]
            and self._contradicted(stream, track)
        )

    def continues(self, stream: Stream, track: Track, first: int) -> bool:
        """Whether a log still has before `first` what was sent; one that was overwritten in place has not."""
        x = track.marks.get(first - 1)
        found = stream.x_at(first - 1) if x is not None and stream.kind == "file" else None
        return found is None or found == x

    def _contradicted(self, stream: Stream, track: Track) -> bool:
        """Whether the newest mark that the stream could have is not there, or is another entry."""
        extent = stream.extent()
        marks = track.newest_marks()
        if extent is None or not marks:
            return False
        low, high = extent
        if marks[0][0] > high:
            return True
        for seq, x in marks:
            if seq >= low:
                found = stream.x_at(seq)
                if found is not None:
                    return found != x
        return False

    def open_epoch(self, track: Track, stream: Stream, marks: List[Mark]) -> Verdict:
        """Begin another epoch after the newest mark that still holds; what is before it counts as sent."""
        extent = stream.extent()
        if extent is None:
            return OK
        held = next((m for m in marks if extent[0] <= m[0] <= extent[1] and stream.x_at(m[0]) == m[1]), None)
        old = track.name
        sent_to = track.done[-1][1] if track.done else (marks[0][0] if marks else 0)
        epoch = track.epoch + 1
        if held is not None:
            lowest = 0 if stream.kind == "file" else 1
            cover = Batch(f"{track.id};{epoch}", lowest, held[0], held[1], None, [])
            self.begin_epoch(track, epoch)
            verdict = self._delivery.send(cover)
            if verdict.kind != "ok":
                self.tracks[track.id] = track
                return verdict
        else:
            self.begin_epoch(track, epoch)
        begins = held[0] + 1 if held else extent[0]
        _log.warning("stream=forked old=%s new_epoch=%d begins=%d", old, epoch, begins)
        if sent_to >= begins:
            self.untold.append((old, Lost(begins, sent_to, False, "forked")))
        self.save()
        return OK

    def begin_epoch(self, track: Track, epoch: int) -> Track:
        """The stream's track in `epoch`: the present one, or a fresh one."""
        if track.epoch != epoch:
            self.untold += [(track.name, gap) for gap in track.gaps]
            self.tracks[track.id] = _fresh(track, epoch)
        return self.tracks[track.id]

    def reported(self, gaps: List[Tuple[str, Lost]]) -> None:
        """The server was told of these gaps: they are part of its coverage now."""
        told = set(gaps)
        self.untold = [one for one in self.untold if one not in told]
        for track in self.tracks.values():
            mine = [gap for gap in track.gaps if (track.name, gap) in told]
            if mine:
                track.done = merged([*track.done, *((gap.first, gap.last) for gap in mine)])
                track.gaps = [gap for gap in track.gaps if (track.name, gap) not in told]
        self.save()


def _fresh(track: Track, epoch: int) -> Track:
    fresh = Track(track.id, track.kind)
    fresh.epoch = epoch
    return fresh


def _key(item: Any) -> Tuple[str, int]:
    """(stream id, epoch) of one stream in the server's answer."""
    if not isinstance(item, dict) or type(item.get("epoch")) is not int:
        return "", 0
    return str(item.get("stream", "")), item["epoch"]


def _below(number: Any, done: List[Range]) -> bool:
    return bool(done) and (type(number) is not int or number < done[-1][1])


def _ranges(value: Any) -> List[Range]:
    return merged([(int(first), int(last)) for first, last in value]) if isinstance(value, list) else []


def _around(ranges: List[Range], first: int, last: int) -> List[Range]:
    """Those of `ranges` (sorted, disjoint) that overlap first..last, and the next one below and above."""
    start = sum(high < first for _low, high in ranges)
    end = sum(low <= last for low, _high in ranges)
    return ranges[max(start - 1, 0) : end + 1]


def _pairs(value: Any) -> List[Mark]:
    return [(int(seq), str(x)) for seq, x in value] if isinstance(value, list) else []
