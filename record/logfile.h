/* logfile.h - an append-only file of lines, each written by one write
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Two policy processes may write the same file for a moment (a reload: the old one drains). Each
 * write therefore happens between logfile_begin, which locks the file and shows what others have
 * appended since, and logfile_end.
 *
 * Nothing is synced to the disk: what write() took survives the death of every process of ours, and
 * only a crash of the machine can lose the last seconds. A sync for each decision would cost the
 * mail milliseconds to guard the log, not the mail, against a power cut. */
#ifndef RECORD_LOGFILE_H
#define RECORD_LOGFILE_H

#include <stdbool.h>
#include <stddef.h>

/* How much of the file's end is read back: more than all workers can have sent without having seen
 * an acknowledgement (their sockets hold about 100 records each). */
#define LOGFILE_TAIL_MAX (4u << 20)

struct logfile;

/* line: gets each line somebody else appended, without its newline; the last may be torn. */
struct logfile *logfile_new(const char *path,
    void (*line)(void *arg, const char *line, size_t len), void *arg);
void logfile_free(struct logfile *f);

/* logfile_open: opens, or opens anew after rotation, and reads the tail. False with the reason in
 * logfile_problem; a file open before stays open. */
bool logfile_open(struct logfile *f);

/* logfile_begin, logfile_append, logfile_end. append: one line with its newline, all or nothing;
 * where the last line is torn it starts on a fresh one. False: nothing of it counts, see the
 * problem. */
void logfile_begin(struct logfile *f);
bool logfile_append(struct logfile *f, const char *line, size_t len);
void logfile_end(struct logfile *f);

/* logfile_problem: "cannot write FILE: No space left on device"; "" when all is well. */
const char *logfile_problem(const struct logfile *f);

#endif
