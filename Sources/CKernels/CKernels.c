// Written by Kernels/embed.sh: do not edit.
#include "CKernels.h"

static const char attention_attention_bias_vector[] = {
#embed "../../Kernels/attention/attention_bias_vector.cl" suffix(, )
    0};

static const char attention_attention_delta[] = {
#embed "../../Kernels/attention/attention_delta.cl" suffix(, )
    0};

static const char attention_attention_few[] = {
#embed "../../Kernels/attention/attention_few.cl" suffix(, )
    0};

static const char attention_attention_gradient_vector[] = {
#embed "../../Kernels/attention/attention_gradient_vector.cl" suffix(, )
    0};

static const char attention_attention_tiled[] = {
#embed "../../Kernels/attention/attention_tiled.cl" suffix(, )
    0};

static const char attention_attention_vector[] = {
#embed "../../Kernels/attention/attention_vector.cl" suffix(, )
    0};

static const char attention_columns[] = {
#embed "../../Kernels/attention/columns.cl" suffix(, )
    0};

static const char attention_masks[] = {
#embed "../../Kernels/attention/masks.cl" suffix(, )
    0};

static const char attention_matrix_gradient_nvidia[] = {
#embed "../../Kernels/attention/matrix_gradient_nvidia.cl" suffix(, )
    0};

static const char attention_matrix_nvidia[] = {
#embed "../../Kernels/attention/matrix_nvidia.cl" suffix(, )
    0};

static const char attention_matrix_rows[] = {
#embed "../../Kernels/attention/matrix_rows.cl" suffix(, )
    0};

static const char common_lanes[] = {
#embed "../../Kernels/common/lanes.cl" suffix(, )
    0};

static const char common_math[] = {
#embed "../../Kernels/common/math.cl" suffix(, )
    0};

static const char common_matrix_nvidia[] = {
#embed "../../Kernels/common/matrix_nvidia.cl" suffix(, )
    0};

static const char common_shuffle[] = {
#embed "../../Kernels/common/shuffle.cl" suffix(, )
    0};

static const char common_source[] = {
#embed "../../Kernels/common/source.cl" suffix(, )
    0};

static const char common_storage[] = {
#embed "../../Kernels/common/storage.cl" suffix(, )
    0};

static const char common_team[] = {
#embed "../../Kernels/common/team.cl" suffix(, )
    0};

static const char common_transpose[] = {
#embed "../../Kernels/common/transpose.cl" suffix(, )
    0};

static const char common_vector[] = {
#embed "../../Kernels/common/vector.cl" suffix(, )
    0};

static const char convolution_depthwise[] = {
#embed "../../Kernels/convolution/depthwise.cl" suffix(, )
    0};

static const char convolution_depthwise_direct[] = {
#embed "../../Kernels/convolution/depthwise_direct.cl" suffix(, )
    0};

static const char convolution_narrow_gradient[] = {
#embed "../../Kernels/convolution/narrow_gradient.cl" suffix(, )
    0};

static const char convolution_panel[] = {
#embed "../../Kernels/convolution/panel.cl" suffix(, )
    0};

static const char convolution_pixels[] = {
#embed "../../Kernels/convolution/pixels.cl" suffix(, )
    0};

static const char convolution_planes[] = {
#embed "../../Kernels/convolution/planes.cl" suffix(, )
    0};

static const char convolution_tile[] = {
#embed "../../Kernels/convolution/tile.cl" suffix(, )
    0};

static const char convolution_weight_gradient[] = {
#embed "../../Kernels/convolution/weight_gradient.cl" suffix(, )
    0};

static const char convolution_weight_gradient_panel[] = {
#embed "../../Kernels/convolution/weight_gradient_panel.cl" suffix(, )
    0};

static const char convolution_weight_gradient_tile[] = {
#embed "../../Kernels/convolution/weight_gradient_tile.cl" suffix(, )
    0};

static const char convolution_winograd[] = {
#embed "../../Kernels/convolution/winograd.cl" suffix(, )
    0};

