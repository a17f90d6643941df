// The register tile that suits this processor.
#pragma once

#include "internal.h"

typedef void (*cv_tile_function)(
    int64_t rows, int64_t k, const void *a, int64_t aStride, const void *b, int64_t bStride, void *c, int64_t cStride,
    int accumulate);

typedef struct {
    int64_t rows, columns;
    // Element (i, p) of a is a[p * aStride + i].
    cv_tile_function byColumns;
    // Element (i, p) of a is a[i * aStride + p].
    cv_tile_function byRows;
} cv_tile;

enum { GREATEST_TILE_ROWS = 12, GREATEST_TILE_COLUMNS = 32, DEPTH = 256, FEW_STRIPES = 3 };

const cv_tile *cv_tile_for(cv_type type);
