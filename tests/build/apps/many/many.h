#ifndef MANY_H
#define MANY_H

#define MANY 7

int other(void);

#endif
