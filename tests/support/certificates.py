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


EC = ("ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
EXPIRED = ("-startdate", "20200101000000Z", "-enddate", "20200201000000Z")
NOT_YET = ("-startdate", "20900101000000Z", "-enddate", "20910101000000Z")


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
            "req", "-x509", "-newkey", *EC, "-nodes", "-keyout", self._path("ca.key"),
            "-out", self.ca, "-days", "30", "-subj", "/CN=Roomhook tests CA",
            "-addext", "basicConstraints=critical,CA:true",
        )  # fmt: skip

    def good(self):
        """(certificate, key) for 127.0.0.1, ::1 and localhost."""
        return self.server("good", "IP:127.0.0.1,IP:::1,DNS:localhost")

    def expired(self):
        """The same, but its time is over."""
        return self.server("expired", "IP:127.0.0.1,IP:::1,DNS:localhost", validity=EXPIRED)

    def wrong_name(self):
        """Valid, but for another host."""
        return self.server("wrong-name", "DNS:elsewhere.example")

    @staticmethod
    def server_context(pair, **options):
        """An ssl.SSLContext for a Receiver."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*pair)
        for name, value in options.items():
            setattr(context, name, value)
        return context

    def server(
        self, name, alternative_names, validity=("-days", "20"), key=EC, digest="sha256", usage=""
    ):
        """(certificate, key) of a server; alternative_names may be ""."""
        certificate, key_file = self._path(f"{name}.pem"), self._path(f"{name}.key")
        if os.path.exists(certificate):
            return certificate, key_file
        request = self._path(f"{name}.csr")
        extensions = [f"subjectAltName={alternative_names}"] if alternative_names else []
        extensions += [f"extendedKeyUsage={usage}"] if usage else []
        self._openssl(
            "req", "-newkey", *key, "-nodes", "-keyout", key_file, "-out", request,
            "-subj", f"/CN={name}", *(word for text in extensions for word in ("-addext", text)),
        )  # fmt: skip
        self._openssl(
            "ca", "-batch", "-notext", "-config", self._path("openssl.cnf"), "-md", digest,
            "-in", request, "-out", certificate, *validity,
        )  # fmt: skip
        return certificate, key_file

    def self_signed(self, name, alternative_names):
        """The same, signed by nobody else."""
        certificate, key_file = self._path(f"{name}.pem"), self._path(f"{name}.key")
        self._openssl(
            "req", "-x509", "-newkey", *EC, "-nodes", "-keyout", key_file, "-out", certificate,
            "-days", "20", "-subj", f"/CN={name}",
            "-addext", f"subjectAltName={alternative_names}",
        )  # fmt: skip
        return certificate, key_file

    def server_signed_by(self, issuer, name, alternative_names):
        """Signed by a server's certificate, which is no CA's."""
        certificate, key_file = self._path(f"{name}.pem"), self._path(f"{name}.key")
        request = self._path(f"{name}.csr")
        self._openssl(
            "req", "-newkey", *EC, "-nodes", "-keyout", key_file, "-out", request,
            "-subj", f"/CN={name}", "-addext", f"subjectAltName={alternative_names}",
        )  # fmt: skip
        self._openssl(
            "x509", "-req", "-in", request, "-CA", issuer[0], "-CAkey", issuer[1], "-days", "20",
            "-copy_extensions", "copy", "-out", certificate,
        )  # fmt: skip
        with open(certificate, "a", encoding="ascii") as chain:
            with open(issuer[0], encoding="ascii") as file:
                chain.write(file.read())
        return certificate, key_file

    def below(self, depth, alternative_names):
        """A server's certificate with its chain: so many CAs between it and the one at the top."""
        issuer, chain = (self.ca, self._path("ca.key")), ""
        for n in range(depth + 1):
            name = f"below-{depth - n}"
            certificate, key_file = self._path(f"{name}.pem"), self._path(f"{name}.key")
            request = self._path(f"{name}.csr")
            extension = "basicConstraints=critical,CA:true"
            if n == depth:
                extension = f"subjectAltName={alternative_names}"
            self._openssl(
                "req", "-newkey", *EC, "-nodes", "-keyout", key_file, "-out", request,
                "-subj", f"/CN={name}", "-addext", extension,
            )  # fmt: skip
            self._openssl(
                "x509", "-req", "-in", request, "-CA", issuer[0], "-CAkey", issuer[1],
                "-days", "20", "-copy_extensions", "copy", "-out", certificate,
            )  # fmt: skip
            issuer = certificate, key_file
            with open(certificate, encoding="ascii") as file:
                chain = file.read() + chain
        self._write("below-0.pem", chain)
        return issuer

    def stranger(self):
        """Certificates of another CA, one that nobody trusts."""
        return Certificates(self._path("stranger"))

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


def encrypted(key_file, folder):
    """A copy of a key that wants a pass phrase."""
    path = os.path.join(folder, "encrypted.key")
    subprocess.run(
        ["openssl", "pkey", "-in", key_file, "-aes128", "-passout", "pass:x", "-out", path],
        check=True,
    )
    return path