static const char convolution_winograd_exact[] = {
#embed "../../Kernels/convolution/winograd_exact.cl" suffix(, )
    0};

static const char convolution_winograd_gradient[] = {
#embed "../../Kernels/convolution/winograd_gradient.cl" suffix(, )
    0};

static const char convolution_winograd_levels[] = {
#embed "../../Kernels/convolution/winograd_levels.cl" suffix(, )
    0};

static const char convolution_winograd_stage[] = {
#embed "../../Kernels/convolution/winograd_stage.cl" suffix(, )
    0};

static const char convolution_winograd_tile[] = {
#embed "../../Kernels/convolution/winograd_tile.cl" suffix(, )
    0};

static const char convolution_winograd_transforms[] = {
#embed "../../Kernels/convolution/winograd_transforms.cl" suffix(, )
    0};

static const char driver_pocl[] = {
#embed "../../Kernels/driver/pocl.cl" suffix(, )
    0};

static const char elementwise_functions[] = {
#embed "../../Kernels/elementwise/functions.cl" suffix(, )
    0};

static const char elementwise_long_functions[] = {
#embed "../../Kernels/elementwise/long_functions.cl" suffix(, )
    0};

static const char elementwise_philox[] = {
#embed "../../Kernels/elementwise/philox.cl" suffix(, )
    0};

static const char embedding_embedding[] = {
#embed "../../Kernels/embedding/embedding.cl" suffix(, )
    0};

static const char gemm_batch[] = {
#embed "../../Kernels/gemm/batch.cl" suffix(, )
    0};

static const char gemm_few_rows[] = {
#embed "../../Kernels/gemm/few_rows.cl" suffix(, )
    0};

static const char gemm_local_tile[] = {
#embed "../../Kernels/gemm/local_tile.cl" suffix(, )
    0};

static const char gemm_matrix_nvidia[] = {
#embed "../../Kernels/gemm/matrix_nvidia.cl" suffix(, )
    0};

static const char gemm_panel[] = {
#embed "../../Kernels/gemm/panel.cl" suffix(, )
    0};

static const char gemm_tile[] = {
#embed "../../Kernels/gemm/tile.cl" suffix(, )
    0};

static const char indexing_gather[] = {
#embed "../../Kernels/indexing/gather.cl" suffix(, )
    0};

static const char indexing_place[] = {
#embed "../../Kernels/indexing/place.cl" suffix(, )
    0};

static const char indexing_scatter[] = {
#embed "../../Kernels/indexing/scatter.cl" suffix(, )
    0};

static const char interpolation_interpolate[] = {
#embed "../../Kernels/interpolation/interpolate.cl" suffix(, )
    0};

static const char movement_copy[] = {
#embed "../../Kernels/movement/copy.cl" suffix(, )
    0};

static const char movement_pad[] = {
#embed "../../Kernels/movement/pad.cl" suffix(, )
    0};

static const char normalization_batch_norm[] = {
#embed "../../Kernels/normalization/batch_norm.cl" suffix(, )
    0};

static const char normalization_group_norm[] = {
#embed "../../Kernels/normalization/group_norm.cl" suffix(, )
    0};

static const char normalization_layer_norm[] = {
#embed "../../Kernels/normalization/layer_norm.cl" suffix(, )
    0};

static const char normalization_moments[] = {
#embed "../../Kernels/normalization/moments.cl" suffix(, )
    0};

static const char normalization_rms_norm[] = {
#embed "../../Kernels/normalization/rms_norm.cl" suffix(, )
    0};

static const char pooling_average_pool_gradient[] = {
#embed "../../Kernels/pooling/average_pool_gradient.cl" suffix(, )
    0};

static const char pooling_max_pool_gradient[] = {
#embed "../../Kernels/pooling/max_pool_gradient.cl" suffix(, )
    0};

static const char pooling_max_pool_indices[] = {
#embed "../../Kernels/pooling/max_pool_indices.cl" suffix(, )
    0};

