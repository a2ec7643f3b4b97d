# SPDX-License-Identifier: LGPL-2.1-or-later
"""fardel-notify between real daemons and the services of a desktop."""

import contextlib
import os
import pathlib

import pytest

from gi.repository import Gio, GLib

from fardel.files import make_file, sha256
from fardel.keyring import MASTER, Keyring, User
from fardel.prosody import UNTRUSTED, Prosody, password
from fardel.scenario import ALICE, BOB, eventually

import mocks
from mocks import REPLACE, until

BUILD = pathlib.Path(os.environ["FARDEL_BUILD"])
NOTIFY = BUILD / "client-lib/notify/fardel-notify"
ANSWERS = ["accept", "decline"]
LARGE = 8_000_000
SLOW = GLib.Variant("t", 100_000)


@pytest.fixture
def service(bob):
    """service(class of mocks, ...): on bob's bus until the end of the test."""
    with contextlib.ExitStack() as stack:
        def make(kind, *args, **kwargs):
            return stack.enter_context(contextlib.closing(kind(bob.bus.address, *args, **kwargs)))
        yield make


@pytest.fixture
def screen(service):
    return service(mocks.Notifications)


@pytest.fixture
def run(start, bob):
    """Starts the notifier, which must end well; without `stay` it is not told to leave."""
    notifiers = []

    def launch(*options, stay=True):
        notifier = start("fardel-notify", [NOTIFY, "--account-delay=0", *(["--idle-timeout=600"] if stay else []),
                                           *options], bob)
        notifiers.append(notifier)
        return notifier
    yield launch
    for notifier in notifiers:
        assert notifier.stop() == 0, notifier.lines


@pytest.fixture(autouse=True)
def clean_up(alice, bob):
    yield
    for user in (bob, alice):
        for transfer in user.client.transfers():
            with contextlib.suppress(Exception):  # it may end by itself
                transfer.call("Cancel")
    for user in (bob, alice):
        user.client.wait(lambda: all(transfer["Ended"] for transfer in user.client.transfers()))  # noqa: B023
        user.manager.call("ForgetFinished")


@pytest.fixture
def photo(work):
    return make_file(work / "photo.jpg", 300_000)


def test_accept(alice, bob, screen, service, run, photo):
    files = service(mocks.FileManager)
    run()
    sent = alice.manager.offer(BOB, photo, description="from the\n<b>mountains</b> & lakes")
    number = screen.wait_for(f"File from {ALICE}", ANSWERS)
    note = screen.shown[number]
    assert note.body == "photo.jpg (300.0\u00a0kB)\nfrom the &lt;b&gt;mountains&lt;/b&gt; &amp; lakes"
    assert (note.hints["desktop-entry"], note.hints["category"], note.timeout) == ("org.fardel.Fardel", "transfer", 0)
    screen.press("File from", "accept")
    assert sent.end()["State"] == "done"
    number = screen.wait_for("File received")
    assert screen.shown[number].body == f"photo.jpg from {ALICE}"
    assert sha256(bob.downloads / "photo.jpg") == sha256(photo)
    screen.press("File received", "show")
    until(lambda: files.asked("ShowItems"), "the file manager")
    assert files.asked("ShowItems") == [([(bob.downloads / "photo.jpg").as_uri()], "token")]
    screen.wait_for_none()


def test_decline(alice, screen, run, photo):
    run()
    sent = alice.manager.offer(BOB, photo)
    screen.press("File from", "decline")
    assert sent.end()["State"] == "rejected"
    screen.wait_for_none()


def test_save_as_replaces_what_the_user_chose(alice, screen, service, run, photo, work):
    portal = service(mocks.Portal)
    run()
    sent = alice.manager.offer(BOB, photo)
    screen.wait_for("File from", ["accept", "save-as", "decline"])
    screen.press("File from", "save-as")
    portal.choose()
    screen.wait_for("File from")
    assert portal.asked("SaveFile")[0][2]["current_name"] == "photo.jpg"

    portal.calls.clear()
    target = make_file(work / "mine.jpg", 10)
    screen.press("File from", "save-as")
    portal.choose(target)
    assert sent.end()["State"] == "done"
    screen.wait_for("File received")
    assert sha256(target) == sha256(photo)


def test_server_that_closes_late(alice, screen, service, run, photo):
    """That the answer took the question away is not that the user dismissed the next one."""
    portal = service(mocks.Portal)
    run()
    sent = alice.manager.offer(BOB, photo)
    first = screen.wait_for("File from", ["accept", "save-as", "decline"])
    screen.press("File from", "save-as", keep=True)
    portal.choose()
    until(lambda: screen.shown.keys() - {first}, "the question again")
    screen.emit(screen.name, "NotificationClosed", "(uu)", first, 2)
    screen.press("File from", "decline")
    assert sent.end()["State"] == "rejected"
    screen.wait_for_none()


