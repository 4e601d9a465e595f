#ifndef HELLO_H
#define HELLO_H

#include "inc/nested.h"

struct hello_event {
	int parent;
};

#endif
