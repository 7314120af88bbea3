"""The page speaks HTTPS itself, by a certificate of the company's own authority, which is renewed while it runs."""
import os
import shutil
import signal
import socket
import ssl
import subprocess
import urllib.error
from pathlib import Path

from e2e import web
from e2e.wait import until

TLS = Path("/etc/forbear/tls")
CA, CERTIFICATE, KEY = TLS / "ca.crt", TLS / "page.crt", TLS / "page.key"
P256 = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def _openssl(*words):
    subprocess.run(["openssl", *words], check=True, capture_output=True, stdin=subprocess.DEVNULL)


def _authority():
    TLS.mkdir()
    _openssl("req", "-x509", *P256, "-subj", "/CN=Corp", "-days", "30", "-keyout", str(TLS / "ca.key"), "-out", str(CA))


def _issue(serial):
    """A new key and its certificate; only root and the page may read the key."""
    (TLS / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    _openssl("req", *P256, "-subj", "/CN=page", "-keyout", str(KEY), "-out", str(TLS / "page.csr"))
    _openssl("x509", "-req", "-in", str(TLS / "page.csr"), "-CA", str(CA), "-CAkey", str(TLS / "ca.key"), "-set_serial", str(serial), "-days", "30",
             "-extfile", str(TLS / "names"), "-out", str(CERTIFICATE))
    shutil.chown(KEY, "root", "forbear-web")
    os.chmod(KEY, 0o640)


def _served(port, **options):
    """The serial number of the certificate that is served, and by what."""
    context = ssl.create_default_context(cafile=CA)
    for name, value in options.items():
        setattr(context, name, value)
    with socket.create_connection(("127.0.0.1", port), 5) as plain, context.wrap_socket(plain, server_hostname="127.0.0.1") as tls:
        return int(tls.getpeercert()["serialNumber"], 16), tls.version()


def _spoken_plainly(port):
    with socket.create_connection(("127.0.0.1", port), 5) as plain:
        plain.sendall(b"GET /robots.txt HTTP/1.1\r\nHost: x\r\n\r\n")
        try:
            return plain.recv(100)
        except ConnectionResetError:
            return b""


def _served_to_strangers(url):
    try:
        return web.get(url).status
    except urllib.error.URLError as e:
        return type(e.reason)


def _renew(s, port):
    s.says("The certificate is renewed, first with a key that is not its own.")
    _issue(2)
    good = KEY.read_bytes()
    shutil.copyfile(TLS / "ca.key", KEY)
    s.processes["web"].send_signal(signal.SIGUSR1)
    until(lambda: s.logged("web", f"reload_failed.*{KEY} is not the key of"), "its log names the file")
    s.check(_served(port)[0] == 1, "the old one serves on")
    KEY.write_bytes(good)
    s.processes["web"].send_signal(signal.SIGUSR1)
    until(lambda: _served(port)[0] == 2, "the new one is served")
    s.check(s.processes["web"].poll() is None, "with its own key the new one serves, and nothing was started anew")


def story(s):
    port = s.ports["web"]
    s.says("The company's authority gives the page a certificate.")
    _authority()
    _issue(1)
    s.configure({"web.base_url": f"https://127.0.0.1:{port}", "web.tls_certificate": str(CERTIFICATE), "web.tls_key": str(KEY)})
    s.restart("keeper")
    s.restart("web")
    letter, queue_id, link = s.hold_one()
    s.check(link.startswith("https://"), "the link begins with https")
    s.check(_served_to_strangers(link) is ssl.SSLCertVerificationError, "who does not trust the authority refuses the page")
    s.check(b"User-agent" not in _spoken_plainly(port), "and HTTP gets nothing there")
    web.trust(CA)
    page = web.get(link)
    s.check(page.status == 200 and "max-age" in page.headers["Strict-Transport-Security"], "who trusts it is shown the message, and told to come by HTTPS alone")
    s.check(_served(port) == (1, "TLSv1.3"), "TLS 1.3")
    s.check(_served(port, maximum_version=ssl.TLSVersion.TLSv1_2)[1] == "TLSv1.2", "1.2 where the browser has no other")
    _renew(s, port)
    s.says("Ana sends it.")
    web.press(link, "release")
    s.arrives(letter, "ben@corp.example")
