/* SPDX-License-Identifier: BSD-3-Clause */
/* What the BPF programs and the user side of all monitors share. */
#ifndef MONITOR_SHARED_H
#define MONITOR_SHARED_H

#define MONITOR_COMM_LEN 16 /* TASK_COMM_LEN, including the NUL */

/* Which filters are in use. */
struct monitor_filters {
	_Bool tgid, uid, comm;
	_Bool other; /* by an ID of the app's choice */
};

#endif