def test_chooser_closes_with_the_offer(alice, screen, service, run, photo):
    portal = service(mocks.Portal)
    run()
    sent = alice.manager.offer(BOB, photo)
    screen.wait_for("File from", ["accept", "save-as", "decline"])
    screen.press("File from", "save-as")
    until(lambda: portal.asked("SaveFile"), "the file chooser")
    sent.call("Cancel")
    until(lambda: portal.asked("Close"), "the file chooser to close")
    screen.wait_for_none()


def test_answered_elsewhere(alice, bob, screen, run, photo):
    run()
    sent = alice.manager.offer(BOB, photo)
    first = screen.wait_for("File from")
    bob.client.wait_for_offer().accept("")
    sent.end()
    screen.wait_for("File received")
    assert first not in screen.shown


@pytest.fixture
def carol(bob, prosody):
    """An account beside bob's, for one test: carol() adds it."""
    accounts = []

    def add(**settings):
        accounts.append(bob.add_account("carol", prosody, **settings))
        return accounts[0]
    yield add
    for account in accounts:
        account.call("Remove")


def test_strangers_are_called_so(alice, prosody, screen, run, photo, carol):
    prosody.name_contact("carol", "bob", "Bob")
    run()
    account = carol(strangers="hold")
    alice.manager.offer(account["FullJid"], photo)
    number = screen.wait_for(f"File from {ALICE}", ANSWERS)
    assert screen.shown[number].body.splitlines()[1] == "The sender is not one of your contacts."


def test_contacts_have_names(alice, prosody, screen, run, photo, carol):
    prosody.name_contact("carol", "alice", "Al <b>")
    run()
    alice.manager.offer(carol()["FullJid"], photo)
    number = screen.wait_for("File from Al <b>", ANSWERS)  # a summary has no markup
    assert "contacts" not in screen.shown[number].body


def test_withdrawn(alice, screen, run, photo):
    run()
    sent = alice.manager.offer(BOB, photo)
    screen.wait_for("File from")
    sent.call("Cancel")
    screen.wait_for_none()


def test_batch(alice, bob, screen, service, run, work):
    files = service(mocks.FileManager)
    run()
    sources = [make_file(work / name, 1000) for name in ("a", "b", "c")]
    sent = alice.manager.offer_many(BOB, sources)
    number = screen.wait_for("3 files from")
    assert list(screen.shown) == [number]
    assert sorted(screen.shown[number].body.splitlines()) == [f"{name} (1.0\u00a0kB)" for name in ("a", "b", "c")]
    screen.press("3 files from", "accept")
    assert [transfer.end()["State"] for transfer in sent] == ["done"] * 3
    number = screen.wait_for("3 files received")
    assert list(screen.shown) == [number]
    screen.press("3 files received", "default")
    until(lambda: files.asked("ShowItems"), "the file manager")
    assert sorted(files.asked("ShowItems")[0][0]) == [(bob.downloads / name).as_uri() for name in ("a", "b", "c")]


def test_dismissed_is_no_answer(alice, bob, screen, run, photo):
    run()
    alice.manager.offer(BOB, photo)
    screen.take_away(screen.wait_for("File from"))
    alice.manager.offer(BOB, photo, name="other.jpg")
    number = screen.wait_for("File from")
    assert "other.jpg" in screen.shown[number].body
    assert list(screen.shown) == [number]
    assert len(bob.client.transfers(state="offered")) == 2


def test_dismissed_while_it_changes(alice, screen, service, run, photo):
    run()
    alice.manager.offer(BOB, photo)
    first = screen.wait_for("File from", ANSWERS)
    screen.impatient = True
    service(mocks.Portal)  # one button more
    until(lambda: first not in screen.shown, "the user")
    screen.wait_for_none()


def make_viewer(bob, work, kind):
    """A program that notes what it is to show: a file that is there when it has."""
    script = work / "viewer"
    script.write_text(f'#!/bin/sh\necho "$XDG_ACTIVATION_TOKEN $1" > {work}/new\nmv {work}/new {work}/viewed\n')
    script.chmod(0o755)
    for name, text in ((".local/share/applications/viewer.desktop",
                        f"[Desktop Entry]\nType=Application\nName=Viewer\nExec={script} %f\nMimeType={kind};\n"),
                       (".config/mimeapps.list", f"[Default Applications]\n{kind}=viewer.desktop\n")):
        path = bob.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return work / "viewed"


def test_open(alice, bob, screen, run, work):
    viewed = make_viewer(bob, work, "text/plain")
    run()
    text = work / "notes.txt"
    text.write_text("hello\n")
    alice.manager.offer(BOB, text)
    screen.press("File from", "accept")
    screen.wait_for("File received", ["default", "open", "show"])
    screen.press("File received", "open")
    eventually(viewed.exists, timeout=30)
    assert viewed.read_text() == f"token {bob.downloads / 'notes.txt'}\n"


