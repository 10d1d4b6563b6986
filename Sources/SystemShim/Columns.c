#define _GNU_SOURCE
#include "SystemShim.h"
#include <locale.h>
#include <wchar.h>

int system_columns(const unsigned *scalars, int count) {
    static locale_t utf8;   /* two threads that both make it lose a few bytes */
    if (!utf8) utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    locale_t before = utf8 ? uselocale(utf8) : (locale_t)0;
    int columns = 0;
    for (int i = 0; i < count; i++) {
        int width = wcwidth((wchar_t)scalars[i]);
        if (width > 0) columns += width;
    }
    if (utf8) uselocale(before);
    return columns;
}
