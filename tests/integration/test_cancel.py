# SPDX-License-Identifier: LGPL-2.1-or-later
"""Transfers that do not succeed: declined, cancelled by either side in every
state, and cut by the death of a daemon."""

import os
import socket

import pytest

from fardel.client import BusError, Client, Transfer
from fardel.files import make_file, sha256
from fardel.scenario import BOB, eventually, finish, finished_signals, hold

SIZE = 20_000_000


def error_of(end):
    return end["Error"].rpartition(".")[2]


@pytest.fixture
def source(work):
    return make_file(work / "file.bin", SIZE)


@pytest.fixture
def silent_proxy(make_prosody):
    """A server whose proxy takes connections and says nothing: with it a
    transfer by proxy stays in negotiation."""
    prosody = make_prosody(proxy_address="127.0.0.2")
    with socket.create_server(("127.0.0.2", prosody.proxy_port)):
        yield prosody


def expect_cancelled(by, other):
    """`by` cancelled, so it and `other` end accordingly, and stay so."""
    end = by.end()
    assert (end["State"], error_of(end), end["EndedBy"]) == ("cancelled", "Cancelled", "local")
    assert end["ErrorMessage"]
    end = other.end()
    assert (end["State"], error_of(end), end["EndedBy"]) == ("cancelled", "RemoteCancelled", "remote")
    assert end["ErrorMessage"]
    for transfer in (by, other):
        transfer.client.wait(lambda: finished_signals(transfer), 5)
        assert len(finished_signals(transfer)) == 1
        for method in ("Cancel", "Reject"):
            with pytest.raises(BusError) as error:
                transfer.call(method)
            assert error.value.name in ("Finished", "NotPending")


def test_reject(alice, bob, source):
    sent = alice.manager.offer(BOB, source)
    offer = bob.client.wait_for_offer()
    offer.call("Reject")
    for transfer, by in ((offer, "local"), (sent, "remote")):
        end = transfer.end()
        assert (end["State"], error_of(end), end["EndedBy"]) == ("rejected", "Rejected", by)
    assert bob.manager["PendingOffers"] == 0
    assert os.listdir(bob.downloads) == []


def test_cancel_while_queued(alice, source):
    sent = alice.manager.offer(BOB, source)
    assert sent["State"] == "queued"
    sent.call("Cancel")
    assert sent.end()["State"] == "cancelled"


def test_sender_cancels_while_offered(alice, bob, source):
    sent = alice.manager.offer(BOB, source)
    offer = bob.client.wait_for_offer()
    sent.call("Cancel")
    expect_cancelled(sent, offer)
    with pytest.raises(BusError) as error:
        offer.accept("")
    assert error.value.name == "Finished"


def test_receiver_cancels_while_offered(alice, bob, source):
    sent = alice.manager.offer(BOB, source)
    offer = bob.client.wait_for_offer()
    offer.call("Cancel")
    assert offer.end()["State"] in ("cancelled", "rejected")
    assert sent.end()["EndedBy"] == "remote"


@pytest.mark.parametrize("by", ["sender", "receiver"])
def test_cancel_while_negotiating(make_daemon, silent_proxy, source, by):
    alice, bob = make_daemon("alice"), make_daemon("bob")
    alice.add_account("alice", silent_proxy)
    bob.add_account("bob", silent_proxy)
    sent = alice.manager.offer(BOB, source, transports=["socks5-proxy"])
    offer = bob.client.wait_for_offer()
    offer.accept("")
    sent.wait_for("State", "negotiating")
    offer.wait_for("State", "negotiating")
    first, second = (sent, offer) if by == "sender" else (offer, sent)
    first.call("Cancel")
    expect_cancelled(first, second)


@pytest.mark.parametrize("transport", ["socks5-direct", "socks5-proxy", "ibb"])
@pytest.mark.parametrize("by", ["sender", "receiver"])
def test_cancel_while_active(alice, bob, source, by, transport):
    sent, received, held = hold(alice, bob, source, transports=[transport])
    assert sent["Transport"] == transport
    first, second = (sent, received) if by == "sender" else (received, sent)
    first.call("Cancel")
    expect_cancelled(first, second)
    assert len(held.release()) < SIZE
    assert alice.manager["ActiveTransfers"] == bob.manager["ActiveTransfers"] == 0