def test_show_where_no_file_manager_can_select(alice, bob, screen, run, photo, work):
    viewed = make_viewer(bob, work, "inode/directory")
    run()
    alice.manager.offer(BOB, photo)
    screen.press("File from", "accept")
    screen.press("File received", "show")
    eventually(viewed.exists, timeout=30)
    assert viewed.read_text() == f"token {bob.downloads}\n"


def test_programs_are_not_opened(alice, bob, screen, run, work):
    """Whatever they are called: the content counts, too."""
    make_viewer(bob, work, "application/x-shellscript")
    run()
    program = work / "notes"
    program.write_text("#!/bin/sh\necho gotcha\n")
    alice.manager.offer(BOB, program)
    screen.press("File from", "accept")
    screen.wait_for("File received", ["default", "show"])


def test_refused_answer_is_explained(alice, bob, screen, run, photo, work):
    run()
    folder = work / "folder"
    folder.mkdir()
    before = bob.manager["DownloadFolder"]
    bob.manager["DownloadFolder"] = str(folder)
    folder.rmdir()
    folder.touch()
    sent = alice.manager.offer(BOB, photo)
    number = screen.wait_for("File from")
    said = screen.shown[number].body
    screen.press("File from", "accept")
    number = screen.wait_for("File from")
    assert screen.shown[number].body.startswith(said) and str(folder) in screen.shown[number].body
    bob.manager["DownloadFolder"] = before
    screen.press("File from", "accept")
    assert sent.end()["State"] == "done"


def test_failure_says_why(alice, bob, screen, run, work):
    run()
    sent = alice.manager.offer(BOB, make_file(work / "large", LARGE), rate_limit=SLOW)
    screen.press("File from", "accept")
    sent.wait_for("State", "active")
    sent.call("Cancel")
    number = screen.wait_for("File not received", [])
    assert screen.shown[number].body.startswith(f"large from {ALICE}\n")
    assert bob.client.transfers()[0]["ErrorMessage"] in screen.shown[number].body


def test_job(alice, bob, screen, service, run, work):
    jobs = service(mocks.Jobs)
    launcher = []
    jobs.bus.signal_subscribe(None, "com.canonical.Unity.LauncherEntry", "Update", None, None,
                              Gio.DBusSignalFlags.NONE, lambda *args: launcher.append(args[5].unpack()))
    run()
    sent = alice.manager.offer(BOB, make_file(work / "large", LARGE), rate_limit=SLOW)
    screen.press("File from", "accept")
    until(lambda: any(view.get("processedBytes") for view in jobs.shown.values()), "progress")
    (view,) = jobs.shown.values()
    assert (view["title"], view["totalBytes"]) == (f"Receiving large from {ALICE}", LARGE)
    assert jobs.asked("requestView")[0][:2] == ("org.fardel.Fardel", 1)
    until(lambda: launcher and launcher[-1][1].get("progress"), "progress in the launcher")
    assert launcher[-1][0] == "application://org.fardel.Fardel.desktop" and launcher[-1][1]["progress-visible"]
    jobs.cancel()
    assert sent.end()["State"] == "cancelled"
    until(lambda: not jobs.shown, "the end of the job")
    until(lambda: not launcher[-1][1]["progress-visible"], "the end of the progress")
    screen.wait_for_none()


def test_job_that_is_over_before_it_shows(alice, screen, service, run, photo):
    jobs = service(mocks.Jobs)
    run()
    alice.manager.offer(BOB, photo)
    screen.press("File from", "accept")
    screen.wait_for("File received")
    until(lambda: jobs.asked("terminate"), "the end of the job")
    assert not jobs.shown


def test_server_without_buttons(alice, bob, service, run, photo):
    screen = service(mocks.Notifications, capabilities=["body"])
    run()
    alice.manager.offer(BOB, photo, description="<i>me</i>")
    number = screen.wait_for("File from", [])
    id = bob.client.wait_for_offer()["Id"]
    assert "<i>me</i>" in screen.shown[number].body
    assert f"fardelctl accept {id}" in screen.shown[number].body


def test_server_restarts(alice, screen, service, run, photo):
    run()
    sent = alice.manager.offer(BOB, photo)
    screen.wait_for("File from")
    screen.close()
    again = service(mocks.Notifications, first=100)
    assert again.wait_for("File from") == 100
    again.press("File from", "accept")
    assert sent.end()["State"] == "done"
    again.wait_for("File received")


def test_another_shows_offers(screen, service, run):
    service(mocks.OtherUI)
    notifier = run(stay=False)
    assert notifier.wait() == 0
    assert "Another program shows the offers" in notifier.lines[-1]


