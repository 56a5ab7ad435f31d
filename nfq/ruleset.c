/* ruleset.c - all the texts of a plan, family by family
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "nfq/ruleset.h"

#include <stdlib.h>
#include <string.h>

#include "nfq/ruleset_text.h"

/* What `write` prints, for the families named; NULL when out of memory. */
static char *
text_of(const struct plan *p, enum dialect dialect, bool v4, bool v6,
    void (*write)(const struct ruleset_text *t))
{
	struct ruleset_text t = { .plan = p, .dialect = dialect, .v4 = v4, .v6 = v6 };
	char *text = NULL;
	size_t size = 0;

	t.out = open_memstream(&text, &size);
	if (t.out == NULL)
		return NULL;
	write(&t);
	if (fclose(t.out) == 0)
		return text;
	free(text);
	return NULL;
}

static void
routes_of_families(const struct ruleset_text *both)
{
	struct ruleset_text one = *both;

	one.v6 = false;
	if (both->v4)
		ruleset_routes(&one);
	one.v4 = false;
	one.v6 = both->v6;
	if (both->v6)
		ruleset_routes(&one);
}

static bool
iptables(const struct plan *p, struct ruleset *out)
{
	const bool on[2] = { p->v4, p->v6 };
	int i;

	for (i = 0; i < 2; i++) {
		const struct ruleset_text t = { .plan = p, .dialect = IPTABLES, .v4 = i == 0,
			.v6 = i == 1 };

		if (!on[i])
			continue;
		out->chains[i] = text_of(p, IPTABLES, i == 0, i == 1, ruleset_iptables);
		if (out->chains[i] == NULL)
			return false;
		ruleset_jumps(&t, out);
	}
	return true;
}

bool
ruleset_make(const struct plan *p, struct ruleset *out, char *error, size_t error_size)
{
	bool ok = false;

	memset(out, 0, sizeof(*out));
	switch (p->backend) {
	case BACKEND_IPTABLES:
		ok = iptables(p, out);
		break;
	case BACKEND_NFT:
		out->nft = text_of(p, NFT, p->v4, p->v6, ruleset_nft);
		ok = out->nft != NULL;
		break;
	}
	if (ok)
		out->routes = text_of(p, IP, p->v4, p->v6, routes_of_families);
	if (out->routes != NULL)
		return true;
	snprintf(error, error_size, "out of memory");
	ruleset_free(out);
	return false;
}

void
ruleset_free(struct ruleset *r)
{
	free(r->chains[0]);
	free(r->chains[1]);
	free(r->nft);
	free(r->routes);
	memset(r, 0, sizeof(*r));
}
