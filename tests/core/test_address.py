"""Where a redirect may lead."""

import pytest
from modeld.http.guard import RedirectPolicy, is_public, refuse_redirect
from modeld.protocol.errors import ErrorCode

PUBLIC = ["93.184.216.34"]
FROM = "https://hub.example/file"
NOTHING = RedirectPolicy()
PRIVATE = RedirectPolicy(allow_private_redirects=True)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34", "[2606:2800::1]"])
def test_public_addresses_are_known(address: str):
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.3.4",
        "192.168.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "255.255.255.255",
        "224.0.0.1",
        "::1",
        "::",
        "fe80::1%eth0",
        "fd00::1",
        "::ffff:127.0.0.1",
        "::ffff:192.168.0.1",
        "2002:7f00:1::",
        "ff02::1",
        "localhost",
        "",
    ],
)
def test_addresses_of_this_machine_or_network_are_not_public(address: str):
    assert not is_public(address)


def test_a_public_server_may_redirect_to_a_public_one():
    assert refuse_redirect(FROM, "https://cdn.example/x", PUBLIC, PUBLIC, NOTHING) is None


@pytest.mark.parametrize("inside", ["127.0.0.1", "192.168.0.1", "169.254.169.254", "::ffff:10.0.0.1"])
def test_a_public_server_may_not_redirect_inside_unless_that_is_allowed(inside: str):
    refused = refuse_redirect(FROM, "https://router.example/x", PUBLIC, [*PUBLIC, inside], NOTHING)
    assert refused is not None and refused.code is ErrorCode.NOT_ALLOWED and inside in refused.message
    assert refuse_redirect(FROM, "https://router.example/x", PUBLIC, [inside], PRIVATE) is None


def test_a_mirror_inside_may_redirect_inside():
    assert refuse_redirect(FROM, "http://10.0.0.2/x", ["10.0.0.1"], ["10.0.0.2"], NOTHING) is None


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://example.org/x", "gopher://example.org", "x"])
def test_a_redirect_to_another_scheme_is_not_followed(target: str):
    assert refuse_redirect(FROM, target, PUBLIC, PUBLIC, PRIVATE) is not None


def test_a_redirect_away_from_encryption_is_not_followed_unless_allowed():
    assert refuse_redirect(FROM, "http://cdn.example/x", PUBLIC, PUBLIC, NOTHING) is not None
    assert refuse_redirect(FROM, "http://cdn.example/x", PUBLIC, PUBLIC, RedirectPolicy(allow_http=True)) is None
