/* SPDX-License-Identifier: BSD-3-Clause */
/* The status that a program ends with when obstack has no memory. */
#define exit_failure EXIT_FAILURE
