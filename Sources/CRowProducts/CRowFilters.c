#include "CRowProducts.h"
#if defined(__x86_64__)
#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f")))
#define INLINE static inline __attribute__((always_inline))

/* `SevenPoints` (ToomCook.swift) for 16 columns: the same operations in the same order. */
struct seven { __m512 v[7]; };   /* at 0, 1, -1, 2, -2, 1/2, infinity */

/* a + b * c, rounded once. */
INLINE AVX512 __m512 add_product(__m512 a, __m512 b, __m512 c) { return _mm512_fmadd_ps(b, c, a); }

INLINE AVX512 __m512 subtract_product(__m512 a, __m512 b, __m512 c) { return _mm512_fnmadd_ps(b, c, a); }

INLINE AVX512 __m512 broadcast(float x) { return _mm512_set1_ps(x); }

INLINE AVX512 struct seven evaluated(const float *p, int64_t step) {
    __m512 x[7], e[6];
    _Pragma("GCC unroll 7") for (int i = 0; i < 7; i++) x[i] = _mm512_loadu_ps(p + i * step);
    /* 2 x[i + 1] - x[i]. */
    _Pragma("GCC unroll 6") for (int i = 0; i < 6; i++) e[i] = _mm512_fmsub_ps(broadcast(2), x[i + 1], x[i]);
    const __m512 a = subtract_product(e[4], broadcast(4), e[2]), b = subtract_product(e[3], broadcast(4), e[1]);
    const __m512 c = _mm512_sub_ps(e[4], e[2]), d = _mm512_mul_ps(_mm512_sub_ps(e[3], e[1]), broadcast(2));
    return (struct seven){ {
        subtract_product(add_product(e[4], broadcast(4), e[0]), broadcast(5), e[2]), _mm512_add_ps(a, b), _mm512_sub_ps(a, b), _mm512_add_ps(c, d),
        _mm512_sub_ps(c, d), subtract_product(add_product(x[5], broadcast(4), x[1]), broadcast(5), x[3]), subtract_product(add_product(e[5], broadcast(4), e[1]), broadcast(5), e[3])
    } };
}

#define EACH_POINT(i) _Pragma("GCC unroll 7") for (int i = 0; i < 7; i++)

INLINE AVX512 struct seven sum(struct seven a, struct seven b) {
    EACH_POINT(i) a.v[i] = _mm512_add_ps(a.v[i], b.v[i]);
    return a;
}

INLINE AVX512 struct seven difference(struct seven a, struct seven b) {
    EACH_POINT(i) a.v[i] = _mm512_sub_ps(a.v[i], b.v[i]);
    return a;
}

INLINE AVX512 struct seven read(const float *p, int64_t plane) {
    struct seven s;
    EACH_POINT(i) s.v[i] = _mm512_loadu_ps(p + i * plane);
    return s;
}

INLINE AVX512 void store(struct seven s, float *p, int64_t plane) { EACH_POINT(i) _mm512_storeu_ps(p + i * plane, s.v[i]); }

AVX512 void crow_evaluate(const float *input, int64_t step, int groups, int64_t width, float *planes, int64_t plane) {
    for (int64_t c = 0; c < width; c += 16) {
        const float *x = input + c;
        float *out = planes + c;
        const struct seven first = evaluated(x, step);
        if (groups == 1) { store(first, out, plane); continue; }
        const struct seven second = evaluated(x + 4 * step, step), third = evaluated(x + 8 * step, step);
        if (groups == 2) {
            store(difference(first, second), out, plane);
            store(second, out + 7 * plane, plane);
            store(difference(third, second), out + 14 * plane, plane);
        } else {
            store(difference(first, third), out, plane);
            store(sum(second, third), out + 7 * plane, plane);
            store(difference(third, second), out + 14 * plane, plane);
            store(difference(evaluated(x + 12 * step, step), second), out + 21 * plane, plane);
        }
    }
}

/* The four outputs of a tile, the bias added. */
INLINE AVX512 void interpolated(struct seven s, __m512 bias, float *rows, int64_t width) {
    const __m512 zero = s.v[0], half = s.v[5], infinity = s.v[6];
    const __m512 even1 = _mm512_add_ps(s.v[1], s.v[2]), odd1 = _mm512_sub_ps(s.v[1], s.v[2]);
    const __m512 even2 = _mm512_add_ps(s.v[3], s.v[4]), odd2 = _mm512_sub_ps(s.v[3], s.v[4]);
    const __m512 y[4] = {
        _mm512_add_ps(_mm512_add_ps(zero, even1), _mm512_add_ps(even2, half)),
        add_product(add_product(odd1, broadcast(2), odd2), broadcast(0.5f), half),
        add_product(add_product(even1, broadcast(4), even2), broadcast(0.25f), half),
        add_product(add_product(_mm512_add_ps(odd1, infinity), broadcast(8), odd2), broadcast(0.125f), half)
    };
    _Pragma("GCC unroll 4") for (int i = 0; i < 4; i++) _mm512_storeu_ps(rows + i * width, _mm512_add_ps(y[i], bias));
}

AVX512 void crow_interpolate(const float *planes, int64_t plane, int groups, int64_t width, const float *bias, float *rows) {
    for (int64_t c = 0; c < width; c += 16) {
        const float *p = planes + c;
        float *out = rows + c;
        const __m512 b = _mm512_loadu_ps(bias + c);
        const struct seven first = read(p, plane);
        if (groups == 1) { interpolated(first, b, out, width); continue; }
        const struct seven second = read(p + 7 * plane, plane), third = read(p + 14 * plane, plane);
        if (groups == 2) {
            interpolated(sum(first, second), b, out, width);
            interpolated(sum(second, third), b, out + 4 * width, width);
        } else {
            interpolated(sum(sum(first, second), third), b, out, width);
            interpolated(sum(difference(second, third), read(p + 21 * plane, plane)), b, out + 4 * width, width);
        }
    }
}
#else
void crow_evaluate(const float *input, int64_t step, int groups, int64_t width, float *planes, int64_t plane) { __builtin_trap(); }
void crow_interpolate(const float *planes, int64_t plane, int groups, int64_t width, const float *bias, float *rows) { __builtin_trap(); }
#endif
