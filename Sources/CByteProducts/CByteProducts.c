#include "CByteProducts.h"
#include <math.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* Results must not depend on which of these functions gave them. */
#pragma STDC FP_CONTRACT OFF

/* Four rows and three vectors have twelve sums, which with a row's weights and a product fill the sixteen registers of AVX2; of the 32
   of AVX-512 four vectors take 21. One function for each number of vectors, so that the sums are registers. */
#define ROWS 4
#define CASE(n, products) case n: products(t, n); return;

/* The rows of the next tile lie behind those of this one: what comes from memory is fetched a tile ahead. */
#define PREFETCH_NEXT(row) _mm_prefetch((const char *)(row) + ROWS * t->row_bytes, _MM_HINT_T1)
#define INLINE static inline __attribute__((always_inline))

/* The sums of vector v become results. */
static void put(const struct cbyte_tile *t, int v, const int32_t *sums) {
    float unit = t->units[v * t->unit_stride], *out = t->out + v * t->out_stride;
    for (int r = 0; r < t->rows; r++) {
        float part = (float)sums[r] * unit;
        if (!t->is_first) part = out[r] + part;
        if (t->scales) part = part * t->scales[r];
        out[r] = part;
    }
}

static int32_t plain_sum(const int8_t *weights, const int16_t *vector, int64_t columns) {
    int32_t sum = 0;
    for (int64_t c = 0; c < columns; c++) sum += (int32_t)weights[c] * vector[c];
    return sum;
}

static void plain(const struct cbyte_tile *t) {
    for (int v = 0; v < t->count; v++) {
        int32_t sums[ROWS];
        for (int r = 0; r < t->rows; r++) sums[r] = plain_sum(t->weights + r * t->row_bytes, t->vectors + v * t->vector_stride, t->columns);
        put(t, v, sums);
    }
}

/* NaN when there is one among them. */
static float largest_of(const float *x, int64_t count) {
    float most = 0;
    for (int64_t i = 0; i < count; i++) most = fabsf(x[i]) > most || x[i] != x[i] ? fabsf(x[i]) : most;
    return most;
}

static void plain_rounding(const float *x, int64_t count, int64_t padded, float inverse, int16_t *out) {
    int64_t i = 0;
    for (; i < count; i++) out[i] = isfinite(x[i] * inverse) ? (int16_t)lrintf(x[i] * inverse) : 0;
    for (; i < padded; i++) out[i] = 0;
}

#if defined(__x86_64__)
#define AVX2 __attribute__((target("avx2")))
#define VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))

typedef struct { int16_t values[16]; } block_of_vector;

INLINE AVX2 int32_t total(__m256i x) {
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4E));
    return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xB1)));
}

/* Four totals at once. */
INLINE AVX2 __m128i totals(__m256i a, __m256i b, __m256i c, __m256i d) {
    __m256i s = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
    return _mm_add_epi32(_mm256_castsi256_si128(s), _mm256_extracti128_si256(s, 1));
}

/* As `put`, for four rows at once. */
INLINE AVX2 void put4(const struct cbyte_tile *t, int v, __m128i sums) {
    if (t->rows < ROWS) {
        int32_t plain[ROWS];
        _mm_storeu_si128((__m128i *)plain, sums);
        put(t, v, plain);
        return;
    }
    float *out = t->out + v * t->out_stride;
    __m128 part = _mm_mul_ps(_mm_cvtepi32_ps(sums), _mm_set1_ps(t->units[v * t->unit_stride]));
    if (!t->is_first) part = _mm_add_ps(_mm_loadu_ps(out), part);
    if (t->scales) part = _mm_mul_ps(part, _mm_loadu_ps(t->scales));
    _mm_storeu_ps(out, part);
}

