/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The cure names the parameter with this machine's own list, and the place where its boot loader
 * reads it.
 */
#include "../tap.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot.h"
#include "util.h"

static char root[] = "/tmp/agent-lock-boot.XXXXXX";

static void make_file(const char *path)
{
	char full[256];
	FILE *file;

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (char *slash = strchr(full + sizeof(root), '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(full, 0755);
		*slash = '/';
	}
	file = fopen(full, "w");
	if (file)
		fclose(file);
}

static void check(const char *path, const char *wanted)
{
	char cure[1024];
	char full[256];

	if (path)
		make_file(path);
	boot_cure(root, "lockdown,yama", cure, sizeof(cure));
	ok(strstr(cure, "lsm=lockdown,yama,bpf") != NULL, "the cure keeps what is active: %s",
	   cure);
	ok(strstr(cure, wanted) != NULL, "with %s it says '%s'", path ? path : "nothing known",
	   wanted);
	if (path) {
		snprintf(full, sizeof(full), "%s%s", root, path);
		unlink(full);
	}
}

int main(void)
{
	char cure[1024], command[64];

	if (!mkdtemp(root))
		return 99;
	check(NULL, "boot with the kernel parameter");
	check("/etc/kernel/cmdline", "kernel-install add-all");
	check("/etc/default/grub", "grub-mkconfig");
	check("/usr/sbin/update-grub", "run update-grub");
	check("/usr/sbin/grubby", "grubby --update-kernel=ALL");
	boot_cure(root, "", cure, sizeof(cure));
	ok(strstr(cure, "lsm=") && strstr(cure, ",bpf"), "an unknown list still gets a cure");
	snprintf(command, sizeof(command), "rm -r %s", root);
	return system(command) ? 99 : tap_done();
}
