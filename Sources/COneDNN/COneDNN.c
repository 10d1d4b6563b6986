#define _GNU_SOURCE
#include "COneDNN.h"
#include <dlfcn.h>
#include <stdio.h>

typedef int product_call(char, char, int64_t, int64_t, int64_t, float, const uint16_t *, int64_t, const uint16_t *, int64_t, float,
                         float *, int64_t);
static product_call *product;
static void (*set_thread_count)(int);

int conednn_open(const char *name, char *problem, size_t size) {
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        snprintf(problem, size, "%s", dlerror());
        return -1;
    }
    product = (product_call *)dlsym(library, "dnnl_gemm_bf16bf16f32");
    /* Of the OpenMP run time that it is linked with. */
    set_thread_count = (void (*)(int))dlsym(library, "omp_set_num_threads");
    const char *missing = !product ? "dnnl_gemm_bf16bf16f32" : !set_thread_count ? "omp_set_num_threads" : NULL;
    if (!missing) return 0;
    snprintf(problem, size, "%s has no %s", name, missing);
    product = NULL;
    dlclose(library);
    return -1;
}

int conednn_product(char op_a, char op_b, int64_t m, int64_t n, int64_t k, float alpha, const uint16_t *a, int64_t lda,
                    const uint16_t *b, int64_t ldb, float beta, float *c, int64_t ldc) {
    /* The setting is a thread's own: its threads would fight with ours for the cores. */
    static _Thread_local int alone;
    if (!alone) {
        set_thread_count(1);
        alone = 1;
    }
    return product(op_a, op_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
