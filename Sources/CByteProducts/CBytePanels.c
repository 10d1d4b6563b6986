#include "CByteProducts.h"
#include <string.h>

/* Results must not depend on which function gave them. */
#pragma STDC FP_CONTRACT OFF

int cbyte_has_panels(void) { return cbyte_engine() == 2; }

#if defined(__x86_64__)
#include <immintrin.h>

#define VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))
#define INLINE static inline __attribute__((always_inline))
/* Whole: sums that a loop goes over are no registers. */
#define EACH(i, count) _Pragma("GCC unroll 12") for (int i = 0; i < count; i++)

VNNI void cbyte_pack_panel(const int8_t *weights, int64_t row_bytes, int rows, int64_t columns, int16_t *panel) {
    /* Of four bytes, two become the upper halves of 16-bit numbers, and a shift makes them these numbers. */
    const __m512i low = _mm512_broadcast_i32x4(_mm_set_epi64x(0x0D800C8009800880, 0x0580048001800080));
    const __m512i high = _mm512_broadcast_i32x4(_mm_set_epi64x(0x0F800E800B800A80, 0x0780068003800280));
    for (int half = 0; half < 2; half++) {
        int there = rows - 16 * half;
        __mmask16 mask = there >= 16 ? 0xFFFF : there <= 0 ? 0 : (__mmask16)((1 << there) - 1);
        int32_t offsets[16];
        for (int r = 0; r < 16; r++) offsets[r] = (int32_t)(r * row_bytes);
        const __m512i places = _mm512_loadu_si512(offsets);
        const int8_t *from = weights + (mask ? 16 * half * row_bytes : 0);
        int16_t *to = panel + 32 * half;
        for (int64_t c = 0; c < columns; c += 4, to += 4 * CBYTE_PANEL_ROWS) {
            __m512i bytes = _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), mask, places, from + c, 1);
            _mm512_store_si512(to, _mm512_srai_epi16(_mm512_shuffle_epi8(bytes, low), 8));
            _mm512_store_si512(to + 2 * CBYTE_PANEL_ROWS, _mm512_srai_epi16(_mm512_shuffle_epi8(bytes, high), 8));
        }
    }
}

/* Written out: the compiler makes two instructions of it, to shorten chains that are no matter here, and half the speed is lost. */
INLINE VNNI void add_products(__m512i *sum, __m512i a, __m512i b) { __asm__("vpdpwssd %2, %1, %0" : "+v"(*sum) : "v"(a), "v"(b)); }

/* Sixteen of a vector's sums become results. */
INLINE VNNI void put(const struct cbyte_tile *t, int v, int half, __m512i sums) {
    int there = t->rows - 16 * half;
    if (there <= 0) return;
    __mmask16 mask = there >= 16 ? 0xFFFF : (__mmask16)((1 << there) - 1);
    float *out = t->out + v * t->out_stride + 16 * half;
    __m512 part = _mm512_mul_ps(_mm512_cvtepi32_ps(sums), _mm512_set1_ps(t->units[v * t->unit_stride]));
    if (!t->is_first) part = _mm512_add_ps(_mm512_maskz_loadu_ps(mask, out), part);
    if (t->scales) part = _mm512_mul_ps(part, _mm512_maskz_loadu_ps(mask, t->scales + 16 * half));
    _mm512_mask_storeu_ps(out, mask, part);
}

INLINE VNNI void products(const struct cbyte_tile *t, const int16_t *panel, const int count) {
    const int64_t stride = t->vector_stride, columns = t->columns;
    /* Three vectors for a pointer: all addresses are of a pointer and a multiple of the stride. */
    const int16_t *x[CBYTE_PANEL_VECTORS / 3];
    EACH(v, count) if (v % 3 == 0) x[v / 3] = t->vectors + v * stride;
    __m512i s[CBYTE_PANEL_VECTORS][2];
    EACH(v, count) s[v][0] = s[v][1] = _mm512_setzero_si512();
    for (int64_t c = 0; c < columns; c += 2, panel += 2 * CBYTE_PANEL_ROWS) {
        const __m512i first = _mm512_load_si512(panel), second = _mm512_load_si512(panel + CBYTE_PANEL_ROWS);
        EACH(v, count) {
            int32_t pair;
            memcpy(&pair, x[v / 3] + v % 3 * stride + c, sizeof pair);
            const __m512i both = _mm512_set1_epi32(pair);
            add_products(&s[v][0], first, both);
            add_products(&s[v][1], second, both);
        }
    }
    EACH(v, count) {
        put(t, v, 0, s[v][0]);
        put(t, v, 1, s[v][1]);
    }
}

#define CASE(n) case n: products(t, panel, n); return;

VNNI void cbyte_panel_products(const struct cbyte_tile *t, const int16_t *panel) {
    switch (t->count) {
    CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12)
    }
}
#else
void cbyte_pack_panel(const int8_t *weights, int64_t row_bytes, int rows, int64_t columns, int16_t *panel) { __builtin_trap(); }
void cbyte_panel_products(const struct cbyte_tile *t, const int16_t *panel) { __builtin_trap(); }
#endif
