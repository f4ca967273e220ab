/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the ledger says was told is what the log has, wherever a daemon is killed: another process goes
 * on with the file, and sees by the log's size whether the last line was written.
 */
#include "../tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ledger.h"
#include "util.h"

#define CGROUP 4711

static char path[] = "/tmp/test_ledger.XXXXXX", log_path[] = "/tmp/test_ledger.XXXXXX";

/* The daemon dies: another one has the file and the log, nothing else. */
static struct ledger_entry *again(struct ledger_entry *ledger)
{
	ledger_close(ledger);
	return ledger_open(path);
}

static void written_or_not(int fd, struct ledger_entry *ledger)
{
	struct stat st;

	ok(fstat(fd, &st) == 0, "there is a log");
	ledger_begin(&ledger[3], CGROUP);
	ledger_writing(&ledger[3], st.st_ino, 10, 7);
	ok(ledger[3].told == 0, "what is being written is not told yet");
	ledger = again(ledger);
	ok(ledger_resume(&ledger[3], CGROUP, fd) && ledger[3].told == 0,
	   "killed before the write: it is not told");
	ledger_writing(&ledger[3], st.st_ino, 10, 7);
	ok(write_all(fd, "012345678\n", 10) == 0, "a line");
	ledger = again(ledger);
	ok(ledger_resume(&ledger[3], CGROUP, fd) && ledger[3].told == 7,
	   "killed behind it: it is told");
	ledger = again(ledger);
	ok(ledger_resume(&ledger[3], CGROUP, fd) && ledger[3].told == 7, "and not twice");
	ledger_writing(&ledger[3], st.st_ino, 20, 1);
	ok(write_all(fd, "01234", 5) == 0, "half a line");
	ledger = again(ledger);
	ok(ledger_resume(&ledger[3], CGROUP, fd) && ledger[3].told == 7,
	   "killed in the middle of it: it is not told");
	ledger_writing(&ledger[3], st.st_ino + 1, 5, 1);
	ledger = again(ledger);
	ok(ledger_resume(&ledger[3], CGROUP, fd) && ledger[3].told == 7,
	   "a line of another file: it is not told");
	ok(!ledger_resume(&ledger[3], CGROUP + 1, fd), "another session has no entry there");
	ledger_close(ledger);
}

int main(void)
{
	cleanup_fd int fd = mkstemp(path), log = mkstemp(log_path);
	struct ledger_entry *ledger = ledger_open(path);

	ok(fd >= 0 && log >= 0 && ledger, "it is opened");
	written_or_not(log, ledger);
	ledger = ledger_open("/nowhere/ledger");
	ok(ledger != NULL, "without a file there is one all the same");
	ledger_begin(&ledger[0], CGROUP);
	ledger_writing(NULL, 1, 1, 1);
	ledger_written(NULL, true);
	ok(ledger[0].cgroup == CGROUP, "which works, and nothing is done to none");
	ledger_close(ledger);
	unlink(path);
	unlink(log_path);
	return tap_done();
}
