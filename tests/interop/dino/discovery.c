/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a peer supports (XEP-0030), asked anew each time.
 */
#include "dino.h"

typedef struct
{
  GObject parent;
  DiscoveryModule *module;
  Stream *stream;
} Discovery;

static void
on_info (GObject *module, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  gpointer info = xmpp_xep_service_discovery_module_request_info_finish ((DiscoveryModule *) module, result);
  const char *feature = g_task_get_task_data (task);

  g_task_return_boolean (
    task,
    info && gee_collection_contains (xmpp_xep_service_discovery_info_result_get_features (info), feature));
}

static void
has_entity_feature (GObject *cache, Jid *jid, const char *feature, GAsyncReadyCallback done, gpointer data)
{
  Discovery *self = (Discovery *) cache;
  GTask *task = g_task_new (cache, NULL, done, data);

  g_task_set_task_data (task, g_strdup (feature), g_free);
  xmpp_xep_service_discovery_module_request_info (self->module, self->stream, jid, on_info, task);
}

static gboolean
has_entity_feature_finish (GObject *cache, GAsyncResult *result)
{
  return g_task_propagate_boolean (G_TASK (result), NULL);
}

static void
init_interface (gpointer interface, gpointer data)
{
  CapsCacheInterface *caps = interface;

  caps->has_entity_feature = has_entity_feature;
  caps->has_entity_feature_finish = has_entity_feature_finish;
}

void
dino_add_discovery (DiscoveryModule *module, Stream *stream)
{
  const GInterfaceInfo interface = { init_interface, NULL, NULL };
  GType type = g_type_register_static_simple (G_TYPE_OBJECT, "Discovery", sizeof (GObjectClass), NULL,
                                              sizeof (Discovery), NULL, 0);
  Discovery *self;

  g_type_add_interface_static (type, xmpp_xep_service_discovery_caps_cache_get_type (), &interface);
  self = g_object_new (type, NULL);
  self->module = module;
  self->stream = stream;
  module->cache = G_OBJECT (self);
}
