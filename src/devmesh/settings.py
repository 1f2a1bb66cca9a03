"""Every setting of the house, once: name, type, default and what it is for.

Precedence: what the command line gives, then `DEVMESH_X`, then the bare names that users of the system know
(`GATEWAY_URL`, `EMBEDDING_MODEL`, `EMBEDDING_TIMEOUT`), then `.env`, then `devmesh.toml`, then the default. `sources()`
says for each value where it came from. `docs/settings.md` lists them all; a house test keeps it so.
"""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any

from pydantic import Field, PrivateAttr, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from devmesh.channels import Channel, ChannelName, Route, hours_of
from devmesh.errors import ConfigError, InvalidInput
from devmesh.when import zone_of

MIB = 1024 * 1024


# Also read from the environment and .env under these names alone, after the DEVMESH_ ones.
BARE = ("gateway_url", "embedding_model", "embedding_timeout")
_KINDS = "kind must be discord, email, webhook, ntfy or console"
_PLAIN = {
    "extra_forbidden": "nothing is called so here",
    "missing": "it is missing",
    "union_tag_invalid": _KINDS,
    "union_tag_not_found": _KINDS,
}


class _BareEnv(EnvSettingsSource):
    """The environment without the prefix, for the few names that have a bare form."""

    def __init__(self, settings_cls: type[BaseSettings]) -> None:
        super().__init__(settings_cls, env_prefix="")

    def __call__(self) -> dict[str, Any]:
        """Only the bare names: `PORT` or `HOST` mean other programs."""
        return {name: value for name, value in super().__call__().items() if name in BARE}


class _BareDotEnv(DotEnvSettingsSource):
    """The same for .env."""

    def __init__(self, settings_cls: type[BaseSettings]) -> None:
        super().__init__(settings_cls, env_prefix="")

    def __call__(self) -> dict[str, Any]:
        """Only the bare names."""
        return {name: value for name, value in super().__call__().items() if name in BARE}


def default_data_dir() -> Path:
    """Where data goes when nobody says otherwise: the system's place for root, the user's for people."""
    if os.geteuid() == 0:
        return Path("/var/lib/devmesh")
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "devmesh"


