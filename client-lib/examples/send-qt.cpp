// SPDX-License-Identifier: LGPL-2.1-or-later
//
// usage: send-qt JID FILE
// Sends a file and shows how far it is, with nothing but Qt: the classes org::fardel::Fardel1::… are made by
// qdbusxml2cpp from the interfaces in /usr/share/dbus-1/interfaces (with CMake: qt_add_dbus_interface).
#include "manager.h"
#include "transfer.h"

#include <QCoreApplication>
#include <QFile>
#include <QTextStream>

using Manager = org::fardel::Fardel1::Manager;
using Transfer = org::fardel::Fardel1::Transfer;

static QTextStream out (stdout);
static QTextStream err (stderr);

// Returns the exit code.
static int
show_end (const QString &state, const QString &message)
{
  if (state == "done")
    out << "done" << Qt::endl;
  else
    err << state << ": " << message << Qt::endl;
  return state == "done" ? 0 : 1;
}

// Receives the PropertiesChanged of one transfer, which Qt's generated classes leave out.
class Progress : public QObject
{
  Q_OBJECT

public slots:
  void
  propertiesChanged (const QString &, const QVariantMap &changed, const QStringList &)
  {
    if (changed.contains ("Transferred"))
      out << changed["Transferred"].toULongLong () << " bytes" << Qt::endl;
  }
};

int
main (int argc, char **argv)
{
  QCoreApplication app (argc, argv);
  qDBusRegisterMetaType<QMap<QString, QString> > ();
  const QStringList args = app.arguments ();
  if (args.size () != 3)
    {
      err << "usage: " << args.value (0) << " JID FILE" << Qt::endl;
      return 2;
    }
  QFile file (args[2]);
  if (!file.open (QIODevice::ReadOnly))
    {
      err << file.fileName () << ": " << file.errorString () << Qt::endl;
      return 1;
    }

  // A descriptor instead of a path: that works in a Flatpak as well.
  auto bus = QDBusConnection::sessionBus ();
  Manager manager ("org.fardel.Fardel1", "/org/fardel/Fardel1", bus);
  QDBusPendingReply<QDBusObjectPath> offer
    = manager.OfferFd (args[1], QDBusUnixFileDescriptor (file.handle ()), file.fileName (), {});
  offer.waitForFinished ();
  if (offer.isError ())
    {
      err << offer.error ().message () << Qt::endl;
      return 1;
    }

  const QString path = offer.value ().path ();
  Transfer transfer (manager.service (), path, bus);
  Progress progress;
  auto ended = [] (const QString &state, const QString &, const QString &message) {
    QCoreApplication::exit (show_end (state, message));
  };
  QObject::connect (&transfer, &Transfer::Finished, ended);
  bus.connect (manager.service (), path, "org.freedesktop.DBus.Properties", "PropertiesChanged", &progress,
               SLOT (propertiesChanged (QString, QVariantMap, QStringList)));
  // It may have ended before anybody listened.
  if (transfer.ended () != 0)
    return show_end (transfer.state (), transfer.errorMessage ());
  return app.exec ();
}

#include "send-qt.moc"
