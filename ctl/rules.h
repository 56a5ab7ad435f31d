/* rules.h - the firewall commands that bring the clients' mail to postern
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CTL_RULES_H
#define CTL_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "daemon/config.h"

/* rules_write: commands for sh, one a line, with comments; running them again changes nothing.
 * False with the reason in error where this version cannot. */
bool rules_write(const struct config *config, FILE *out, char *error, size_t error_size);

#endif
