"""What goes out over HTTP: to the addresses that were checked, within its time, and no further."""

from __future__ import annotations

import gzip
import logging
import shutil
import socket
import socketserver
import ssl
import subprocess
import time
import tracemalloc
from contextlib import suppress

import pytest
from django.utils import translation

from digest import outgoing
from digest.outgoing import NoAnswer, Refused, get, is_public, post, target_of
from tests.digest.servers import answer, listener, served, web_server

PUBLIC = "93.184.215.14"


@pytest.fixture(autouse=True)
def _allowed(settings):
    settings.OUTGOING_ALLOW = ["127.0.0.1"]


@pytest.fixture(autouse=True)
def _in_english():
    """Sentences are compared as they stand in the code."""
    with translation.override("en"):
        yield


def send(url: str, **options) -> outgoing.Answer:
    return post(url, **({"body": b"{}", "headers": {}, "timeout": 10} | options))


def resolver(monkeypatch, *answers: list[str]) -> list[str]:
    """Have names looked up in a table that answers in turn; answers with the names asked for."""
    left, asked = list(answers), []

    def getaddrinfo(host, port, *args, **kwargs):
        asked.append(host)
        addresses = left.pop(0) if len(left) > 1 else left[0]
        return [
            (
                socket.AF_INET6 if ":" in address else socket.AF_INET,
                socket.SOCK_STREAM,
                6,
                "",
                (address, port, 0, 0) if ":" in address else (address, port),
            )
            for address in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


@pytest.fixture
def connects(monkeypatch) -> list:
    """Where sockets were connected to; what would leave this machine is refused."""
    reached = []
    real = socket.socket

    class Watched(real):
        def connect(self, address):
            reached.append(address[0])
            if not address[0].startswith("127."):
                raise ConnectionRefusedError("not from a test")
            super().connect(address)

    monkeypatch.setattr(socket, "socket", Watched)
    return reached


# --- which addresses -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.1"),
        *("192.168.1.1", "169.254.169.254", "100.64.0.1", "100.127.255.254", "192.0.0.8"),
        *("192.0.2.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "192.88.99.1"),
        *("224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "::127.0.0.1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:8.8.8.8"),
        *(
            "64:ff9b::7f00:1",
            "64:ff9b::808:808",
            "64:ff9b:1::a00:1",
            "2002:7f00:1::",
            "2002:808:808::",
        ),
        *("2001::1", "2001:0:808:808::1", "2001:db8::1", "3fff::1", "fc00::1", "fd12:3456::1"),
        *("fe80::1", "fe80::1%1", "fec0::1", "ff02::1", "ff0e::1", "100::1", "4000::1"),
    ],
)
def test_an_address_that_is_somebodys_own_or_wraps_another_is_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", PUBLIC, "100.63.255.255", "100.128.0.1", "172.32.0.1", "2606:4700::1111"],
)
def test_an_address_of_the_open_internet_is_public(address):
    assert is_public(address)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("ftp://example.org/", "starts with http"),
        ("file:///etc/passwd", "starts with http"),
        ("//example.org/", "starts with http"),
        ("http:///path", "names a host"),
        ("http://me@example.org/", "user name"),
        ("http://me:word@example.org/", "user name"),
        ("http://example.org:0/", "port 0"),
        ("http://example.org:99999/", "cannot be read"),
        ("http://[::1/", "cannot be read"),
        ("http://exa mple.org/", "blanks"),
        ("http://example.org/\r\nX: y", "blanks"),
        ("http://example.org\\@127.0.0.1/", "blanks"),
        ("http://example.org/晨", "%XX"),
        ("http://" + "a" * 70 + ".org/", "no name of a host"),
    ],
)
def test_what_is_no_plain_web_address_is_refused(url, sentence):
    with pytest.raises(Refused, match=sentence):
        target_of(url)


def test_an_address_is_taken_apart_and_shown_without_its_path():
    target = target_of("https://hooks.example.org/services/secret?x=1#there")
    assert (target.host, target.port, target.path) == (
        "hooks.example.org",
        443,
        "/services/secret?x=1",
    )
    assert str(target) == "https://hooks.example.org"
    assert str(target_of("http://[2606:4700::1]:8080")) == "http://[2606:4700::1]:8080"
    assert target_of("http://例え.jp/").host == "xn--r8jz45g.jp"


