/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The few functions of Dino 0.4's libraries that the driver calls. Debian
 * ships the libraries without headers and where the linker does not look, so
 * they are declared here as Vala lays them out, and found at run time.
 */
#pragma once

#include <gio/gio.h>

typedef struct _Jid Jid;
typedef struct _StanzaNode StanzaNode;
typedef struct _Log Log;

/* Public fields of Xmpp.XmppStream, Xmpp.Stanza and Xmpp.Xep.ServiceDiscovery.Module. */
typedef struct
{
  GObject parent;
  gpointer priv;
  Jid *remote_name;
  Log *log;
} Stream;

typedef struct
{
  GObject parent;
  gpointer priv;
  StanzaNode *node;
} Stanza;

typedef struct
{
  GObject parent;
  gpointer module_priv;
  gpointer priv, identity;
  GObject *cache;
} DiscoveryModule;

/* Xmpp.Xep.ServiceDiscovery.CapsCache */
typedef struct
{
  GTypeInterface parent;
  void (*has_entity_feature) (GObject *cache, Jid *jid, const char *feature, GAsyncReadyCallback done,
                              gpointer data);
  gboolean (*has_entity_feature_finish) (GObject *cache, GAsyncResult *result);
  void (*get_entity_identities) (GObject *cache, Jid *jid, GAsyncReadyCallback done, gpointer data);
  gpointer (*get_entity_identities_finish) (GObject *cache, GAsyncResult *result);
} CapsCacheInterface;

typedef gboolean (*InvalidCertificateFunc) (GTlsCertificate *certificate, GTlsCertificateFlags errors,
                                            gpointer data);
typedef gpointer (*LocalAddressesFunc) (gpointer data);

