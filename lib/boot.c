/* SPDX-License-Identifier: GPL-2.0-only */
/* boot.c - see boot.h */
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "boot.h"
#include "util.h"

static bool there(const char *root, const char *path)
{
	char full[512];

	snprintf(full, sizeof(full), "%s%s", root, path);
	return access(full, F_OK) == 0;
}

void boot_cure(const char *root, const char *active, char *out, size_t size)
{
	char list[600];

	/*
	 * 'capability' is always active and always first in the list that is read; lsm= wants the
	 * others.
	 */
	snprintf(list, sizeof(list), "lsm=%s,bpf",
		 active[0] ? active : "lockdown,yama,loadpin,safesetid,integrity,apparmor,selinux");
	if (there(root, "/sbin/grubby") || there(root, "/usr/sbin/grubby"))
		snprintf(out, size, "grubby --update-kernel=ALL --args=%s, then reboot", list);
	else if (there(root, "/usr/sbin/update-grub") || there(root, "/sbin/update-grub"))
		snprintf(out, size,
			 "add %s to GRUB_CMDLINE_LINUX in /etc/default/grub, run update-grub, then "
			 "reboot",
			 list);
	else if (there(root, "/etc/default/grub"))
		snprintf(out, size,
			 "add %s to GRUB_CMDLINE_LINUX in /etc/default/grub, run grub-mkconfig -o "
			 "/boot/grub/grub.cfg, then reboot",
			 list);
	else if (there(root, "/etc/kernel/cmdline"))
		snprintf(out, size,
			 "add %s to /etc/kernel/cmdline, run kernel-install add-all, then reboot",
			 list);
	else if (there(root, "/boot/loader/entries"))
		snprintf(out, size,
			 "add %s to the options line of /boot/loader/entries/*.conf, then reboot",
			 list);
	else
		snprintf(out, size, "boot with the kernel parameter %s", list);
}
