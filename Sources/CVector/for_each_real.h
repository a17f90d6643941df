// Includes the file named by TEMPLATE once for float and once for double. In it, REAL is the element type, LANE_TYPE
// a vector of sixteen of them, and FN(name) the name of a function for that type.
#define REAL float
#define LANE_TYPE lanes_f32
#define FN(name) name##_f32
#define IS_FLOAT 1
#include TEMPLATE
#undef REAL
#undef LANE_TYPE
#undef FN
#undef IS_FLOAT

#define REAL double
#define LANE_TYPE lanes_f64
#define FN(name) name##_f64
#define IS_FLOAT 0
#include TEMPLATE
#undef REAL
#undef LANE_TYPE
#undef FN
#undef IS_FLOAT
