"""A certificate authority of our own and certificates that it signs, made by openssl, for tests of TLS."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

CA_EXTENSIONS = ("basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign")


@dataclass(frozen=True)
class Authority:
    """Signs certificates; `certificate` is what clients are told to believe."""

    folder: Path
    certificate: Path
    key: Path

    @classmethod
    def make(cls, folder: Path, name: str) -> Authority:
        """A new one."""
        certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
        _openssl(
            "req", "-x509", *_new_key(key), "-days", "2", "-subj", f"/CN={name}", "-out", str(certificate),
            *(part for one in CA_EXTENSIONS for part in ("-addext", one)),
        )  # fmt: skip
        return cls(folder, certificate, key)

    def sign(self, name: str, host: str, *, days: int = 2) -> Path:
        """A certificate and its key in one file, for `host` (`DNS:…` or `IP:…`); days < 0: it has expired."""
        request, key = self.folder / f"{name}.csr", self.folder / f"{name}.key"
        certificate, whole = self.folder / f"{name}.crt", self.folder / f"{name}.pem"
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName={host}\nauthorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n")
        _openssl("req", *_new_key(key), "-subj", f"/CN={name}", "-out", str(request))
        _openssl(
            "x509", "-req", "-in", str(request), "-CA", str(self.certificate), "-CAkey", str(self.key),
            "-CAcreateserial", "-days", str(days), "-extfile", str(extensions), "-out", str(certificate),
        )  # fmt: skip
        whole.write_bytes(certificate.read_bytes() + key.read_bytes())
        return whole


def _new_key(path: Path) -> tuple[str, ...]:
    return "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", str(path)


def _openssl(*arguments: str) -> None:
    if shutil.which("openssl") is None:
        if os.environ.get("CI"):
            pytest.fail("openssl is not installed")
        pytest.skip("openssl is not installed")
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
