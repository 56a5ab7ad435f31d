/* store.c - cached policies and STARTTLS memory on disk
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Every write is a list of changes in one transaction. Reads are short transactions inside one
 * call. */
#include "policy/store_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
store_trouble(struct store *s, const char *what, const char *why)
{
	char line[512];

	snprintf(line, sizeof(line), "%s: %s", what, why);
	if (s->events != NULL)
		s->events->trouble(s->arg, line);
}

bool
store_fault(struct store *s, const char *doing, int code)
{
	bool first = s->problem[0] == '\0';

	snprintf(s->problem, sizeof(s->problem), "store: %s: %s", doing, mdb_strerror(code));
	if (first)
		store_trouble(s, "store", s->problem);
	return false;
}

bool
store_apply(struct store *s, struct store_change *c, size_t len)
{
	int e = store_pages_write(&s->file, c, len);

	if (e != 0)
		return store_fault(s, "writing", e);
	if (!s->damaged)
		s->problem[0] = '\0';
	return true;
}

MDB_val
store_slice(const void *p, size_t len)
{
	/* LMDB does not write through it. */
	union { const void *from; void *to; } cast = { p };

	return (MDB_val){ len, cast.to };
}

bool
store_put_policy(struct store *s, const char *domain, const struct store_policy *p)
{
	size_t len = store_encode(s->value, sizeof(s->value), p);
	struct store_change c = { STORE_POLICIES, store_slice(domain, strlen(domain)),
		store_slice(s->value, len) };

	return len > 0 ? store_apply(s, &c, 1) : store_fault(s, "writing", EMSGSIZE);
}

bool
store_delete_policy(struct store *s, const char *domain)
{
	struct store_change c = { STORE_POLICIES, store_slice(domain, strlen(domain)),
		{ 0, NULL } };

	return store_apply(s, &c, 1);
}

bool
store_put_many(struct store *s, const struct store_items *m)
{
	struct store_change *c = calloc(m->len + 1, sizeof(*c));
	unsigned char *room = malloc(m->octets + 1), *at = room;
	bool done = c != NULL && room != NULL;

	for (size_t i = 0; done && i < m->len; i++)
		at += m->change(&c[i], at, m->items, i);
	done = done ? store_apply(s, c, m->len) : store_fault(s, "writing", ENOMEM);
	free(c);
	free(room);
	return done;
}

void
store_unreadable(struct store *s, int code)
{
	s->damaged |= store_file_broken(code);
	store_fault(s, s->damaged ? "damaged, to begin anew stop posternd and move store.mdb away" :
	    "reading", code);
}

bool
store_get_policy(struct store *s, const char *domain,
    void (*found)(void *arg, const struct store_policy *p), void *arg)
{
	MDB_val key = store_slice(domain, strlen(domain)), value;
	struct store_policy p;
	int e = store_pages_get(&s->file, STORE_POLICIES, &key, &value);
	bool ok = e == 0 && store_decode(value.mv_data, value.mv_size, &p);

	if (ok)
		found(arg, &p);
	if (e == 0 && !ok)
		store_trouble(s, domain, "a stored policy cannot be read, skipped");
	else if (e != 0 && e != MDB_NOTFOUND)
		store_unreadable(s, e);
	return ok;
}

bool
store_walk(struct store *s, const struct store_walk *w)
{
	static const char *const names[STORE_TABLES] = {
		[STORE_POLICIES] = "stored policies", [STORE_SEEN] = "STARTTLS memory",
		[STORE_USERS] = "stored domains of addresses", [STORE_SESSIONS] = "stored sessions"
	};
	unsigned skipped;
	int e = store_pages_walk(&s->file, w, &skipped);

	if (e != 0 && e != MDB_NOTFOUND)
		store_unreadable(s, e);
	if (skipped > 0) {
		char count[48];

		snprintf(count, sizeof(count), "%u entries cannot be read, skipped", skipped);
		store_trouble(s, names[w->table], count);
	}
	return e == 0;
}

struct each_policy {
	void (*each)(void *arg, const char *domain, const struct store_policy *p);
	void *arg;
};

/* Of a damaged page anything may come. */
static bool
may_be_domain(const MDB_val *key)
{
	const unsigned char *c = key->mv_data;

	for (size_t i = 0; i < key->mv_size; i++)
		if (c[i] <= 0x20 || c[i] >= 0x7f)
			return false;
	return key->mv_size > 0;
}

static bool
on_policy(void *arg, const MDB_val *key, const MDB_val *value)
{
	struct each_policy *w = arg;
	struct store_policy p;
	char domain[STORE_KEY_MAX + 1];

	if (!may_be_domain(key) || !store_decode(value->mv_data, value->mv_size, &p))
		return false;
	memcpy(domain, key->mv_data, key->mv_size);
	domain[key->mv_size] = '\0';
	w->each(w->arg, domain, &p);
	return true;
}

bool
store_first_policies(struct store *s, size_t most,
    void (*each)(void *arg, const char *domain, const struct store_policy *p), void *arg)
{
	return store_walk(s, &(struct store_walk){ .table = STORE_POLICIES, .most = most,
	    .each = on_policy, .arg = &(struct each_policy){ each, arg } });
}

void
store_each_policy(struct store *s,
    void (*each)(void *arg, const char *domain, const struct store_policy *p), void *arg)
{
	store_first_policies(s, SIZE_MAX, each, arg);
}

static void
set_aside(struct store *s, const char *why)
{
	if (store_file_set_aside(&s->file))
		store_trouble(s, "the store was set aside, cached policies are lost", why);
}

struct store *
store_open(const char *state_dir, bool fresh, const struct store_events *events, void *arg,
    char *error, size_t error_size)
{
	struct store *s = calloc(1, sizeof(*s));
	int e;

	if (s == NULL || !store_file_name(&s->file, state_dir)) {
		snprintf(error, error_size, "state-dir: no memory, or too long a name");
		free(s);
		return NULL;
	}
	s->events = events;
	s->arg = arg;
	s->file.busy = events != NULL ? events->busy : NULL;
	if (fresh)
		set_aside(s, "the policy process crashed twice while it used it");
	e = store_file_open(&s->file);
	if (store_file_broken(e)) {
		set_aside(s, mdb_strerror(e));
		e = store_file_open(&s->file);
	}
	if (e == 0) {
		store_tend(s);
		return s;
	}
	snprintf(error, error_size, "%s: %s", s->file.path, mdb_strerror(e));
	store_close(s);
	return NULL;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	store_file_close(&s->file);
	free(s);
}

void
store_tend(struct store *s)
{
	store_file_tend(&s->file);
}

const char *
store_problem(const struct store *s)
{
	return s->problem;
}

bool
store_degraded(const struct store *s)
{
	return access(s->file.marker, F_OK) == 0;
}

bool
store_acknowledge(struct store *s)
{
	return unlink(s->file.marker) == 0 || errno == ENOENT;
}
