/* store_seen.c - the store's tables of what was seen: hosts with STARTTLS, domains at addresses
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/store_parts.h"

static size_t
change_seen(struct store_change *c, unsigned char *room, const void *items, size_t i)
{
	const struct store_seen *seen = (const struct store_seen *)items + i;
	size_t len = store_encode_seen(room, seen->last, seen->host);

	c->table = STORE_SEEN;
	c->key = store_slice(seen->key, seen->key_len);
	if (seen->last != 0)
		c->value = store_slice(room, len);
	return len;
}

bool
store_put_seen(struct store *s, const struct store_seen *seen, size_t len)
{
	return store_put_many(s, &(struct store_items){ seen, len, len * STORE_SEEN_MAX,
	    change_seen });
}

struct each_seen {
	void (*each)(void *arg, const struct store_seen *seen);
	void *arg;
};

static bool
on_seen(void *arg, const MDB_val *key, const MDB_val *value)
{
	struct each_seen *w = arg;
	struct store_seen seen = { .key = key->mv_data, .key_len = key->mv_size };

	if (!store_decode_seen(value->mv_data, value->mv_size, &seen.last, &seen.host))
		return false;
	w->each(w->arg, &seen);
	return true;
}

void
store_each_seen(struct store *s, void (*each)(void *arg, const struct store_seen *seen), void *arg)
{
	store_walk(s, &(struct store_walk){ .table = STORE_SEEN, .most = SIZE_MAX,
	    .each = on_seen, .arg = &(struct each_seen){ each, arg } });
}

static size_t
change_user(struct store_change *c, unsigned char *room, const void *items, size_t i)
{
	const struct store_user *user = (const struct store_user *)items + i;
	size_t key_len = store_encode_user(room, &user->ip, user->domain);
	size_t len = store_encode_seen(room + key_len, user->last, "");

	c->table = STORE_USERS;
	c->key = store_slice(room, key_len);
	if (user->last != 0)
		c->value = store_slice(room + key_len, len);
	return key_len + len;
}

bool
store_put_users(struct store *s, const struct store_user *users, size_t len)
{
	return store_put_many(s, &(struct store_items){ users, len,
	    len * (STORE_KEY_MAX + STORE_SEEN_MAX), change_user });
}

struct each_user {
	void (*each)(void *arg, const struct store_user *user);
	void *arg;
};

static bool
on_user(void *arg, const MDB_val *key, const MDB_val *value)
{
	struct each_user *w = arg;
	char domain[STORE_USER_DOMAIN_MAX + 1];
	struct store_user user = { .domain = domain };
	const char *host;

	if (!store_decode_user(key->mv_data, key->mv_size, &user.ip, domain) ||
	    !store_decode_seen(value->mv_data, value->mv_size, &user.last, &host))
		return false;
	w->each(w->arg, &user);
	return true;
}

void
store_each_user(struct store *s, void (*each)(void *arg, const struct store_user *user), void *arg)
{
	store_walk(s, &(struct store_walk){ .table = STORE_USERS, .most = SIZE_MAX,
	    .each = on_user, .arg = &(struct each_user){ each, arg } });
}