class Settings(BaseSettings):
    """All settings in force, frozen."""

    model_config = SettingsConfigDict(
        env_prefix="DEVMESH_",
        env_nested_delimiter="__",
        hide_input_in_errors=True,
        env_file=".env",
        toml_file="devmesh.toml",
        extra="ignore",
        frozen=True,
    )

    _flags: frozenset[str] = PrivateAttr(frozenset())

    data_dir: Path = Field(
        default_factory=default_data_dir, description="Folder of the embedded store and its lock file."
    )
    database_url: str = Field(
        "",
        description="URL of the store: mysql+pymysql://user@host/database, or host1,host2,host3 of a Galera cluster; "
        "empty: SQLite in the data folder.",
    )
    allow_unsafe: bool = Field(
        False, description="Take a database server that loses the last commits in a power cut (flush at commit is off)."
    )
    host: str = Field("127.0.0.1", description="Address to listen on; another than loopback needs a token first.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    ui: bool = Field(True, description="Serve the pages at /ui; false spares 11 MB of memory.")
    timezone: str = Field("", description="Zone of rhythms and reports (Europe/Berlin); empty: the server's own.")
    stop_timeout_s: float = Field(
        35.0, gt=0, description="Seconds that stopping may take; then the server ends as it stands, with 1."
    )
    log_level: str = Field("info", description="How much the server says of itself: debug, info, warning, error.")

    retention_days: int = Field(90, ge=1, description="Days that single events are kept; counts stay for years.")
    disk_reserve_mb: int = Field(
        500, ge=1, description="Free space below which nothing more is taken in (503 storage_full)."
    )
    disk_reserve_percent: float = Field(
        5.0, ge=0, le=50, description="The same as a share of the disk; the smaller of both holds."
    )
    wal_limit_mb: int = Field(
        256, ge=8, description="Size at which the store's write-ahead log is folded back in full."
    )

    max_body_bytes: int = Field(8 * MIB, ge=1024, description="Largest body of a request to /ingest as it arrives.")
    max_plain_bytes: int = Field(64 * MIB, ge=1024, description="Largest body after decompression.")
    max_events: int = Field(50_000, ge=1, description="Most events in one request.")
    max_line_bytes: int = Field(MIB, ge=256, description="Longest line; a longer one is rejected alone.")
    max_message_bytes: int = Field(32 * 1024, ge=64, description="Bytes of a message that are kept.")
    max_fields: int = Field(64, ge=1, description="Most further fields of an event.")
    max_connections: int = Field(200, ge=1, description="Connections served at once.")
    max_waiting_bytes: int = Field(
        64 * MIB, ge=MIB, description="Bytes that may wait for the writer before it answers 503."
    )
    readers: int = Field(
        1,
        ge=0,
        le=16,
        description="Processes that help to read what comes in, on other cores; they are there only under load.",
    )
    min_body_rate: int = Field(10_000, ge=1, description="Slowest body in bytes a second, over each 30 s.")
    node_quota_bytes_per_s: int = Field(0, ge=0, description="Quota of one node in plain bytes a second; 0: none.")

    max_nodes: int = Field(10_000, ge=1, description="Nodes; further ones are stored as <overflow>.")
    max_services: int = Field(10_000, ge=1, description="Services; further ones are stored as <overflow>.")
    max_templates_per_service: int = Field(20_000, ge=1, description="Live templates of one service.")
    max_templates: int = Field(200_000, ge=1, description="Live templates of all services together.")
    max_new_templates_per_minute: int = Field(10_000, ge=1, description="New templates a minute of one service.")

    embedding_provider: str = Field(
        "", description="local, gateway or off; empty: gateway where one is set, else local."
    )
    gateway_url: str = Field("", description="Base URL of an OpenAI-compatible gateway.")
    gateway_token: SecretStr = Field(SecretStr(""), description="Bearer token for the gateway, where it wants one.")
    embedding_model: str = Field("", description="Model name asked of the gateway.")
    embedding_timeout: float = Field(30.0, gt=0, description="Seconds for one request.")
    embedding_batch: int = Field(
        64, ge=1, le=2048, description="Families embedded in one step; a gateway is asked for 32 at a time."
    )
    embedding_delay_s: float = Field(0.0, ge=0, description="Pause between batches; spares a hot GPU.")

    graph_url: str = Field(
        "",
        description="Graph engine: falkordb://user:password@host:6379/name of a server, or off; empty: one of its own.",
    )

    ship_connections: bool = Field(
        True,
        description="`devmesh up` also looks which services of its machine connect where, for the graph. On others "
        "that is off unless the agent is started with it: `DEVMESH_SHIP_CONNECTIONS=1`.",
    )

    learn_hours: int = Field(
        48, ge=1, le=672, description="Hours of a new store in which detectors only learn what is normal."
    )
    tell_from: float = Field(
        3.0, ge=2, le=6, description="Evidence from which an incident is told, in powers of ten against luck."
    )
    detectors_off: str = Field("", description="Detectors that find nothing, by name, with commas: `louder, quieter`.")

    channels: dict[ChannelName, Channel] = Field({}, description="Ways to tell people of incidents, by name.")
    routes: tuple[Route, ...] = Field(
        (), description="Which incidents go to which channels; none: warnings and worse go to every channel."
    )
    public_url: str = Field("", description="Address under which people open the pages, for links in messages.")
    quiet_hours: str = Field("", description="Hours without messages, such as 22:00-07:00, in `DEVMESH_TIMEZONE`.")
    quiet_critical: bool = Field(False, description="Let critical incidents wait for the end of quiet hours, too.")
    messages_per_minute: int = Field(
        10, ge=1, le=60, description="Most messages a minute in one channel; what is more comes as one summary."
    )

    @field_validator("quiet_hours")
    @classmethod
    def _known_hours(cls, value: str) -> str:
        hours_of(value)
        return value

    @field_validator("public_url")
    @classmethod
    def _plain_address(cls, value: str) -> str:
        if value and not re.fullmatch(r"https?://[A-Za-z0-9.\[\]:-]+(/[!-~]*)?", value):
            msg = "must look like https://devmesh.example.org"
            raise ValueError(msg)
        return value.rstrip("/")

    @field_validator("routes")
    @classmethod
    def _known_channels(cls, value: tuple[Route, ...], info: ValidationInfo) -> tuple[Route, ...]:
        known = info.data.get("channels", {})
        for name in (name for route in value for name in route.channels):
            if name not in known:
                msg = f"there is no channel {name!r}; there are: {', '.join(sorted(known)) or 'none'}"
                raise ValueError(msg)
        return value

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, value: str) -> str:
        if value.lower() not in {"debug", "info", "warning", "error"}:
            msg = "must be debug, info, warning or error"
            raise ValueError(msg)
        return value.lower()

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            zone_of(value)
        except InvalidInput as error:
            msg = f"there is no time zone {value!r}; names look like Europe/Berlin"
            raise ValueError(msg) from error
        return value

    @field_validator("embedding_provider")
    @classmethod
    def _known_provider(cls, value: str) -> str:
        if value not in {"", "local", "gateway", "off"}:
            msg = "must be local, gateway or off"
            raise ValueError(msg)
        return value

    def __init__(self, **flags: Any) -> None:
        super().__init__(**flags)
        self._flags = frozenset(flags)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The order of precedence, first wins."""
        del env_settings, dotenv_settings, file_secret_settings
        return init_settings, *(source for _label, source in cls._places(settings_cls))

    @staticmethod
    def _places(settings_cls: type[BaseSettings]) -> list[tuple[str, PydanticBaseSettingsSource]]:
        """Where values are looked for after the flags, in order, with the name of each place."""
        return [
            ("environment", EnvSettingsSource(settings_cls)),
            ("environment", _BareEnv(settings_cls)),
            (".env", DotEnvSettingsSource(settings_cls)),
            (".env", _BareDotEnv(settings_cls)),
            ("devmesh.toml", TomlConfigSettingsSource(settings_cls)),
        ]

    @property
    def store_url(self) -> str:
        """The URL in force: the one set, else SQLite in the data folder."""
        return self.database_url or f"sqlite:///{self.data_dir / 'devmesh.db'}"

    def sources(self) -> dict[str, str]:
        """Where each value came from: flag, environment, .env, devmesh.toml or default."""
        found = dict.fromkeys(type(self).model_fields, "default")
        for label, source in reversed(self._places(type(self))):
            found |= dict.fromkeys(source().keys() & found.keys(), label)
        return found | dict.fromkeys(self._flags, "flag")


def load_settings(**flags: Any) -> Settings:
    """The settings in force; `flags` are the command line's (None means not given).

    Raises ConfigError that names the setting, or the file that cannot be read.
    """
    try:
        return Settings(**{name: value for name, value in flags.items() if value is not None})
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f"The file devmesh.toml cannot be read: {error}.", hint="A line looks like this: port = 8080"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError("The file devmesh.toml or .env is not UTF-8 text.", hint="Save it as UTF-8.") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = [str(part) for part in first["loc"]] or ["settings"]
        if place[0] == "channels":
            del place[2:3]  # the channel's kind, which nobody wrote there
        why = _PLAIN.get(first["type"]) or first["msg"].removeprefix("Value error, ")
        name = place[0].removeprefix("devmesh_")
        raise ConfigError(
            f"The setting {'.'.join(place)} cannot be used: {why}.",
            hint=f"Correct DEVMESH_{name.upper()} or its line in devmesh.toml.",
        ) from error
    except SettingsError as error:
        name = next((name for name in Settings.model_fields if f'"{name}"' in str(error)), "settings")
        raise ConfigError(
            f"The setting {name} cannot be used: it is no JSON.",
            hint=f'Correct DEVMESH_{name.upper()}; a list looks like ["a", "b"]. devmesh.toml is easier to write.',
        ) from error