/* X (type, name, arguments). A gpointer is an object of Dino's or a list of libgee. */
/* clang-format off */
#define DINO_FUNCTIONS(X) \
  X (const char *, dino_get_version, (void)) \
  X (gpointer, dino_database_new, (const char *path)) \
  X (gpointer, dino_entity_capabilities_storage_new, (gpointer database)) \
  X (gpointer, dino_entities_account_new, \
     (Jid * bare, const char *resource, const char *password, const char *alias)) \
  X (gpointer, dino_module_manager_new, (gpointer database)) \
  X (gpointer, dino_module_manager_get_modules, (gpointer manager, gpointer account, const char *resource)) \
  X (gpointer, gee_array_list_new, \
     (GType type, GBoxedCopyFunc copy, GDestroyNotify destroy, GFunc equal, gpointer equal_data, \
      GDestroyNotify equal_destroy)) \
  X (gboolean, gee_collection_add, (gpointer collection, gconstpointer item)) \
  X (gboolean, gee_collection_contains, (gpointer collection, gconstpointer item)) \
  X (void, gee_collection_clear, (gpointer collection)) \
  X (int, gee_collection_get_size, (gpointer collection)) \
  X (gpointer, gee_list_get, (gpointer list, int index)) \
  X (Jid *, xmpp_jid_new, (const char *jid, GError **error)) \
  X (Jid *, xmpp_jid_get_domain_jid, (Jid * jid)) \
  X (char *, xmpp_jid_to_string, (Jid * jid)) \
  X (gpointer, xmpp_tls_xmpp_stream_on_invalid_cert_wrapper_new, \
     (InvalidCertificateFunc func, gpointer data, GDestroyNotify destroy)) \
  X (Stream *, xmpp_start_tls_xmpp_stream_new, \
     (Jid * domain, const char *host, guint16 port, gpointer wrapper)) \
  X (Log *, xmpp_xmpp_log_new, (const char *identity, const char *options)) \
  X (gpointer, xmpp_xmpp_stream_add_module, (Stream * stream, gpointer module)) \
  X (gpointer, xmpp_xmpp_stream_get_flags, (Stream * stream)) \
  X (void, xmpp_xmpp_stream_connect, (Stream * stream, GAsyncReadyCallback done, gpointer data)) \
  X (void, xmpp_xmpp_stream_connect_finish, (Stream * stream, GAsyncResult *result, GError **error)) \
  X (void, xmpp_xmpp_stream_loop, (Stream * stream, GAsyncReadyCallback done, gpointer data)) \
  X (void, xmpp_xmpp_stream_loop_finish, (Stream * stream, GAsyncResult *result, GError **error)) \
  X (void, xmpp_xmpp_stream_disconnect, (Stream * stream, GAsyncReadyCallback done, gpointer data)) \
  X (void, xmpp_xmpp_stream_disconnect_finish, (Stream * stream, GAsyncResult *result, GError **error)) \
  X (Jid *, xmpp_bind_flag_get_my_jid, (Stream * stream)) \
  X (StanzaNode *, xmpp_stanza_node_get_subnode, \
     (StanzaNode * node, const char *name, const char *xmlns, gboolean recursive)) \
  X (const char *, xmpp_stanza_node_get_attribute, (StanzaNode * node, const char *name, const char *xmlns)) \
  X (gpointer, xmpp_xep_entity_capabilities_module_new, (gpointer storage)) \
  X (GType, xmpp_xep_service_discovery_caps_cache_get_type, (void)) \
  X (void, xmpp_xep_service_discovery_module_request_info, \
     (DiscoveryModule * module, Stream *stream, Jid *jid, GAsyncReadyCallback done, gpointer data)) \
  X (gpointer, xmpp_xep_service_discovery_module_request_info_finish, \
     (DiscoveryModule * module, GAsyncResult *result)) \
  X (gpointer, xmpp_xep_service_discovery_info_result_get_features, (gpointer info)) \
  X (gpointer, xmpp_xep_socks5_bytestreams_module_get_proxies, (gpointer module, Stream *stream)) \
  X (void, xmpp_xep_socks5_bytestreams_module_set_local_ip_address_handler, \
     (gpointer module, LocalAddressesFunc func, gpointer data, GDestroyNotify destroy)) \
  X (void, xmpp_xep_jingle_flag_get_session, \
     (gpointer flag, const char *sid, GAsyncReadyCallback done, gpointer data)) \
  X (gpointer, xmpp_xep_jingle_flag_get_session_finish, (gpointer flag, GAsyncResult *result)) \
  X (void, xmpp_xep_jingle_session_terminate, \
     (gpointer session, const char *reason, const char *text, const char *local_reason)) \
  X (void, xmpp_xep_jingle_file_transfer_module_offer_file_stream, \
     (gpointer module, Stream *stream, Jid *to, GInputStream *file, const char *name, gint64 size, \
      const char *precondition, GObject *precondition_options, GAsyncReadyCallback done, gpointer data)) \
  X (void, xmpp_xep_jingle_file_transfer_module_offer_file_stream_finish, \
     (gpointer module, GAsyncResult *result, GError **error)) \
  X (void, xmpp_xep_jingle_file_transfer_file_transfer_accept, \
     (gpointer file, Stream *stream, GAsyncReadyCallback done, gpointer data)) \
  X (void, xmpp_xep_jingle_file_transfer_file_transfer_accept_finish, \
     (gpointer file, GAsyncResult *result, GError **error)) \
  X (void, xmpp_xep_jingle_file_transfer_file_transfer_reject, (gpointer file, Stream *stream)) \
  X (Jid *, xmpp_xep_jingle_file_transfer_file_transfer_get_peer, (gpointer file)) \
  X (const char *, xmpp_xep_jingle_file_transfer_file_transfer_get_file_name, (gpointer file)) \
  X (gint64, xmpp_xep_jingle_file_transfer_file_transfer_get_size, (gpointer file)) \
  X (GInputStream *, xmpp_xep_jingle_file_transfer_file_transfer_get_stream, (gpointer file))

#define DINO_DECLARE(type, name, arguments) extern type (*name) arguments;
DINO_FUNCTIONS (DINO_DECLARE)
#undef DINO_DECLARE
/* clang-format on */

/* Finds all of them. When Dino is not installed or is another version than 0.4:
 * FALSE, and @ret_reason (to be freed) says so. */
gboolean dino_load (char **ret_reason);

/* Lets @module answer what a peer supports, which Dino's entity information
 * service does in the program. */
void dino_add_discovery (DiscoveryModule *module, Stream *stream);