# --- loopback ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "127.1", "0x7f000001", "2130706433", "0177.0.0.1", "0"),
        *("[::ffff:127.0.0.1]", "[::127.0.0.1]"),
    ],
)
def test_no_spelling_of_the_loopback_is_connected_to(host, settings):
    settings.OUTGOING_ALLOW = []
    with listener() as (port, was_reached):
        with pytest.raises((Refused, NoAnswer)):
            send(f"http://{host}:{port}/")
        assert not was_reached()


def test_the_listener_of_these_tests_does_notice_a_connection():
    with listener() as (port, was_reached):
        with pytest.raises(NoAnswer):
            send(f"http://127.0.0.1:{port}/", timeout=0.5)
        assert was_reached()


def test_a_name_that_turns_to_the_loopback_after_its_check_reaches_nothing(monkeypatch, connects):
    asked = resolver(monkeypatch, [PUBLIC], ["127.0.0.1"])
    with listener() as (port, was_reached):
        with pytest.raises(NoAnswer):
            send(f"http://rebinding.example.org:{port}/")
        assert not was_reached()
    assert asked == ["rebinding.example.org"]
    assert connects == [PUBLIC]


def test_one_private_address_among_public_ones_is_enough_to_refuse(monkeypatch, connects):
    resolver(monkeypatch, [PUBLIC, "10.0.0.7"])
    with pytest.raises(Refused, match=r"10\.0\.0\.7, which is not on the open internet"):
        send("http://mixed.example.org/")
    assert connects == []


def test_a_name_without_an_address_may_have_one_later(monkeypatch):
    def nothing(*args, **kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nothing)
    with pytest.raises(NoAnswer, match="nowhere.example.org cannot be found"):
        send("http://nowhere.example.org/")


def test_the_next_address_is_tried_where_the_first_one_refuses(monkeypatch, settings, connects):
    settings.OUTGOING_ALLOW = ["two.test"]
    resolver(monkeypatch, ["192.0.2.1", "127.0.0.1"])
    with web_server(answer(204)) as web:
        assert send(f"http://two.test:{web.port}/").status == 204
    assert connects == ["192.0.2.1", "127.0.0.1"]


# --- what the operator allows --------------------------------------------------------------------


def test_an_allowed_host_is_reached_under_its_name(monkeypatch, settings):
    settings.OUTGOING_ALLOW = ["Chat.test"]
    resolver(monkeypatch, ["127.0.0.1"])
    with web_server(answer(200, b"thanks")) as web:
        found = send(f"http://chat.test:{web.port}/a?b=c", body=b"body", headers={"X-Word": "one"})
    assert (found.status, found.body, found.is_whole) == (200, b"thanks", True)
    [request] = web.requests
    assert request.line == "POST /a?b=c HTTP/1.1"
    assert request.headers["host"] == f"chat.test:{web.port}"
    assert request.headers["x-word"] == "one"
    assert request.body == b"body"


def test_a_port_that_is_named_is_the_only_one_allowed(settings):
    with web_server(answer(200)) as web, listener() as (port, was_reached):
        settings.OUTGOING_ALLOW = [f"127.0.0.1:{web.port}"]
        assert send(web.url).status == 200
        with pytest.raises(Refused):
            send(f"http://127.0.0.1:{port}/")
        assert not was_reached()


def test_proxies_of_the_environment_are_not_asked(monkeypatch):
    with listener() as (port, was_reached), web_server(answer(200)) as web:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
        assert send(web.url).status == 200
        assert not was_reached()


def test_a_header_with_a_line_break_is_not_sent():
    with web_server(answer(200)) as web:
        with pytest.raises(Refused, match="cannot be sent"):
            send(web.url, headers={"X-Title": "one\r\nX-Other: two"})
        assert web.requests == []


# --- answers -------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_not_followed(status):
    with listener() as (port, was_reached):
        away = f"http://127.0.0.1:{port}/"
        with web_server(answer(status, b"", f"Location: {away}")) as web:
            found = send(web.url)
        assert (found.status, found.location) == (status, away)
        assert not was_reached()


def hang(connection: socket.socket) -> None:
    connection.recv(1)  # until the client goes


