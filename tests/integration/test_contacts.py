# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who is there, who is blocked, who is a stranger, and what is taken without asking."""

import contextlib
import pathlib
import sys

import pytest

from fardel.client import BusError, options
from fardel.files import make_file, sha256
from fardel.prosody import Prosody
from fardel.scenario import ALICE, BOB, exchange, finish

CAROL = Prosody.jid("carol")
ROSTER = "jabber:iq:roster"
BLOCKING = "urn:xmpp:blocking"


@pytest.fixture
def make_client():
    """Other clients of a user: make_client(prosody, user, **arguments of Peer)."""
    pytest.importorskip("slixmpp")
    sys.path.insert(1, str(pathlib.Path(__file__).parents[1] / "interop"))
    from raw.peer import Peer
    with contextlib.ExitStack() as stack:
        def make(prosody, user, **kwargs):
            return stack.enter_context(contextlib.closing(Peer(prosody, user, **kwargs)))
        yield make


@pytest.fixture
def server(make_prosody):
    """One's own, for tests that change what it stores."""
    return make_prosody(users=("alice", "bob", "carol"), contacts=(("alice", "bob"), ("alice", "carol")))


@pytest.fixture
def source(work):
    return make_file(work / "holiday.jpg", 100_000)


@pytest.fixture
def carol(make_daemon, prosody):
    """Nobody's contact."""
    daemon = make_daemon("carol")
    daemon.add_account("carol", prosody)
    return daemon


def set_item(client, jid, name, *groups):
    groups = "".join(f"<group>{group}</group>" for group in groups)
    assert not client.ask(None, f"<query xmlns='{ROSTER}'><item jid='{jid}' name='{name}'>{groups}</item></query>")


def change_block(client, what, jid):
    assert not client.ask(None, f"<{what} xmlns='{BLOCKING}'><item jid='{jid}'/></{what}>")


def fails(name, function, *args, **kwargs):
    with pytest.raises(BusError) as error:
        function(*args, **kwargs)
    assert error.value.name == name
    return error.value.message


def short(end):
    return end["State"], end["Error"].rpartition(".")[2]


# --- the list ---

def test_list(alice, bob):
    account = alice.account("alice")
    account.wait_for_contacts(lambda contacts: contacts[0]["can-receive"])
    resource = bob.account("bob")["FullJid"].partition("/")[2]
    assert account.contacts() == [{
        "jid": BOB, "name": "", "subscription": "both", "asked": False, "blocked": False, "online": True,
        "can-receive": True, "groups": [],
        "resources": [{"resource": resource, "show": "", "can-receive": True,
                       "transports": ["socks5-direct", "socks5-proxy", "ibb"], "client": "https://fardel.org",
                       "client-type": "pc", "software": "fardel", "software-version": ""}],
    }]
    assert account.contacts(online=True, can_receive=True) == account.contacts()
    assert account.contacts(online=False) == []
    assert account.contacts(group="friends") == []
    bob.stop()
    account.wait_for_contacts(lambda contacts: not contacts[0]["online"])
    assert account.contacts(online=True) == []


def test_known_once_online(make_daemon, prosody):
    """Who comes online for the first time has the list by then."""
    account = make_daemon("alice").add_account("alice", prosody)
    assert [contact["jid"] for contact in account.contacts()] == [BOB]


def test_resources(server, make_daemon, make_client):
    """Two programs of one contact; the one that only chats cannot receive."""
    alice = make_daemon("alice")
    account = alice.add_account("alice", server)
    make_client(server, "bob", resource="phone", features=("urn:xmpp:ping",), show="away")
    make_client(server, "bob", resource="desk")
    contact = account.wait_for_contacts(lambda contacts: contacts[0]["can-receive"] and len(
        contacts[0]["resources"]) == 2 and contacts[0]["resources"][1]["client-type"] and contacts[0])
    desk, phone = contact["resources"]
    assert (desk["resource"], desk["show"], desk["can-receive"]) == ("desk", "", True)
    assert "ibb" in desk["transports"]
    assert (phone["resource"], phone["show"], phone["can-receive"]) == ("phone", "away", False)
    assert phone["transports"] == []


def test_signal(server, make_daemon, make_client):
    """One for each list that was asked for, none for others."""
    alice = make_daemon("alice")
    account = alice.add_account("alice", server)
    client = make_client(server, "alice")

    def told():
        return sum(signal.name == "ContactsChanged" for signal in alice.client.signals)

    set_item(client, BOB, "One")
    set_item(client, BOB, "Two")
    account.wait_for_contacts(lambda contacts: contacts[0]["name"] == "Two")
    before = told()
    set_item(client, BOB, "Three")
    alice.client.wait(lambda: told() == before + 1)
    set_item(client, BOB, "Four")
    set_item(client, BOB, "Five")
    account.wait_for_contacts(lambda contacts: contacts[0]["name"] == "Five")
    assert told() <= before + 2


