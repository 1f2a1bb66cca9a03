"""TLS: whom the agent believes, and what is wrong where it does not. There is no way to switch the checks off."""

from __future__ import annotations

import ssl
from typing import Optional

from devmesh.ship.errors import OptionsError

# OpenSSL's numbers (openssl-verification-options(1)): a chain that ends in no certificate that is trusted here.
UNTRUSTED = frozenset((2, 18, 19, 20, 21))


def context_for(tls_ca: Optional[str], *, https: bool) -> Optional[ssl.SSLContext]:
    """How to speak TLS; None for http. `tls_ca` is a file of authorities, believed instead of the system's.

    Raises OptionsError for a file that cannot be used, or one that is named where no TLS is spoken.
    """
    if not https:
        if tls_ca:
            raise OptionsError("--tls-ca needs TLS: write --to https://…")
        return None
    try:
        return ssl.create_default_context(cafile=tls_ca)
    except ssl.SSLError as error:
        msg = f"--tls-ca {tls_ca!r} holds no certificate that can be read: PEM is needed (-----BEGIN CERTIFICATE-----)"
        raise OptionsError(msg) from error
    except OSError as error:
        msg = f"--tls-ca {tls_ca!r} cannot be read: {error.strerror}"
        raise OptionsError(msg) from error


def trouble(error: ssl.SSLError) -> str:
    """What failed, for people."""
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in UNTRUSTED:
            why = "no authority that is trusted here signed it; --tls-ca FILE names your own"
        else:
            why = error.verify_message.rstrip(".")
        return f"the server's certificate is refused, nothing was sent: {why}"
    if error.reason in {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"}:
        return "no TLS is spoken there, nothing was sent; http:// would be without it"
    return f"TLS failed: {error.reason or error}"
