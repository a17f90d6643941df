#include <cblas.h>

// OpenBLAS has LAPACK in it, but Debian's package has no header for it.

/// Eigenvalues, and with jobz "V" eigenvectors in place of the matrix, of a symmetric matrix: LAPACK's DSYEVD.
void dsyevd_(
    const char *jobz, const char *uplo, const int *n, double *a, const int *lda, double *w, double *work,
    const int *lwork, int *iwork, const int *liwork, int *info);