def test_roster_is_kept(server, make_daemon, make_client):
    alice = make_daemon("alice")
    account = alice.add_account("alice", server)
    set_item(make_client(server, "alice"), BOB, "Robert", "Friends", "Work")
    account.wait_for_contacts(lambda contacts: contacts[0]["name"] == "Robert")
    alice.stop()
    server.stop()

    alice.start()
    account = alice.account("alice")
    contacts = account.contacts()
    assert [contact["jid"] for contact in contacts] == [BOB, CAROL]
    assert (contacts[0]["name"], sorted(contacts[0]["groups"])) == ("Robert", ["Friends", "Work"])
    assert not contacts[0]["online"]
    # A server that is asked by version tells nothing of what it believes to be known.
    store = server.directory / "data/fardel%2etest/roster/alice.dat"
    store.write_text(store.read_text().replace("Robert", "Rupert"))
    server.start()
    account.set_password("password of alice")
    account.wait_for("Status", "online")
    client = make_client(server, "alice")
    set_item(client, CAROL, "Caroline")
    account.wait_for_contacts(lambda contacts: contacts[1]["name"] == "Caroline")
    assert account.contacts()[0]["name"] == "Robert"

    account.call("Remove")
    assert not (alice.home / ".local/state/fardel/rosters/alice").exists()


# --- the block list ---

def test_blocked(server, make_daemon, make_client, source):
    alice, carol = make_daemon("alice"), make_daemon("carol")
    account = alice.add_account("alice", server)
    carol.add_account("carol", server)
    client = make_client(server, "alice")
    account.wait_for_contacts(lambda contacts: contacts[1]["can-receive"])
    pending = carol.manager.offer(ALICE, source)
    offer = alice.client.wait_for_offer()
    waiting = alice.manager.offer(BOB, source)  # not online
    offered = alice.manager.offer(CAROL, source)
    offered.wait_for("State", "offered")

    change_block(client, "block", CAROL)
    assert offer.end()["State"] == "rejected"
    assert short(offered.end()) == ("failed", "Blocked")
    assert waiting["State"] == "queued"
    assert CAROL in fails("Blocked", alice.manager.offer, CAROL, source)
    fails("Blocked", alice.manager.offer_many, CAROL, [source])
    fails("Blocked", alice.manager.query_peer, CAROL)
    contact = account.contacts()[1]
    assert (contact["blocked"], contact["can-receive"]) == (True, False)
    pending.call("Cancel")
    pending.end()
    full = carol.manager.offer(account["FullJid"], source, timeout=3)
    assert short(full.end()) == ("failed", "Timeout")  # as if nobody were there
    assert alice.client.transfers(state="offered") == []

    change_block(client, "block", Prosody.jid("bob") + "/other")
    change_block(client, "unblock", CAROL)
    account.wait_for_contacts(lambda contacts: not contacts[1]["blocked"])
    assert not account.contacts()[0]["blocked"]


def test_blocked_before_the_login(make_prosody, make_daemon, source):
    server = make_prosody()
    server.block("alice", BOB)
    alice = make_daemon("alice")
    account = alice.add_account("alice", server)
    account.wait_for_contacts(lambda contacts: contacts and contacts[0]["blocked"])
    fails("Blocked", alice.manager.offer, BOB, source)


# --- strangers ---

def test_strangers_by_account(carol, bob, source):
    account = bob.account("bob")
    full = account["FullJid"]
    assert account["Strangers"] == ""
    account["Strangers"] = "hold"
    held = carol.manager.offer(full, source)
    offer = bob.client.wait_for_offer()
    offer.call("Reject")
    assert short(held.end()) == ("rejected", "Rejected")

    (bob.config / "fardel.conf").write_text("[Fardel]\nAcceptFromStrangers=true\n")
    bob.manager.call("Reload")
    account["Strangers"] = "decline"
    assert short(carol.manager.offer(full, source).end()) == ("failed", "PeerUnsupported")
    account["Strangers"] = ""
    carol.manager.offer(full, source)
    bob.client.wait_for_offer()
    fails("InvalidOption", account.__setitem__, "Strangers", "ignore")
    assert "Strangers" not in (bob.config / "accounts.d/bob.conf").read_text()


