"""Certificates for tests, made with the package trustme.

Imported by: testing.  Imports: trustme, when used.
"""

from __future__ import annotations

import shutil
import ssl
import tempfile
import weakref
from pathlib import Path
from typing import Any


class Certificates:
    """An authority of its own and what it has signed, as files that go when this object does.

    Threads: any.
    """

    def __init__(self, *hosts: str) -> None:
        """`hosts`: what the brokers' certificate is for; localhost and 127.0.0.1 by default.  ImportError without trustme."""
        import trustme

        self._authority = trustme.CA()
        self._server = self._authority.issue_cert(*(hosts or ("localhost", "127.0.0.1")))
        folder = Path(tempfile.mkdtemp(prefix="kafka-testing-"))
        self._remove = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        client = self._authority.issue_cert("client@kafka-testing.example", common_name="client")
        self.cafile = _written(folder / "ca.pem", self._authority.cert_pem)
        """The authority, for ssl_cafile."""
        self.client_certfile = _written(folder / "client.pem", *client.cert_chain_pems)
        """A certificate for clients, for ssl_certfile."""
        self.client_keyfile = _written(folder / "client.key", client.private_key_pem)
        """Its key, for ssl_keyfile."""

    def server_context(self, *, requires_client_certificate: bool = False) -> ssl.SSLContext:
        """For a cluster's ssl_context: TLS 1.2 or newer, on request with clients that have a certificate of the same authority only."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._server.configure_cert(context)
        if requires_client_certificate:
            context.verify_mode = ssl.CERT_REQUIRED
            self._authority.configure_trust(context)
        return context

    def client_context(self, *, with_certificate: bool = False) -> ssl.SSLContext:
        """For a client's ssl_context: it trusts this authority alone."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._authority.configure_trust(context)
        if with_certificate:
            context.load_cert_chain(self.client_certfile, self.client_keyfile)
        return context

    def remove(self) -> None:
        """Remove the files now."""
        self._remove()


def _written(path: Path, *blobs: Any) -> str:
    path.write_bytes(b"".join(blob.bytes() for blob in blobs))
    return str(path)
