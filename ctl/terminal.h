/* terminal.h - text for a human's terminal, which hostile octets must not reach raw
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * All text that posternctl prints came over the network at some time: replies, certificates, policy
 * files. Everything but printable ASCII is shown as \xNN, so that no escape sequence is carried out
 * and no line is forged. */
#ifndef CTL_TERMINAL_H
#define CTL_TERMINAL_H

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

void terminal_octets(FILE *out, const char *p, size_t len);
void terminal_text(FILE *out, const char *s);		/* NULL prints nothing */

/* terminal_value: a scalar as text: strings escaped, numbers, yes and no, "-" for null or
 * absent. */
void terminal_value(FILE *out, const json_t *value);

/* terminal_tree: members and elements one a line, indented, nested ones below; strings of several
 * lines as a block. */
void terminal_tree(FILE *out, const json_t *value, unsigned indent);

/* terminal_member: string member of an object, "" where there is none. */
const char *terminal_member(const json_t *object, const char *key);

/* terminal_column: text, padded to width; never cut, so that nothing is hidden. */
void terminal_column(FILE *out, const char *text, unsigned width);

#endif