def test_listed_stranger(carol, bob, source):
    bob.account("bob")["AutoAccept"] = [CAROL]
    sent = carol.manager.offer(bob.account("bob")["FullJid"], source)
    assert sent.end()["State"] == "done"


def test_directed_presence(make_prosody, make_daemon, make_client, source):
    """Who is no contact sees the sender as long as something is sent to it."""
    server = make_prosody(contacts=())
    alice = make_daemon("alice")
    account = alice.add_account("alice", server)
    peer = make_client(server, "bob")
    from raw.jingle import Session

    def kinds():
        return [stanza.get("type") or "available" for stanza in peer.received()
                if stanza.tag.endswith("}presence") and stanza.get("from") == account["FullJid"]]

    first, second = (alice.manager.offer(peer.jid, source) for _ in range(2))
    sessions = Session.offered(peer), Session.offered(peer)
    assert kinds() == ["available"]
    sessions[0].terminate("decline")
    peer.settle(account["FullJid"])
    assert kinds() == ["available"]
    sessions[1].terminate("decline")
    peer.wait(lambda stanza: stanza.get("type") == "unavailable", what="the end of the presence")
    assert [short(transfer.end()) for transfer in (first, second)] == [("rejected", "Rejected")] * 2
    assert kinds() == ["available", "unavailable"]


def test_contacts_get_no_directed_presence(make_prosody, make_daemon, make_client, source):
    server = make_prosody()
    alice = make_daemon("alice")
    account = alice.add_account("alice", server)
    peer = make_client(server, "bob")
    from raw.jingle import Session

    sent = alice.manager.offer(peer.jid, source)
    Session.offered(peer).terminate("decline")
    assert sent.end()["State"] == "rejected"
    peer.settle(account["FullJid"])
    assert [stanza.get("type") for stanza in peer.received() if stanza.tag.endswith("}presence")
            and stanza.get("from") == account["FullJid"]] == [None]


# --- without asking ---

def test_auto_accept(alice, bob, work, source):
    account = bob.account("bob")
    folder = work / "from friends"
    account.call("Update", "(a{sv})", options({
        "auto_accept": [ALICE], "auto_accept_max_size": 100_000, "auto_accept_folder": str(folder)}))
    assert (account["AutoAcceptMaxSize"], account["AutoAcceptFolder"]) == (100_000, str(folder))
    sent = alice.manager.offer(BOB, source)
    assert sent.end()["State"] == "done"
    assert sha256(folder / "holiday.jpg") == sha256(source)

    bigger = alice.manager.offer(BOB, make_file(work / "film.mkv", 100_001))
    offer = bob.client.wait_for_offer()
    assert offer["Name"] == "film.mkv"
    offer.accept("")
    finish(bigger, offer)
    fails("InvalidPath", account.__setitem__, "AutoAcceptFolder", "relative")
    text = (bob.config / "accounts.d/bob.conf").read_text()
    assert "AutoAcceptMaxSize=100000\n" in text and f"AutoAcceptFolder={folder}\n" in text


def test_auto_accept_without_a_folder(alice, bob, work, source):
    """What cannot be taken waits for the user."""
    (work / "file").write_text("no directory")
    account = bob.account("bob")
    account["AutoAcceptFolder"] = str(work / "file" / "in")
    account["AutoAccept"] = [ALICE]
    sent = alice.manager.offer(BOB, source)
    offer = bob.client.wait_for_offer()
    bob.process.wait_for_line(r"cannot be accepted by itself: Cannot make the folder")
    offer.accept("")
    finish(sent, offer)


# --- addresses ---

@pytest.mark.parametrize("side", ["sender", "receiver"])
def test_relay_only(alice, bob, source, side):
    account = {"sender": alice.account("alice"), "receiver": bob.account("bob")}[side]
    account["RelayOnly"] = True
    sent, _ = exchange(alice, bob, source)
    assert sent["Transport"] == "socks5-proxy"
    if side == "sender":
        fails("InvalidOption", alice.manager.offer, BOB, source, transports=["socks5-direct"])
        assert alice.manager.query_peer(BOB)["transports"] == ["socks5-proxy", "ibb"]
    else:
        alice.manager.offer(BOB, source)
        fails("InvalidOption", bob.client.wait_for_offer().accept, "", transports=["socks5-direct"])
    account["RelayOnly"] = False
    sent, _ = exchange(alice, bob, source) if side == "sender" else (None, None)
    assert side == "receiver" or sent["Transport"] == "socks5-direct"
