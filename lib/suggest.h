/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * suggest.h - a small policy out of what a session was refused: what could be granted, as few rules as
 * that takes, and apart from it, as comments, what is not for a program to decide. Plain structs in, text
 * that `new --policy` reads out.
 */
#ifndef LIB_SUGGEST_H
#define LIB_SUGGEST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "fail.h"
#include "policy.h"
#include "report.h"

/* What the machine says; asked once for each path. */
struct suggest_machine {
	/*
	 * What the session may do with it now (AL_READ | ...); SUGGEST_FIXED: it is decided by what it is
	 * (procfs, sysfs, a device), and no rule would change that.
	 */
	uint32_t (*rights)(const char *path, void *data);
	/*
	 * May all of it be granted? Not if it is a directory that is a home, holds one or the project, is
	 * many programs' own, or has something sensitive in it.
	 */
	bool (*whole)(const char *path, void *data);
	void *data;
};
#define SUGGEST_FIXED (1U << 31)

/*
 * Print it. policy: the session's, for what in it is sensitive. report: merged. Nothing sensitive is ever
 * granted, no socket, and nothing against a rule that refuses it: these are comments, as the lines that
 * would do it, or as what happened.
 */
int suggest(const struct report *report, const struct policy *policy,
	    const struct suggest_machine *machine, FILE *out, struct fail *f);

/* The right with which an operation would have been allowed; POLICY_NRIGHTS: none of a path's would do. */
enum policy_right suggest_right(uint32_t op);

#endif
