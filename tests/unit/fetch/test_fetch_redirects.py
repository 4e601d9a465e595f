"""Redirects, TLS, credentials and proxies: where a request may lead, and what goes along."""

import subprocess
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import http_server
import pytest
from http_server import Server, body, redirect
from things import DATA, pin_of, reason

from base.errors import DroidbpfError
from base.settings import Settings
from fetch import http
from fetch.connections import Connections
from fetch.download import obtain
from fetch.errors import PlaceError


def test_redirects_are_followed(server: Server, settings: Settings) -> None:
    server.routes |= {f"/{n}": redirect(f"/{n + 1}") for n in range(10)} | {"/10": body(DATA)}
    assert obtain(pin_of(server.url + "/0"), settings).read_bytes() == DATA


def test_redirects_without_end_are_refused(server: Server, settings: Settings) -> None:
    server.routes["/a"] = redirect("/a")
    assert reason(server.url + "/a", settings) == "too many redirects"


def test_redirect_to_a_file_is_refused(server: Server, settings: Settings) -> None:
    server.routes["/a"] = redirect("file:///etc/passwd")
    assert reason(server.url + "/a", settings) == "redirects from http to file, refused"


@pytest.mark.parametrize("target", ["http://[::1", "http://127.0.0.1:99999/"])
def test_malformed_redirect_is_not_taken_for_a_fault_of_the_pin(
    server: Server, settings: Settings, target: str
) -> None:
    server.routes["/a"] = redirect(target)
    message = f"this URL, or its server's answer, is not valid HTTP: {server.url}/a"
    assert reason(server.url + "/a", settings) == message


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    path = tmp_path / "server.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
    subprocess.run(
        [*command.split(), "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", str(path), "-out", f"{path}.crt"],
        check=True, capture_output=True,
    )  # fmt: skip
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


def test_unknown_certificate_is_refused(settings: Settings, certificate: Path) -> None:
    with http_server.running(certificate) as server:
        server.routes["/a"] = body(DATA)
        host = server.url.removeprefix("https://")
        message = f"the TLS certificate of {host} is not accepted"
        assert reason(server.url + "/a", settings) == message


def test_redirect_from_https_to_http_is_refused(
    server: Server, settings: Settings, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    server.routes["/a"] = body(DATA)
    with http_server.running(certificate) as secure:
        secure.routes |= {"/a": redirect(server.url + "/a"), "/b": body(DATA)}
        assert reason(secure.url + "/a", settings) == "redirects from https to http, refused"
        assert obtain(pin_of(secure.url + "/b"), settings).read_bytes() == DATA
    assert server.requests == []


def test_kept_tls_connection_is_used_again_and_cut_where_it_is_slow(
    no_proxy: None, certificate: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    limits = http.Limits(window=1, retries=0)
    (tmp_path / "partial").mkdir()
    connections = Connections()
    with http_server.running(certificate) as secure:
        secure.keep = True
        secure.routes |= {f"/{n}": body(DATA) for n in range(3)} | {"/slow": body(DATA, rate=100)}
        for name in ("0", "1", "2", "slow"):
            get = partial(http.download, f"{secure.url}/{name}", tmp_path / "partial" / name)
            with pytest.raises(PlaceError, match="slow") if name == "slow" else nullcontext():
                get(len(DATA), limits=limits, connections=connections)
    assert secure.connections == 1
    assert (tmp_path / "partial/2").read_bytes() == DATA


def test_credentials_stay_with_their_host_and_out_of_messages(
    server: Server, settings: Settings
) -> None:
    with http_server.running() as other:
        server.routes |= {"/a?token=secret": redirect("/b"), "/b": redirect(other.url + "/c")}
        url = server.url.replace("://", "://user:secret@")
        with pytest.raises(DroidbpfError) as failure:
            obtain(pin_of(url + "/a?token=secret"), settings)
        assert "authorization" not in other.requests[0].headers
    assert ["authorization" in r.headers for r in server.requests] == [True, True]
    assert f"\n    {server.url}/a: HTTP 404" in failure.value.message
    assert "secret" not in str(failure.value)
    for path in settings.cache.rglob("*"):
        assert not path.is_file() or b"secret" not in path.read_bytes()


def test_netrc_is_not_used_over_http(
    server: Server, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login user password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    server.routes |= {"/a": redirect("/b"), "/b": body(DATA)}
    obtain(pin_of(server.url + "/a"), settings)
    assert ["authorization" in request.headers for request in server.requests] == [False, False]


def test_credentials_of_the_url_come_before_those_of_netrc_also_after_a_redirect(
    settings: Settings, certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login other password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with http_server.running(certificate) as secure:
        secure.routes |= {"/a": redirect("/b"), "/b": body(DATA)}
        obtain(pin_of(secure.url.replace("://", "://user:own@") + "/a"), settings)
    assert len({request.headers["authorization"] for request in secure.requests}) == 1


def test_proxy_of_the_environment_is_used(
    server: Server, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.url)
    server.routes["http://far.invalid/a"] = body(DATA)
    assert obtain(pin_of("http://far.invalid/a"), settings).read_bytes() == DATA


@pytest.mark.parametrize(
    ("proxy", "message"),
    [
        ("socks5://user:secret@127.0.0.1:1", "the proxy is a SOCKS proxy, which is not supported"),
        ("http:///", "the proxy fails"),
    ],
)
def test_unusable_proxy_is_named_as_the_cause(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, proxy: str, message: str
) -> None:
    monkeypatch.setenv("http_proxy", proxy)
    assert reason("http://far.invalid/a", settings) == message