INLINE AVX2 void avx2_products(const struct cbyte_tile *t, const int count) {
    const int8_t *w[ROWS];
    for (int r = 0; r < ROWS; r++) w[r] = t->weights + (r < t->rows ? r : 0) * t->row_bytes;
    const int16_t *vectors = t->vectors;
    const int64_t stride = t->vector_stride, columns = t->columns;
    __m256i s[3][ROWS];
    for (int v = 0; v < count; v++) for (int r = 0; r < ROWS; r++) s[v][r] = _mm256_setzero_si256();
    for (int64_t c = 0; c < columns; c += 16) {
        __m256i x[2];
        for (int v = 0; v < count && v < 2; v++) x[v] = _mm256_loadu_si256((const __m256i *)(vectors + v * stride + c));
        for (int r = 0; r < ROWS; r++) {
            if (!(c & 63)) PREFETCH_NEXT(w[r] + c);
            __m256i row = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(w[r] + c)));
            for (int v = 0; v < count && v < 2; v++) s[v][r] = _mm256_add_epi32(s[v][r], _mm256_madd_epi16(row, x[v]));
            if (count == 3) {
                /* Read where it lies: in a register it would drive a sum out of one, which took a third of the speed. */
                __m256i product;
                __asm__("vpmaddwd %2, %1, %0" : "=x"(product) : "x"(row), "m"(*(const block_of_vector *)(vectors + 2 * stride + c)));
                s[2][r] = _mm256_add_epi32(s[2][r], product);
            }
        }
    }
    for (int v = 0; v < count; v++) put4(t, v, totals(s[v][0], s[v][1], s[v][2], s[v][3]));
}

static AVX2 void avx2(const struct cbyte_tile *t) {
    switch (t->count) { CASE(1, avx2_products) CASE(2, avx2_products) CASE(3, avx2_products) }
}

static AVX2 int32_t avx2_single(const int8_t *weights, const int16_t *vector, int64_t columns) {
    __m256i a = _mm256_setzero_si256(), b = a, c = a, d = a;
    int64_t i = 0;
#define ADD(sum, at) sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(weights + i + at))), \
                                                                  _mm256_loadu_si256((const __m256i *)(vector + i + at))))
    for (; i + 64 <= columns; i += 64) {
        _mm_prefetch((const char *)weights + i + CBYTE_PREFETCH_DISTANCE, _MM_HINT_T0);
        ADD(a, 0); ADD(b, 16); ADD(c, 32); ADD(d, 48);
    }
    if (i < columns) { ADD(a, 0); ADD(b, 16); }
#undef ADD
    return total(_mm256_add_epi32(_mm256_add_epi32(a, b), _mm256_add_epi32(c, d)));
}

INLINE VNNI void vnni_products(const struct cbyte_tile *t, const int count) {
    const int8_t *w[ROWS];
    for (int r = 0; r < ROWS; r++) w[r] = t->weights + (r < t->rows ? r : 0) * t->row_bytes;
    const int64_t columns = t->columns;
    __m512i s[4][ROWS];
    for (int v = 0; v < count; v++) for (int r = 0; r < ROWS; r++) s[v][r] = _mm512_setzero_si512();
    for (int64_t c = 0; c < columns; c += 32) {
        __m512i x[4];
        for (int v = 0; v < count; v++) x[v] = _mm512_loadu_si512(t->vectors + v * t->vector_stride + c);
        for (int r = 0; r < ROWS; r++) {
            PREFETCH_NEXT(w[r] + c);
            __m512i row = _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(w[r] + c)));
            for (int v = 0; v < count; v++) s[v][r] = _mm512_dpwssd_epi32(s[v][r], row, x[v]);
        }
    }
    for (int v = 0; v < count; v++) {
        __m256i half[ROWS];
        for (int r = 0; r < ROWS; r++) half[r] = _mm256_add_epi32(_mm512_castsi512_si256(s[v][r]), _mm512_extracti64x4_epi64(s[v][r], 1));
        put4(t, v, totals(half[0], half[1], half[2], half[3]));
    }
}

static VNNI void vnni(const struct cbyte_tile *t) {
    switch (t->count) { CASE(1, vnni_products) CASE(2, vnni_products) CASE(3, vnni_products) CASE(4, vnni_products) }
}

