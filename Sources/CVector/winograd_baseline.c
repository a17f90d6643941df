// Winograd's filtering for any processor.

#define PROCESSOR baseline
#define VECTOR_WIDTH 4
#define TILE_M 4
#include "winograd_kernels.h"
