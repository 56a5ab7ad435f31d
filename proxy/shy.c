/* shy.c - clients whose TLS handshake with us failed, not to be offered STARTTLS for a while
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "proxy/shy.h"

#include <string.h>

bool
shy_has(const struct shy *s, const struct in6_addr *ip, double now)
{
	for (unsigned i = 0; i < SHY_CLIENTS; i++)
		if (s->clients[i].until > now && memcmp(&s->clients[i].ip, ip, sizeof(*ip)) == 0)
			return true;
	return false;
}

void
shy_add(struct shy *s, const struct in6_addr *ip, double now)
{
	s->clients[s->next].ip = *ip;
	s->clients[s->next].until = now + SHY_SECONDS;
	s->next = (s->next + 1) % SHY_CLIENTS;
}
