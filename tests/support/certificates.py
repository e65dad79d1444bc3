"""Certificates for receivers, made with openssl(1) in a folder of the test's own."""

import os
import shutil
import ssl
import subprocess

_CA_CONFIG = """\
[ca]
default_ca = ours
[ours]
dir = {folder}
database = {folder}/index.txt
new_certs_dir = {folder}
serial = {folder}/serial
certificate = {folder}/ca.pem
private_key = {folder}/ca.key
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
"""


class Certificates:
    """A CA and the server certificates it signed. ca is the path of its certificate."""

    def __init__(self, folder):
        self.folder = str(folder)
        os.makedirs(self.folder, exist_ok=True)
        self.ca = self._path("ca.pem")
        self._write("openssl.cnf", _CA_CONFIG.format(folder=self.folder))
        self._write("index.txt", "")
        self._write("serial", "01\n")
        self._openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", self._path("ca.key"), "-out", self.ca, "-days", "30",
            "-subj", "/CN=Roomhook tests CA", "-addext", "basicConstraints=critical,CA:true",
        )  # fmt: skip

    def good(self):
        """(certificate, key) for 127.0.0.1, ::1 and localhost."""
        return self._server("good", "IP:127.0.0.1,IP:::1,DNS:localhost")

    def expired(self):
        """The same, but its time is over."""
        return self._server(
            "expired",
            "IP:127.0.0.1,IP:::1,DNS:localhost",
            "-startdate", "20200101000000Z", "-enddate", "20200201000000Z",
        )  # fmt: skip

    def wrong_name(self):
        """Valid, but for another host."""
        return self._server("wrong-name", "DNS:elsewhere.example")

    @staticmethod
    def server_context(pair, **options):
        """An ssl.SSLContext for a Receiver."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*pair)
        for name, value in options.items():
            setattr(context, name, value)
        return context

    def _server(self, name, alternative_names, *validity):
        certificate, key = self._path(f"{name}.pem"), self._path(f"{name}.key")
        if os.path.exists(certificate):
            return certificate, key
        request = self._path(f"{name}.csr")
        self._openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", key, "-out", request, "-subj", f"/CN={name}",
            "-addext", f"subjectAltName={alternative_names}",
        )  # fmt: skip
        self._openssl(
            "ca", "-batch", "-notext", "-config", self._path("openssl.cnf"),
            "-in", request, "-out", certificate, *(validity or ("-days", "20")),
        )  # fmt: skip
        return certificate, key

    def _path(self, name):
        return os.path.join(self.folder, name)

    def _write(self, name, text):
        with open(self._path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def _openssl(self, *arguments):
        done = subprocess.run(
            [shutil.which("openssl") or "openssl", *arguments],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"openssl {' '.join(arguments)}:\n{done.stderr}"
