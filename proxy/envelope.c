/* envelope.c - what belongs to one mail transaction, so that RSET is one call
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/envelope.h"

#include <stdlib.h>
#include <string.h>

void
envelope_clear(struct envelope *e)
{
	free(e->mail);
	free(e->mail_refused);
	for (size_t i = 0; i < e->domains_len; i++) {
		free(e->domains[i]->reply);
		free(e->domains[i]);
	}
	free(e->domains);
	memset(e, 0, sizeof(*e));
}

bool
envelope_mail(struct envelope *e, const char *line, size_t len, unsigned uses)
{
	envelope_clear(e);
	e->mail = malloc(len + 3);
	if (e->mail == NULL)
		return false;
	memcpy(e->mail, line, len);
	memcpy(e->mail + len, "\r\n", 3);
	e->uses = uses;
	return true;
}

const struct envelope_domain *
envelope_find(const struct envelope *e, const char *domain)
{
	for (size_t i = 0; i < e->domains_len; i++)
		if (strcmp(e->domains[i]->name, domain) == 0)
			return e->domains[i];
	return NULL;
}

bool
envelope_decide(struct envelope *e, const char *domain, const char *reply)
{
	/* Grows at powers of two; most transactions have one domain. */
	if ((e->domains_len & (e->domains_len - 1)) == 0) {
		size_t size = e->domains_len == 0 ? 1 : e->domains_len * 2;
		void *bigger = realloc(e->domains, size * sizeof(struct envelope_domain *));
		if (bigger == NULL)
			return false;
		e->domains = bigger;
	}
	size_t len = strlen(domain) + 1;
	struct envelope_domain *d = malloc(sizeof(*d) + len);
	if (d == NULL)
		return false;
	memcpy(d->name, domain, len);
	d->reply = reply == NULL ? NULL : strdup(reply);
	if (reply != NULL && d->reply == NULL) {
		free(d);
		return false;
	}
	e->domains[e->domains_len++] = d;
	return true;
}
