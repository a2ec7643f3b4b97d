// SPDX-License-Identifier: LGPL-2.1-or-later
//
// usage: gjs exchange.js FILE FOLDER; between alice, on the session bus, and bob, on BOB_BUS.
imports.gi.versions.Fardel = '1';
const { Fardel, Gio, GLib } = imports.gi;

Gio._promisify(Fardel.Client.prototype, 'offer_file_async', 'offer_file_finish');
Gio._promisify(Fardel.Transfer.prototype, 'accept_async', 'accept_finish');
Gio._promisify(Fardel.Transfer.prototype, 'wait_async', 'wait_finish');

const newClient = () => new Promise((resolve, reject) => Fardel.Client.new_async(null, (_, result) => {
    try {
        resolve(Fardel.Client.new_finish(result));
    } catch (error) {
        reject(error);
    }
}));

async function exchange(path, folder) {
    const alice = await newClient();
    const connection = Gio.DBusConnection.new_for_address_sync(GLib.getenv('BOB_BUS'),
        Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, null, null);
    const bob = new Fardel.Client({ connection });
    bob.init(null);

    const received = new Promise(resolve => bob.connect('offer-received', (_, offer) => resolve(offer)));
    const options = new GLib.Variant('a{sv}', { description: new GLib.Variant('s', 'from gjs') });
    const sent = await alice.offer_file_async('bob@fardel.test', Gio.File.new_for_path(path), options, null);
    const offer = await received;
    if (offer.description !== 'from gjs' || !offer.incoming || offer.state !== Fardel.State.OFFERED)
        throw new Error(`not what was offered: ${offer.description}`);
    await offer.accept_async(Gio.File.new_for_path(folder), null, null);
    await Promise.all([sent.wait_async(null), offer.wait_async(null)]);
    if (!offer.finished || offer.verified !== 'ok')
        throw new Error(`verified: ${offer.verified}`);
    try {
        sent.cancel_sync(null);
        throw new Error('A transfer that is done was cancelled');
    } catch (error) {
        if (!error.matches(Fardel.Error, Fardel.Error.FINISHED))
            throw error;
    }
    print(offer.local_file.get_path());
}

const loop = new GLib.MainLoop(null, false);
let status = 1;
exchange(...ARGV).then(() => (status = 0), error => printerr(`${error}\n${error.stack}`)).finally(() => loop.quit());
loop.run();
imports.system.exit(status);
