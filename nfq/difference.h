/* difference.h - what is missing or too much in one rule text against another, in a few words
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NFQ_DIFFERENCE_H
#define NFQ_DIFFERENCE_H

#include <stdbool.h>
#include <stddef.h>

/* difference: false when the texts are the same. Else "missing: LINE; ..." and "not ours: LINE;
 * ...", the first few of each and how many more there are, cut to size. Lines that begin with "#"
 * part the texts; a line is looked for in the part of the same name. Pure. */
bool difference(const char *expected, const char *loaded, char *out, size_t size);

#endif
