"""Mail by SMTP: plain text alone, one thread for each incident.

The first mail's Message-ID and subject stay those of the thread (RFC 5322, section 3.6.4; some readers thread by
subject as well). A mail cannot be changed, so only what people must notice is sent: new, worse, closed, reopened.
Subjects are made of visible characters on one line, so that no title can write a header.
"""

from __future__ import annotations

import contextlib
import hashlib
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from email.message import EmailMessage
from email.utils import format_datetime

from devmesh.channels import EmailChannel
from devmesh.clock import Clock
from devmesh.notifications.model import Notice, NotSent, Sent, Told
from devmesh.notifications.wording import headline, plain
from devmesh.safe import safe

REPLY_S = 10.0  # for each answer of the server
WHOLE_S = 40.0  # for all of them: below the minute of a lease
SUBJECT = 200
PERMANENT = 500  # from this code on an answer is final (RFC 5321, section 4.2.1)
SHOWN = 160


class Email:
    """A list of recipients behind one server."""

    kind = "email"
    edits = False

    def __init__(self, form: EmailChannel, clock: Clock, zone: tzinfo, public_url: str) -> None:
        self._form, self._clock, self._zone, self._public_url = form, clock, zone, public_url
        self.secrets = (form.password.get_secret_value(),)

    def send(self, notice: Notice, before: Told | None) -> Sent:
        """One mail. Raises NotSent."""
        mail = self.write(notice, before)
        try:
            with self._session() as smtp:
                refused = smtp.send_message(mail, self._form.sender, list(self._form.to))
        except smtplib.SMTPRecipientsRefused as error:
            raise _refused(next(iter(error.recipients.values()))) from error
        except smtplib.SMTPResponseException as error:
            raise _refused((error.smtp_code, error.smtp_error)) from error
        except (smtplib.SMTPException, OSError) as error:  # ssl.SSLError is one
            raise NotSent(f"{self._form.server} cannot be used: {safe(str(error))[:SHOWN]}") from error
        taken = len(self._form.to) - len(refused)
        ref = before.ref if before and before.ref else f"{mail['Message-ID']} {mail['Subject']}"
        return Sent(ref, f"{self._form.server} took it for {taken} of {len(self._form.to)} recipients")

    def write(self, notice: Notice, before: Told | None) -> EmailMessage:
        """The mail; the same notice makes the same Message-ID, so that a repeat is known as one."""
        mail = EmailMessage()
        root, _, subject = before.ref.partition(" ") if before else ("", "", "")
        mail["From"], mail["To"] = self._form.sender, ", ".join(self._form.to)
        mail["Subject"] = f"Re: {subject}" if root else f"[DevMesh] {headline(notice)}"[:SUBJECT]
        mail["Date"] = format_datetime(datetime.fromtimestamp(self._clock.now_us() // 1_000_000, UTC))
        mail["Message-ID"] = self._id(notice)
        if root:
            mail["In-Reply-To"] = mail["References"] = root
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answer from who is on holiday
        mail.set_content(plain(notice, self._zone, self._public_url), cte="quoted-printable")
        return mail

    def _id(self, notice: Notice) -> str:
        said = f"{notice.incident_id} {notice.version} {notice.onset_us} {notice.title} {self._form.to}"
        domain = self._form.sender.rpartition("@")[2]
        return f"<devmesh-{hashlib.sha256(said.encode('utf-8', 'replace')).hexdigest()[:32]}@{domain}>"

    @contextlib.contextmanager
    def _session(self) -> Iterator[smtplib.SMTP]:
        """A connection that is greeted, encrypted and signed in; cut at WHOLE_S, however slowly the server drips."""
        form = self._form
        name = socket.gethostname()  # smtplib's own way may ask a DNS server for it
        if form.security == "tls":
            trust = ssl.create_default_context()
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(form.server, form.port, name, timeout=REPLY_S, context=trust)
        else:
            smtp = smtplib.SMTP(form.server, form.port, name, timeout=REPLY_S)
        watch = threading.Timer(WHOLE_S, _cut, [smtp])
        watch.daemon = True
        watch.start()
        try:
            if form.security == "starttls":
                smtp.starttls(context=ssl.create_default_context())
            if form.user:
                smtp.login(form.user, form.password.get_secret_value())
            yield smtp
            with contextlib.suppress(smtplib.SMTPException, OSError):  # the mail is taken, whatever comes now
                smtp.quit()
        finally:
            watch.cancel()
            smtp.close()


def _cut(smtp: smtplib.SMTP) -> None:
    with contextlib.suppress(OSError):
        if smtp.sock is not None:
            smtp.sock.shutdown(socket.SHUT_RDWR)


def _refused(said: tuple[int, bytes | str]) -> NotSent:
    code, words = said
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return NotSent(f"the mail server answered {code} ({safe(text)[:SHOWN]})", gone=code >= PERMANENT)
