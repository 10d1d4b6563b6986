#include <readline.h>
