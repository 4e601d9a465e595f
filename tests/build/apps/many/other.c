#include "many.h"

int other(void)
{
	return MANY;
}
