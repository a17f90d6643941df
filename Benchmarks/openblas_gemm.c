// OpenBLAS over the matrix products of a list of cases, as JSON lines like those of gpu-bench and the other peers.
//
//   cc -O2 Benchmarks/openblas_gemm.c -o openblas_gemm -lopenblas
//   OPENBLAS_NUM_THREADS=2 ./openblas_gemm matmul:m=512,n=512,k=512 matmul:batch=4,m=64,n=64,k=32,tb=1 …
//
// Median and least time of nine runs after two that are not timed; a batch is a call for each of its products.
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WARM_UPS = 2, RUNS = 9 };

static double milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static int by_size(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int value(const char *text, const char *key, int fallback) {
    for (const char *at = strchr(text, ':'); at; at = strchr(at + 1, ',')) {
        const size_t length = strlen(key);
        if (strncmp(at + 1, key, length) == 0 && at[1 + length] == '=') return atoi(at + 2 + length);
    }
    return fallback;
}

static float *numbers(size_t count) {
    float *x = malloc(count * sizeof *x);
    if (x) for (size_t i = 0; i < count; i++) x[i] = (float)rand() / (float)RAND_MAX - 0.5f;
    return x;
}

int main(int count, char **arguments) {
    char name[64] = "openblas";
    sscanf(openblas_get_config(), "OpenBLAS %40s", name + snprintf(name, sizeof name, "openblas "));
    for (int i = 1; i < count; i++) {
        const char *text = arguments[i];
        if (strncmp(text, "matmul:", 7) != 0) continue;
        const int batch = value(text, "batch", 1), m = value(text, "m", 0), n = value(text, "n", 0);
        const int k = value(text, "k", 0), ta = value(text, "ta", 0), tb = value(text, "tb", 0);
        if (batch < 1 || m < 1 || n < 1 || k < 1) {
            fprintf(stderr, "not a case: %s\n", text);
            return 2;
        }
        float *a = numbers((size_t)batch * m * k), *b = numbers((size_t)batch * k * n);
        float *c = numbers((size_t)batch * m * n);
        if (!a || !b || !c) {
            fprintf(stderr, "no memory for %s\n", text);
            return 1;
        }
        double times[RUNS];
        for (int run = -WARM_UPS; run < RUNS; run++) {
            const double start = milliseconds();
            for (int entry = 0; entry < batch; entry++) {
                cblas_sgemm(
                    CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, m, n, k, 1,
                    a + (size_t)entry * m * k, ta ? m : k, b + (size_t)entry * k * n, tb ? k : n, 0,
                    c + (size_t)entry * m * n, n);
            }
            if (run >= 0) times[run] = milliseconds() - start;
        }
        qsort(times, RUNS, sizeof times[0], by_size);
        printf(
            "{\"peer\": \"%s\", \"case\": \"%s\", \"pass\": \"fwd\", \"ms\": %.4f, \"min_ms\": %.4f, \"gflops\": %.1f}\n", name,
            text, times[RUNS / 2], times[0], 2e-6 * batch * m * n * k / times[RUNS / 2]);
        free(a);
        free(b);
        free(c);
    }
    return 0;
}