static const char pooling_norm_pool[] = {
#embed "../../Kernels/pooling/norm_pool.cl" suffix(, )
    0};

static const char pooling_pool[] = {
#embed "../../Kernels/pooling/pool.cl" suffix(, )
    0};

static const char pooling_taken[] = {
#embed "../../Kernels/pooling/taken.cl" suffix(, )
    0};

static const char pooling_window[] = {
#embed "../../Kernels/pooling/window.cl" suffix(, )
    0};

static const char probe_launch[] = {
#embed "../../Kernels/probe/launch.cl" suffix(, )
    0};

static const char probe_local_memory[] = {
#embed "../../Kernels/probe/local_memory.cl" suffix(, )
    0};

static const char probe_matrix_nvidia[] = {
#embed "../../Kernels/probe/matrix_nvidia.cl" suffix(, )
    0};

static const char probe_memory_bandwidth[] = {
#embed "../../Kernels/probe/memory_bandwidth.cl" suffix(, )
    0};

static const char probe_peak_arithmetic[] = {
#embed "../../Kernels/probe/peak_arithmetic.cl" suffix(, )
    0};

static const char recurrent_gru[] = {
#embed "../../Kernels/recurrent/gru.cl" suffix(, )
    0};

static const char recurrent_lstm[] = {
#embed "../../Kernels/recurrent/lstm.cl" suffix(, )
    0};

static const char recurrent_panels[] = {
#embed "../../Kernels/recurrent/panels.cl" suffix(, )
    0};

static const char recurrent_rnn[] = {
#embed "../../Kernels/recurrent/rnn.cl" suffix(, )
    0};

static const char recurrent_steps[] = {
#embed "../../Kernels/recurrent/steps.cl" suffix(, )
    0};

static const char reduction_arg_max[] = {
#embed "../../Kernels/reduction/arg_max.cl" suffix(, )
    0};

static const char reduction_integers[] = {
#embed "../../Kernels/reduction/integers.cl" suffix(, )
    0};

static const char reduction_reduce[] = {
#embed "../../Kernels/reduction/reduce.cl" suffix(, )
    0};

static const char scan_scan[] = {
#embed "../../Kernels/scan/scan.cl" suffix(, )
    0};

static const char softmax_cross_entropy[] = {
#embed "../../Kernels/softmax/cross_entropy.cl" suffix(, )
    0};

static const char softmax_row_logarithm[] = {
#embed "../../Kernels/softmax/row_logarithm.cl" suffix(, )
    0};

static const char softmax_softmax[] = {
#embed "../../Kernels/softmax/softmax.cl" suffix(, )
    0};

static const char sort_sort[] = {
#embed "../../Kernels/sort/sort.cl" suffix(, )
    0};

