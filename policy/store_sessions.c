/* store_sessions.c - the store's table of TLS sessions whose server has proven itself
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/store_parts.h"

#define OVERHEAD (STORE_SESSION_MAX - STORE_EVIDENCE_MAX)

static size_t
change(struct store_change *c, unsigned char *room, const void *items, size_t i)
{
	const struct store_session *session = (const struct store_session *)items + i;
	size_t len = 0;

	if (session->end != 0)
		len = store_encode_session(room, session->len + OVERHEAD, session);
	c->table = STORE_SESSIONS;
	c->key = store_slice(session->name, STORE_SESSION_NAME);
	if (len > 0)
		c->value = store_slice(room, len);
	return len;
}

bool
store_put_sessions(struct store *s, const struct store_session *sessions, size_t len)
{
	struct store_items m = { sessions, len, 0, change };

	for (size_t i = 0; i < len; i++)
		m.octets += sessions[i].end != 0 ? sessions[i].len + OVERHEAD : 0;
	return store_put_many(s, &m);
}

bool
store_get_session(struct store *s, const uint8_t name[STORE_SESSION_NAME],
    void (*found)(void *arg, const struct store_session *session), void *arg)
{
	MDB_val key = store_slice(name, STORE_SESSION_NAME), value;
	struct store_session session = { .name = name };
	int e = store_pages_get(&s->file, STORE_SESSIONS, &key, &value);
	bool ok = e == 0 && store_decode_session(value.mv_data, value.mv_size, &session);

	if (ok)
		found(arg, &session);
	/* Of one that cannot be read store_each_session speaks, once and not at each question. */
	if (e != 0 && e != MDB_NOTFOUND)
		store_unreadable(s, e);
	return ok;
}

struct each_session {
	void (*each)(void *arg, const struct store_session *session);
	void *arg;
};

static bool
on_session(void *arg, const MDB_val *key, const MDB_val *value)
{
	struct each_session *w = arg;
	struct store_session session = { .name = key->mv_data };
	bool ok = store_decode_session(value->mv_data, value->mv_size, &session);

	if (key->mv_size != STORE_SESSION_NAME)
		return false;
	if (!ok)
		session = (struct store_session){ .name = key->mv_data };
	w->each(w->arg, &session);
	return ok;
}

bool
store_each_session(struct store *s, const uint8_t *from, size_t most,
    void (*each)(void *arg, const struct store_session *session), void *arg)
{
	return store_walk(s, &(struct store_walk){ .table = STORE_SESSIONS,
	    .from = store_slice(from, from != NULL ? STORE_SESSION_NAME : 0), .most = most,
	    .each = on_session, .arg = &(struct each_session){ each, arg } });
}

size_t
store_sessions_size(struct store *s, size_t *octets)
{
	size_t entries;
	int e = store_pages_size(&s->file, STORE_SESSIONS, &entries, octets);

	if (e != 0)
		store_unreadable(s, e);
	return entries;
}
