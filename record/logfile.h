/* logfile.h - an append-only file of whole lines
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

/* How much of the file's end is read back: more than one policy process can have written without
 * having told the workers so (a batch or two, batch.h). */
#define LOGFILE_TAIL_MAX (4u << 20)

struct logfile;

/* line: gets each line somebody else appended, without its newline; the last may be torn. */
struct logfile *logfile_new(const char *path,
    void (*line)(void *arg, const char *line, size_t len), void *arg);
void logfile_free(struct logfile *f);

/* logfile_open: opens, or opens anew after rotation, and reads the tail. False with the reason in
 * logfile_problem; a file open before stays open. */
bool logfile_open(struct logfile *f);

/* logfile_begin, logfile_append, logfile_end. append: lines with their newlines, all of them or
 * none; where the last line of the file is torn they start on a fresh one. False: nothing of them
 * counts, see the problem. What is no regular file (a pipe) must get its lines one by one. */
void logfile_begin(struct logfile *f);
bool logfile_append(struct logfile *f, const char *lines, size_t len);
void logfile_end(struct logfile *f);
bool logfile_is_regular(const struct logfile *f);

/* logfile_problem: "cannot write FILE: No space left on device"; "" when all is well. */
const char *logfile_problem(const struct logfile *f);

#endif
