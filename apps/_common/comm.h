/* SPDX-License-Identifier: BSD-3-Clause */
/* The name of a thread, for the BPF programs and the user side of all apps. */
#ifndef COMM_H
#define COMM_H

#define COMM_LEN 16 /* with the NUL: TASK_COMM_LEN */

#endif
