#include "CRowProducts.h"
#if defined(__x86_64__)
#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f")))
#define INLINE static inline __attribute__((always_inline))
/* Whole: sums that a loop goes over are no registers. */
#define EACH(i, count) _Pragma("GCC unroll 12") for (int i = 0; i < count; i++)

/* One function for each number of rows and panels, so that the sums are registers. */
INLINE AVX512 void products(const struct crow_factors *f, const int rows, const int panels, float *sums) {
    const int64_t stride = f->stride, depth = f->depth, panel_stride = f->panel_stride;
    const float *w = f->weights;
    const char *next = f->next;
    const int64_t next_step = f->next_step;
    __m512 s[CROW_ROWS][CROW_PANELS];
    EACH(r, rows) EACH(p, panels) s[r][p] = _mm512_loadu_ps(f->bias + 16 * p);
    for (int64_t t = 0; t < f->taps; t++) {
        /* Three rows for a pointer: all addresses are of a pointer and a multiple of the stride. */
        const float *a[CROW_ROWS / 3];
        EACH(r, rows) if (r % 3 == 0) a[r / 3] = f->input + r * stride + t * f->tap_stride;
        for (int64_t d = 0; d < depth; d++, w += 16, next += next_step) {
            _mm_prefetch(next, _MM_HINT_T1);
            __m512 row[CROW_PANELS];
            EACH(p, panels) row[p] = _mm512_load_ps(w + p * panel_stride);
            EACH(r, rows) {
                __m512 x = _mm512_set1_ps(a[r / 3][r % 3 * stride + d]);
                EACH(p, panels) s[r][p] = _mm512_fmadd_ps(x, row[p], s[r][p]);
            }
        }
    }
    EACH(r, rows) EACH(p, panels) _mm512_storeu_ps(sums + r * f->row_stride + p * f->sum_stride, s[r][p]);
}

#define CASE(n) case n: if (panels == 2) products(f, n, 2, sums); else products(f, n, 1, sums); return;

AVX512 void crow_products(const struct crow_factors *f, int rows, int panels, float *sums) {
    switch (rows) {
    CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12)
    }
}

static int is_used;

int crow_use(int wanted) {
    if (wanted && !__builtin_cpu_supports("avx512f")) return -1;
    is_used = wanted;
    return 0;
}

/* Before any thread. */
__attribute__((constructor)) static void choose(void) {
    __builtin_cpu_init();
    crow_use(1);
}

int crow_is_used(void) { return is_used; }
#else
int crow_use(int wanted) { return wanted ? -1 : 0; }
int crow_is_used(void) { return 0; }
void crow_products(const struct crow_factors *f, int rows, int panels, float *sums) { __builtin_trap(); }
#endif