static VNNI int32_t vnni_single(const int8_t *weights, const int16_t *vector, int64_t columns) {
    __m512i a = _mm512_setzero_si512(), b = a;
    int64_t i = 0;
#define ADD(sum, at) sum = _mm512_dpwssd_epi32(sum, _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(weights + i + at))), \
                                               _mm512_loadu_si512(vector + i + at))
    for (; i + 64 <= columns; i += 64) {
        _mm_prefetch((const char *)weights + i + CBYTE_PREFETCH_DISTANCE, _MM_HINT_T0);
        ADD(a, 0); ADD(b, 32);
    }
    if (i < columns) ADD(a, 0);
#undef ADD
    return _mm512_reduce_add_epi32(_mm512_add_epi32(a, b));
}

static AVX2 float avx2_round(const float *x, int64_t count, int64_t padded, int16_t *out) {
    __m256 largest = _mm256_setzero_ps(), unordered = largest, sign = _mm256_set1_ps(-0.0f);
    int64_t i = 0;
    for (; i + 8 <= count; i += 8) {
        __m256 a = _mm256_andnot_ps(sign, _mm256_loadu_ps(x + i));
        largest = _mm256_max_ps(a, largest);
        unordered = _mm256_or_ps(unordered, _mm256_cmp_ps(a, a, _CMP_UNORD_Q));
    }
    float lanes[8], most = largest_of(x + i, count - i);
    if (_mm256_movemask_ps(unordered)) most = NAN;
    _mm256_storeu_ps(lanes, largest);
    for (int l = 0; l < 8; l++) most = lanes[l] > most ? lanes[l] : most;
    float inverse = most > 0 ? 32767 / most : 0;
    __m256 factor = _mm256_set1_ps(inverse);
    for (i = 0; i + 16 <= count; i += 16) {
        __m256i low = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + i), factor));
        __m256i high = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + i + 8), factor));
        _mm256_storeu_si256((__m256i *)(out + i), _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high), 0xD8));
    }
    plain_rounding(x + i, count - i, padded - i, inverse, out + i);
    return most / 32767;
}
#endif

static float plain_round(const float *x, int64_t count, int64_t padded, int16_t *out) {
    float most = largest_of(x, count);
    plain_rounding(x, count, padded, most > 0 ? 32767 / most : 0, out);
    return most / 32767;
}

typedef void products_call(const struct cbyte_tile *);
typedef int32_t product_call(const int8_t *, const int16_t *, int64_t);
typedef float round_call(const float *, int64_t, int64_t, int16_t *);
static products_call *products = plain;
static product_call *single = plain_sum;
static round_call *rounding = plain_round;
static int engine;

int cbyte_use_engine(int wanted) {
#if defined(__x86_64__)
    int best = !__builtin_cpu_supports("avx2") ? 0
        : __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni") ? 2 : 1;
    if (wanted > best || wanted < 0) return -1;
    products = wanted == 2 ? vnni : wanted == 1 ? avx2 : plain;
    single = wanted == 2 ? vnni_single : wanted == 1 ? avx2_single : plain_sum;
    rounding = wanted > 0 ? avx2_round : plain_round;
#else
    if (wanted != 0) return -1;
#endif
    cnibble_use_engine(wanted);
    engine = wanted;
    return 0;
}

/* Before any thread: the best there is. */
__attribute__((constructor)) static void choose(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (cbyte_use_engine(2) != 0) cbyte_use_engine(1);
#endif
}

int cbyte_engine(void) { return engine; }

int cbyte_vectors(void) { return engine == 2 ? 4 : 3; }

void cbyte_products(const struct cbyte_tile *tile) { products(tile); }

int32_t cbyte_product(const int8_t *weights, const int16_t *vector, int64_t columns) { return single(weights, vector, columns); }

float cbyte_round(const float *x, int64_t count, int64_t padded, int16_t *out) { return rounding(x, count, padded, out); }