def drop(connection: socket.socket) -> None:
    connection.close()


def drip_a_header(connection: socket.socket) -> None:
    """An answer that is in order and takes half a minute, no pause in it longer than a moment."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    for _ in range(300):
        connection.sendall(b"x")
        time.sleep(0.1)
    connection.sendall(b"\r\nContent-Length: 0\r\n\r\n")


def drip_a_body(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n")
    for _ in range(300):
        connection.sendall(b"x")
        time.sleep(0.1)


@pytest.mark.parametrize("behaviour", [hang, drip_a_header])
def test_an_answer_that_does_not_come_in_time_is_none(behaviour):
    with web_server(behaviour) as web, pytest.raises(NoAnswer, match="within 1 seconds"):
        send(web.url, timeout=1)


@pytest.mark.parametrize(
    "behaviour", [drop, b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000]
)
def test_a_connection_that_breaks_or_speaks_no_http_is_no_answer(behaviour):
    with web_server(behaviour) as web, pytest.raises(NoAnswer, match="did not answer"):
        send(web.url)


def test_nobody_at_the_port_is_no_answer():
    with listener() as (port, _):
        pass
    with pytest.raises(NoAnswer, match="did not answer"):
        send(f"http://127.0.0.1:{port}/")


def test_a_status_counts_though_the_body_never_ends():
    with web_server(drip_a_body) as web:
        found = send(web.url, timeout=1)
    assert found.status == 200
    assert not found.is_whole
    assert 0 < len(found.body) < 300


@pytest.mark.parametrize("header", [b"Content-Length: 104857600\r\n", b""], ids=["long", "endless"])
def test_of_a_hundred_megabytes_one_is_read(header):
    sent = []

    def pour(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + header + b"\r\n")
        for _ in range(1600):
            connection.sendall(b"x" * 65536)
            sent.append(65536)

    with web_server(pour) as web:
        found = send(web.url)
    assert (found.status, found.is_whole) == (200, False)
    assert len(found.body) == outgoing.ANSWER_LIMIT
    assert sum(sent) < 50 * outgoing.ANSWER_LIMIT


# --- TLS -----------------------------------------------------------------------------------------


@pytest.fixture
def certificate(tmp_path):
    """A certificate for desk.test that nobody but these tests trusts, with its key."""
    if not shutil.which("openssl"):
        pytest.skip("there is no openssl to make a certificate with")
    path = tmp_path / "desk.test.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=desk.test", "-addext", "subjectAltName=DNS:desk.test"),
            *("-keyout", str(path.with_suffix(".key")), "-out", str(path)),
        ],
        check=True,
        capture_output=True,
    )
    return path


@pytest.fixture
def secure(certificate, monkeypatch, settings):
    """A function that starts to answer one TLS client; the names clients asked for."""
    settings.OUTGOING_ALLOW = ["desk.test", "other.test"]
    resolver(monkeypatch, ["127.0.0.1"])
    names: list[str] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    context.sni_callback = lambda _socket, name, _context: names.append(name)

    def talk(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as wrapped:
            received = b""
            while b"\r\n\r\n" + (b"" if received[:3] == b"GET" else b"{}") not in received:
                received += wrapped.recv(4096)
            if received.startswith(b"GET /"):  # it is told where to send on
                wrapped.sendall(moved(302, received.split()[1].decode().removeprefix("/")))
            else:
                wrapped.sendall(answer(200, b"secret"))

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            with suppress(OSError):
                talk(self.request)

    with served(Handler) as port:
        yield port, names


def trust(monkeypatch, certificate) -> None:
    real = ssl.create_default_context
    monkeypatch.setattr(ssl, "create_default_context", lambda: real(cafile=str(certificate)))


def test_a_certificate_is_checked_for_the_name_and_not_the_number(secure, certificate, monkeypatch):
    port, names = secure
    trust(monkeypatch, certificate)
    assert send(f"https://desk.test:{port}/").body == b"secret"
    assert names == ["desk.test"]
    with pytest.raises(NoAnswer, match="Hostname mismatch"):
        send(f"https://other.test:{port}/")


def test_a_certificate_that_nobody_vouches_for_is_not_enough(secure):
    port, _ = secure
    with pytest.raises(NoAnswer, match="CERTIFICATE_VERIFY_FAILED"):
        send(f"https://desk.test:{port}/")


# --- fetching ------------------------------------------------------------------------------------


def fetch(url: str, **options) -> outgoing.Answer:
    return get(url, **({"headers": {}, "timeout": 10, "limit": 100_000} | options))


def moved(status: int, to: str) -> bytes:
    return answer(status, b"", f"Location: {to}")


def test_what_is_fetched_comes_unpacked_with_its_headers():
    packed = gzip.compress(b"feed " * 1000)
    with web_server(answer(200, packed, "Content-Encoding: gzip", 'ETag: "a"')) as web:
        found = fetch(web.url, headers={"If-None-Match": '"b"'})
    assert found.body == b"feed " * 1000
    assert found.is_whole
    assert found.headers["etag"] == '"a"'
    assert found.url == web.url
    [request] = web.requests
    assert request.line == "GET /hook HTTP/1.1"
    assert request.headers["if-none-match"] == '"b"'
    assert request.headers["accept-encoding"] == "gzip"


def test_several_packets_of_gzip_are_one_body():
    packed = gzip.compress(b"a" * 65536) + gzip.compress(b"b" * 65537)
    with web_server(answer(200, packed, "Content-Encoding: gzip")) as web:
        found = fetch(web.url, limit=200_000)
    assert (found.body, found.flaw) == (b"a" * 65536 + b"b" * 65537, "")


@pytest.mark.parametrize("size", [100_000, 65536, 131_072, 1, 0])
def test_a_body_of_any_size_is_unpacked_to_its_end(size):
    body = bytes(n * n % 251 for n in range(size))
    with web_server(answer(200, gzip.compress(body), "Content-Encoding: gzip")) as web:
        found = fetch(web.url, limit=200_000)
    assert (found.body, found.flaw) == (body, "")


def test_a_gzip_bomb_stops_at_the_limit():
    bomb = gzip.compress(b"\0" * 200_000_000)
    tracemalloc.start()
    try:
        with web_server(answer(200, bomb, "Content-Encoding: gzip")) as web:
            found = fetch(web.url, limit=1_000_000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (len(found.body), found.flaw) == (1_000_000, "it is longer than 1,000,000 bytes")
    assert peak < 20_000_000


def test_gzip_that_unpacks_to_nothing_ends_at_the_limit():
    def pour(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n")
        for _ in range(2000):
            connection.sendall(gzip.compress(b"") * 1000)

    with web_server(pour) as web:
        assert fetch(web.url).flaw == "it is longer than 100,000 bytes"


@pytest.mark.parametrize(
    ("body", "encoding", "flaw"),
    [
        (b"no gzip at all", "gzip", "it cannot be unpacked"),
        (gzip.compress(b"feed" * 100, mtime=0)[:-12], "gzip", "it broke off"),
        (b"...", "br", "packed as 'br'"),
        (b"...", "gzip, gzip", "packed as 'gzip, gzip'"),
    ],
)
def test_what_cannot_be_unpacked_says_so(body, encoding, flaw):
    with web_server(answer(200, body, f"Content-Encoding: {encoding}")) as web:
        found = fetch(web.url)
    assert found.status == 200
    assert flaw in found.flaw


def test_a_body_that_breaks_off_says_so():
    with web_server(b"HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\nonly this") as web:
        found = fetch(web.url)
    assert (found.body, found.flaw) == (b"only this", "it broke off")


def test_a_body_that_does_not_end_in_time_says_so():
    with web_server(drip_a_body) as web:
        assert fetch(web.url, timeout=1).flaw == "it did not end within 1 seconds"


def test_redirects_are_followed_to_their_end():
    with (
        web_server(answer(200, b"feed")) as last,
        web_server(moved(301, "/here?a=b"), moved(308, last.url)) as first,
    ):
        found = fetch(first.url)
    assert (found.body, found.url, found.moved) == (b"feed", last.url, last.url)
    assert [request.line for request in first.requests] == [
        "GET /hook HTTP/1.1",
        "GET /here?a=b HTTP/1.1",
    ]


def test_a_passing_redirect_is_no_new_address():
    with (
        web_server(answer(200, b"feed")) as last,
        web_server(moved(301, "/new"), moved(302, last.url)) as first,
    ):
        found = fetch(first.url)
    assert (found.url, found.moved) == (last.url, f"http://127.0.0.1:{first.port}/new")


def test_a_redirect_to_what_only_this_machine_reaches_is_refused(settings):
    with listener() as (port, was_reached), web_server() as web:
        settings.OUTGOING_ALLOW = [f"127.0.0.1:{web.port}"]
        web.answers = [moved(302, f"http://127.0.0.1:{port}/")]
        with pytest.raises(Refused, match="not on the open internet"):
            fetch(web.url)
        assert not was_reached()


@pytest.mark.parametrize("to", ["file:///etc/passwd", "http://[::1/", "//me@127.0.0.1/", "ftp://x"])
def test_a_redirect_to_no_web_address_is_refused(to):
    with web_server(moved(302, to)) as web:
        assert send(web.url).location == to
    with web_server(moved(302, to)) as web, pytest.raises(Refused):
        fetch(web.url)


def test_redirects_in_a_ring_end():
    with web_server(moved(302, "/hook")) as web, pytest.raises(NoAnswer, match="than 5 times"):
        fetch(web.url)
    assert len(web.requests) == 6


def test_redirects_share_one_deadline():
    def slowly(connection: socket.socket) -> None:
        time.sleep(0.4)
        connection.sendall(moved(302, "/hook"))

    with web_server(slowly) as web, pytest.raises(NoAnswer, match="within 1 seconds"):
        fetch(web.url, timeout=1, redirects=50)
    assert len(web.requests) <= 3


def test_a_redirect_to_letters_outside_of_ascii_is_followed():
    with web_server(moved(302, "/晨 報?甲=乙"), answer(200)) as web:
        assert fetch(web.url).status == 200
    assert web.requests[1].line == ("GET /%E6%99%A8%20%E5%A0%B1?%E7%94%B2=%E4%B9%99 HTTP/1.1")


def test_what_proves_who_asks_is_not_sent_on_to_another_host():
    headers = {"Authorization": "Bearer secret", "Cookie": "a=b", "X-Word": "one"}
    with web_server(answer(200)) as last, web_server(moved(301, "/x"), moved(301, last.url)) as web:
        fetch(web.url, headers=headers)
    assert [request.headers.get("authorization") for request in web.requests] == [
        "Bearer secret",
        "Bearer secret",
    ]
    [request] = last.requests
    assert "authorization" not in request.headers
    assert "cookie" not in request.headers
    assert request.headers["x-word"] == "one"


def test_cookies_of_one_answer_are_not_kept_for_the_next():
    with web_server(answer(302, b"", "Location: /x", "Set-Cookie: a=b"), answer(200)) as web:
        fetch(web.url)
    assert "cookie" not in web.requests[1].headers


def test_the_way_from_https_to_http_is_not_taken(secure, certificate, monkeypatch):
    port, _ = secure
    trust(monkeypatch, certificate)
    with listener() as (plain, was_reached):
        with pytest.raises(Refused, match="which is not encrypted"):
            fetch(f"https://desk.test:{port}/http://desk.test:{plain}/")
        assert not was_reached()


def test_answers_of_a_post_may_be_longer_where_that_is_asked_for():
    with web_server(answer(200, b"x" * 3_000_000)) as web:
        assert len(send(web.url, limit=4_000_000).body) == 3_000_000


def test_whoever_refuses_a_long_body_is_heard():
    def refuse(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(answer(413, b"too long"))
        connection.shutdown(socket.SHUT_WR)
        time.sleep(0.5)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            refuse(self.request)

    with served(Handler) as port:
        found = send(f"http://127.0.0.1:{port}/", body=b"x" * 5_000_000, timeout=5)
    assert (found.status, found.body) == (413, b"too long")


def test_no_log_has_the_path_of_an_address(caplog):
    caplog.set_level(logging.DEBUG)
    with web_server(answer(200)) as web:
        send(web.url)
    assert "hook" not in caplog.text


def test_endless_headers_end():
    def pour(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        for number in range(1_000_000):
            connection.sendall(b"X-%d: %s\r\n" % (number, b"x" * 1000))

    with web_server(pour) as web, pytest.raises(NoAnswer, match="did not answer"):
        fetch(web.url)
