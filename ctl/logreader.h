/* logreader.h - a decision log, read line by line from a descriptor
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CTL_LOGREADER_H
#define CTL_LOGREADER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOGREADER_LINE_MAX (1u << 20)	/* octets; a decision with all its evidence has 100 KiB */

/* logreader_read: the first `size` octets of fd; `event` gets each object and says whether to
 * go on. Lines that are no JSON object (torn by a full disk, too long) are counted in
 * *skipped. -1 with errno when reading failed. */
int logreader_read(int fd, uint64_t size, bool (*event)(void *arg, const json_t *event), void *arg,
    size_t *skipped);

#endif