def test_makes_room(alice, screen, service, run, photo):
    notifier = run()
    alice.manager.offer(BOB, photo)
    screen.wait_for("File from")
    service(mocks.OtherUI, REPLACE)
    screen.wait_for_none()
    assert notifier.wait() == 0


def test_no_notifications_here(run):
    notifier = run()
    assert notifier.wait() == 0
    assert "Nothing shows notifications" in notifier.lines[-1]


def test_leaves_when_idle(alice, screen, run, photo):
    alice.manager.offer(BOB, photo)
    notifier = run("--idle-timeout=0")
    screen.press("File from", "accept")
    screen.take_away(screen.wait_for("File received"))
    until(lambda: not notifier.running, "its end")
    assert notifier.wait() == 0


@pytest.fixture
def installed(bob, service):
    """What is installed, but for the place of the program."""
    name = mocks.OtherUI.name + ".service"
    lines = (BUILD / "client-lib/notify" / name).read_text().splitlines()
    file = bob.bus.services / name

    def reload():
        bob.client.bus.call_sync(mocks.DBUS, "/", mocks.DBUS, "ReloadConfig", None, None, Gio.DBusCallFlags.NONE, -1, None)
    file.write_text("\n".join(f"Exec={NOTIFY} --account-delay=0" if line.startswith("Exec=") else line for line in lines)
                    + "\n")
    reload()
    yield
    file.unlink()
    reload()
    service(mocks.OtherUI, REPLACE)  # it leaves


def test_started_for_an_offer(alice, screen, installed, photo):
    sent = alice.manager.offer(BOB, photo)
    screen.press("File from", "decline")
    assert sent.end()["State"] == "rejected"


def test_started_for_an_account(bob, prosody, screen, installed):
    account = bob.add_account("carol", prosody, secret=False, online=False)
    screen.wait_for("needs its password")
    account.call("Remove")
    screen.wait_for_none()


def test_account_without_password(bob, prosody, screen, run):
    run()
    account = bob.add_account("carol", prosody, secret=False, online=False)
    number = screen.wait_for(f"{Prosody.jid('carol')} needs its password", ["connect"])
    assert "fardelctl account password carol" in screen.shown[number].body
    screen.press("needs its password", "connect")
    screen.wait_for("needs its password")  # it is not over
    screen.take_away(screen.wait_for("needs its password"))
    account.call("Disconnect")
    account.call("Connect")
    screen.wait_for("needs its password")
    account.set_password(password("carol"))
    screen.wait_for_none()
    account.call("Remove")


def test_keyring_asks_when_told_to(bob, prosody, screen, run):
    jid = Prosody.jid("carol")
    if "secret-service" not in bob.manager["Features"]:
        pytest.skip("built without libsecret")
    with contextlib.closing(Keyring(bob)) as keyring, contextlib.closing(User(bob)) as user:
        keyring.start()
        keyring.store(jid, password("carol"))
        keyring.stop()
        keyring.start(unlock=False, user=user)
        run()
        user.will_answer("")  # when it is added
        account = bob.add_account("carol", prosody, secret=False, online=False)
        screen.wait_for(f"{jid} needs its password")
        user.will_answer(MASTER)
        screen.press("needs its password", "connect")
        account.wait_for("Status", "online")
        screen.wait_for_none()
        until(lambda: user.asked == 2, "the keyring to ask twice")
        account.call("Remove")


def test_server_that_is_not_trusted(alice, bob, prosody, screen, run, photo):
    run()
    account = bob.add_account("alice", prosody, name="untrusted", jid=f"alice@{UNTRUSTED}", online=False)
    number = screen.wait_for(f"The server of alice@{UNTRUSTED} is not trusted", ["connect"])
    assert account["ErrorMessage"].partition(";")[0] in screen.shown[number].body
    screen.take_away(number)
    told = len(account.changes("Status"))
    account.call("Connect")
    bob.client.wait(lambda: account.changes("Status")[told:][-1:] == ["failed"], what="the same again")
    alice.manager.offer(BOB, photo)
    offer = screen.wait_for("File from")
    assert list(screen.shown) == [offer]  # the other is told once
    account.call("Remove")


def test_daemon_restarts(alice, bob, screen, run, work):
    run()
    sent = alice.manager.offer(BOB, make_file(work / "large", LARGE), rate_limit=GLib.Variant("t", LARGE // 4))
    screen.press("File from", "accept")
    sent.wait_for("State", "active")
    alice.manager.offer(BOB, make_file(work / "small", 10))
    screen.wait_for("File from")
    bob.stop()
    screen.wait_for_none()
    bob.start()
    bob.account("bob").set_password(password("bob"))
    assert sent.end()["State"] == "done"
    screen.wait_for("File received")
