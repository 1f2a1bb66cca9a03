"""The settings of whom to tell, and by which way: channels by name, and routes that choose among them.

Only their form stands here; the room notifications makes them work. Secrets are `SecretStr`, so that no page, log line
or error shows them.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_settings import NoDecode

Severity = Literal["critical", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("critical", "warning", "info")  # the worst first

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_MAILBOX = re.compile(r"[!-~]{1,64}@[A-Za-z0-9.-]{1,255}", re.ASCII)
_HOURS = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)\s*-\s*([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)
LEAST_KEY = 16


def _as_list(value: Any) -> Any:
    """One name, or several with commas between them, is a list of names."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_as_list)]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class DiscordChannel(_Form):
    """A webhook of a Discord channel."""

    kind: Literal["discord"]
    url: SecretStr
    quiet: bool = True


class EmailChannel(_Form):
    """Mail by way of an SMTP server."""

    kind: Literal["email"]
    server: str = Field(pattern=r"^[A-Za-z0-9.:-]{1,255}$")
    port: int = Field(587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    password: SecretStr = SecretStr("")
    sender: str
    to: Names = Field(min_length=1, max_length=50)
    quiet: bool = True

    @field_validator("sender", "to")
    @classmethod
    def _mailboxes(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for one in (value,) if isinstance(value, str) else value:
            if not _MAILBOX.fullmatch(one) or set(one) & set('<>,;"()'):
                msg = "must look like name@example.org"
                raise ValueError(msg)
        return value

    @model_validator(mode="after")
    def _no_password_in_the_clear(self) -> EmailChannel:
        if self.security == "none" and self.password.get_secret_value():
            msg = "a password needs security = starttls or tls"
            raise ValueError(msg)
        return self


class WebhookChannel(_Form):
    """JSON, signed, to a program of yours."""

    kind: Literal["webhook"]
    url: SecretStr
    key: SecretStr = Field(min_length=LEAST_KEY)
    private: bool = False
    quiet: bool = False


class NtfyChannel(_Form):
    """A topic of ntfy, at ntfy.sh or at home."""

    kind: Literal["ntfy"]
    url: SecretStr
    token: SecretStr = SecretStr("")
    private: bool = False
    quiet: bool = True

    @field_validator("token")
    @classmethod
    def _fit_for_a_header(cls, value: SecretStr) -> SecretStr:
        if not re.fullmatch(r"[!-~]*", value.get_secret_value(), re.ASCII):
            msg = "must be of visible ASCII characters"
            raise ValueError(msg)
        return value


class ConsoleChannel(_Form):
    """The server's own log."""

    kind: Literal["console"]
    quiet: bool = False


Channel = Annotated[
    DiscordChannel | EmailChannel | WebhookChannel | NtfyChannel | ConsoleChannel, Field(discriminator="kind")
]
ChannelName = Annotated[str, Field(pattern=rf"^{_NAME.pattern}$")]


class Route(_Form):
    """Incidents of this severity and worse, of these services on these nodes (`db*` is allowed; none means all), go to
    these channels.
    """

    channels: Names = Field(min_length=1)
    severity: Severity = "warning"
    services: Names = ()
    nodes: Names = ()


def hours_of(text: str) -> tuple[int, int] | None:
    """(from, until) in minutes after midnight; None for an empty text. Raises ValueError."""
    if not text:
        return None
    match = _HOURS.fullmatch(text.strip())
    begin, end = (int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])) if match else (0, 0)
    if begin == end:
        msg = "must be two times of day, such as 22:00-07:00"
        raise ValueError(msg)
    return begin, end