static const CKernelFile files[] = {
    {"attention/attention_bias_vector.cl", attention_attention_bias_vector, sizeof attention_attention_bias_vector - 1},
    {"attention/attention_delta.cl", attention_attention_delta, sizeof attention_attention_delta - 1},
    {"attention/attention_few.cl", attention_attention_few, sizeof attention_attention_few - 1},
    {"attention/attention_gradient_vector.cl", attention_attention_gradient_vector, sizeof attention_attention_gradient_vector - 1},
    {"attention/attention_tiled.cl", attention_attention_tiled, sizeof attention_attention_tiled - 1},
    {"attention/attention_vector.cl", attention_attention_vector, sizeof attention_attention_vector - 1},
    {"attention/columns.cl", attention_columns, sizeof attention_columns - 1},
    {"attention/masks.cl", attention_masks, sizeof attention_masks - 1},
    {"attention/matrix_gradient_nvidia.cl", attention_matrix_gradient_nvidia, sizeof attention_matrix_gradient_nvidia - 1},
    {"attention/matrix_nvidia.cl", attention_matrix_nvidia, sizeof attention_matrix_nvidia - 1},
    {"attention/matrix_rows.cl", attention_matrix_rows, sizeof attention_matrix_rows - 1},
    {"common/lanes.cl", common_lanes, sizeof common_lanes - 1},
    {"common/math.cl", common_math, sizeof common_math - 1},
    {"common/matrix_nvidia.cl", common_matrix_nvidia, sizeof common_matrix_nvidia - 1},
    {"common/shuffle.cl", common_shuffle, sizeof common_shuffle - 1},
    {"common/source.cl", common_source, sizeof common_source - 1},
    {"common/storage.cl", common_storage, sizeof common_storage - 1},
    {"common/team.cl", common_team, sizeof common_team - 1},
    {"common/transpose.cl", common_transpose, sizeof common_transpose - 1},
    {"common/vector.cl", common_vector, sizeof common_vector - 1},
    {"convolution/depthwise.cl", convolution_depthwise, sizeof convolution_depthwise - 1},
    {"convolution/depthwise_direct.cl", convolution_depthwise_direct, sizeof convolution_depthwise_direct - 1},
    {"convolution/narrow_gradient.cl", convolution_narrow_gradient, sizeof convolution_narrow_gradient - 1},
    {"convolution/panel.cl", convolution_panel, sizeof convolution_panel - 1},
    {"convolution/pixels.cl", convolution_pixels, sizeof convolution_pixels - 1},
    {"convolution/planes.cl", convolution_planes, sizeof convolution_planes - 1},
    {"convolution/tile.cl", convolution_tile, sizeof convolution_tile - 1},
    {"convolution/weight_gradient.cl", convolution_weight_gradient, sizeof convolution_weight_gradient - 1},
    {"convolution/weight_gradient_panel.cl", convolution_weight_gradient_panel, sizeof convolution_weight_gradient_panel - 1},
    {"convolution/weight_gradient_tile.cl", convolution_weight_gradient_tile, sizeof convolution_weight_gradient_tile - 1},
    {"convolution/winograd.cl", convolution_winograd, sizeof convolution_winograd - 1},
    {"convolution/winograd_exact.cl", convolution_winograd_exact, sizeof convolution_winograd_exact - 1},
    {"convolution/winograd_gradient.cl", convolution_winograd_gradient, sizeof convolution_winograd_gradient - 1},
    {"convolution/winograd_levels.cl", convolution_winograd_levels, sizeof convolution_winograd_levels - 1},
    {"convolution/winograd_stage.cl", convolution_winograd_stage, sizeof convolution_winograd_stage - 1},
    {"convolution/winograd_tile.cl", convolution_winograd_tile, sizeof convolution_winograd_tile - 1},
    {"convolution/winograd_transforms.cl", convolution_winograd_transforms, sizeof convolution_winograd_transforms - 1},
    {"driver/pocl.cl", driver_pocl, sizeof driver_pocl - 1},
    {"elementwise/functions.cl", elementwise_functions, sizeof elementwise_functions - 1},
    {"elementwise/long_functions.cl", elementwise_long_functions, sizeof elementwise_long_functions - 1},
    {"elementwise/philox.cl", elementwise_philox, sizeof elementwise_philox - 1},
    {"embedding/embedding.cl", embedding_embedding, sizeof embedding_embedding - 1},
    {"gemm/batch.cl", gemm_batch, sizeof gemm_batch - 1},
    {"gemm/few_rows.cl", gemm_few_rows, sizeof gemm_few_rows - 1},
    {"gemm/local_tile.cl", gemm_local_tile, sizeof gemm_local_tile - 1},
    {"gemm/matrix_nvidia.cl", gemm_matrix_nvidia, sizeof gemm_matrix_nvidia - 1},
    {"gemm/panel.cl", gemm_panel, sizeof gemm_panel - 1},
    {"gemm/tile.cl", gemm_tile, sizeof gemm_tile - 1},
    {"indexing/gather.cl", indexing_gather, sizeof indexing_gather - 1},
    {"indexing/place.cl", indexing_place, sizeof indexing_place - 1},
    {"indexing/scatter.cl", indexing_scatter, sizeof indexing_scatter - 1},
    {"interpolation/interpolate.cl", interpolation_interpolate, sizeof interpolation_interpolate - 1},
    {"movement/copy.cl", movement_copy, sizeof movement_copy - 1},
    {"movement/pad.cl", movement_pad, sizeof movement_pad - 1},
    {"normalization/batch_norm.cl", normalization_batch_norm, sizeof normalization_batch_norm - 1},
    {"normalization/group_norm.cl", normalization_group_norm, sizeof normalization_group_norm - 1},
    {"normalization/layer_norm.cl", normalization_layer_norm, sizeof normalization_layer_norm - 1},
    {"normalization/moments.cl", normalization_moments, sizeof normalization_moments - 1},
    {"normalization/rms_norm.cl", normalization_rms_norm, sizeof normalization_rms_norm - 1},
    {"pooling/average_pool_gradient.cl", pooling_average_pool_gradient, sizeof pooling_average_pool_gradient - 1},
    {"pooling/max_pool_gradient.cl", pooling_max_pool_gradient, sizeof pooling_max_pool_gradient - 1},
    {"pooling/max_pool_indices.cl", pooling_max_pool_indices, sizeof pooling_max_pool_indices - 1},
    {"pooling/norm_pool.cl", pooling_norm_pool, sizeof pooling_norm_pool - 1},
    {"pooling/pool.cl", pooling_pool, sizeof pooling_pool - 1},
    {"pooling/taken.cl", pooling_taken, sizeof pooling_taken - 1},
    {"pooling/window.cl", pooling_window, sizeof pooling_window - 1},
    {"probe/launch.cl", probe_launch, sizeof probe_launch - 1},
    {"probe/local_memory.cl", probe_local_memory, sizeof probe_local_memory - 1},
    {"probe/matrix_nvidia.cl", probe_matrix_nvidia, sizeof probe_matrix_nvidia - 1},
    {"probe/memory_bandwidth.cl", probe_memory_bandwidth, sizeof probe_memory_bandwidth - 1},
    {"probe/peak_arithmetic.cl", probe_peak_arithmetic, sizeof probe_peak_arithmetic - 1},
    {"recurrent/gru.cl", recurrent_gru, sizeof recurrent_gru - 1},
    {"recurrent/lstm.cl", recurrent_lstm, sizeof recurrent_lstm - 1},
    {"recurrent/panels.cl", recurrent_panels, sizeof recurrent_panels - 1},
    {"recurrent/rnn.cl", recurrent_rnn, sizeof recurrent_rnn - 1},
    {"recurrent/steps.cl", recurrent_steps, sizeof recurrent_steps - 1},
    {"reduction/arg_max.cl", reduction_arg_max, sizeof reduction_arg_max - 1},
    {"reduction/integers.cl", reduction_integers, sizeof reduction_integers - 1},
    {"reduction/reduce.cl", reduction_reduce, sizeof reduction_reduce - 1},
    {"scan/scan.cl", scan_scan, sizeof scan_scan - 1},
    {"softmax/cross_entropy.cl", softmax_cross_entropy, sizeof softmax_cross_entropy - 1},
    {"softmax/row_logarithm.cl", softmax_row_logarithm, sizeof softmax_row_logarithm - 1},
    {"softmax/softmax.cl", softmax_softmax, sizeof softmax_softmax - 1},
    {"sort/sort.cl", sort_sort, sizeof sort_sort - 1},
    {0, 0, 0},
};

const CKernelFile *ckernels_file(int index) {
    return index >= 0 && index < (int)(sizeof files / sizeof files[0]) - 1 ? &files[index] : 0;
}

static const char tuning[] = {
#embed "tuning.json" suffix(, )
    0};
static const CKernelFile tuning_file = {"tuning.json", tuning, sizeof tuning - 1};

const CKernelFile *ckernels_tuning(void) { return &tuning_file; }
