/* fresh.c - for how long a fact still holds, in milliseconds
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/fresh.h"

uint64_t
fresh_least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t
fresh_ticks(uint64_t until, uint64_t now)
{
	return until > now ? until - now : 0;
}

uint64_t
fresh_clock(int64_t until, int64_t now)
{
	return until - now > 1 ? (uint64_t)(until - now - 1) * 1000 : 0;
}