def test_cancel_twice(alice, bob, source):
    sent, received, held = hold(alice, bob, source)
    sent.call("Cancel")
    try:
        sent.call("Cancel")
    except BusError as error:
        assert error.name == "Finished"
    expect_cancelled(sent, received)
    held.close()


def test_both_cancel(alice, bob, source):
    sent, received, held = hold(alice, bob, source)
    for transfer in (sent, received):
        try:
            transfer.call("Cancel")
        except BusError as error:
            assert error.name == "Finished"
    for transfer in (sent, received):
        assert transfer.end()["State"] == "cancelled"
    held.close()


def test_resume_offers_again(alice, bob, work):
    source = make_file(work / "big.bin", 500 << 20)
    sent = alice.manager.offer(BOB, source)
    offer = bob.client.wait_for_offer()
    offer.accept("")
    eventually(lambda: offer["Transferred"] > 1 << 20 or offer["State"] == "done")
    offer.call("Cancel")
    expect_cancelled(offer, sent)
    assert os.listdir(bob.downloads) == []
    resumed = resume(sent)
    assert resumed.path != sent.path
    second = bob.client.wait_for_offer()
    second.accept("")
    _, received_end = finish(resumed, second)
    assert received_end["Verified"] == "ok"
    assert sha256(bob.downloads / "big.bin") == sha256(source)
    assert os.listdir(bob.downloads) == ["big.bin"]
    assert sent["State"] == "cancelled"


def resume(transfer, **values):
    return Transfer(transfer.client, transfer.call("Resume", "(a{sv})", values))


def test_what_cannot_be_resumed(alice, bob, source):
    sent, received, held = hold(alice, bob, source)
    with pytest.raises(BusError) as error:
        resume(sent)
    assert error.value.name == "NotPending"
    received.call("Cancel")
    received.end()
    with pytest.raises(BusError) as error:
        resume(received)
    assert error.value.name == "PeerUnsupported"
    held.close()
    sent, received, held = hold(alice, bob, source)
    held.release()
    finish(sent, received)
    with pytest.raises(BusError) as error:
        resume(sent)
    assert error.value.name == "NotPending"


def check_interrupted(transfer):
    transfer.wait_for("State", "interrupted")
    waiting = transfer.all()
    assert error_of(waiting) and waiting["ErrorMessage"]
    assert (waiting["EndedBy"], waiting["Ended"]) == ("", 0)
    transfer.call("Cancel")
    end = transfer.end()
    assert (end["State"], end["EndedBy"]) == ("cancelled", "local")


def test_sender_dies(alice, bob, source):
    """One transfer is active, another one is not answered yet."""
    _, received, held = hold(alice, bob, source)
    alice.manager.offer(BOB, source)
    offer = bob.client.wait_for_offer()
    alice.kill()
    check_interrupted(received)
    end = offer.end(60)
    assert end["State"] in ("failed", "cancelled")
    assert end["EndedBy"] in ("network", "remote")
    held.close()


def test_receiver_dies(alice, bob, source):
    sent, _, held = hold(alice, bob, source)
    bob.kill()
    check_interrupted(sent)
    held.close()


def test_daemon_stops_while_active(alice, bob, source):
    _, received, held = hold(alice, bob, source)
    alice.stop()
    received.wait_for("State", "interrupted")
    assert error_of(received.all()) == "PeerOffline"
    received.call("Cancel")
    assert received.end()["State"] == "cancelled"
    held.close()


def test_bound_transfer_ends_with_its_caller(alice, bob, source):
    caller = Client(alice.bus.address)
    bound = caller.manager.offer(BOB, source, bind=True)
    free = caller.manager.offer(BOB, source)
    caller.close()
    end = Transfer(alice.client, bound.path).end()
    assert (end["State"], end["EndedBy"]) == ("cancelled", "local")
    assert Transfer(alice.client, free.path)["State"] in ("queued", "offered")
    assert bob.client.wait_for_offer()


def test_offer_times_out(alice, bob, source):
    sent = alice.manager.offer(BOB, source, timeout=2)
    offer = bob.client.wait_for_offer()
    end = sent.end(30)
    assert (end["State"], error_of(end)) == ("failed", "Timeout")
    assert offer.end()["EndedBy"] == "remote"
