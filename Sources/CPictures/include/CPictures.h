// PNG and JPEG by libpng and libjpeg, without their way of reporting errors: both jump out of the middle of their work
// (longjmp), which must pass over no frame of Swift. Each function here catches that, frees what the library had
// taken, and says what was wrong.
#ifndef CPICTURES_H
#define CPICTURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// What a file says of its picture, and what is wrong with it.
typedef struct {
    uint32_t width;
    uint32_t height;
    /// Of what is decoded: grey, grey and alpha, RGB, or RGBA; all of 8 bits.
    uint32_t channels;
    /// Of the rows before they are packed, in bytes: what they take at least (PNG).
    uint64_t unpacked;
    /// Whether the decoder keeps the whole picture's coefficients in memory (JPEG).
    bool is_progressive;
    /// In the library's words; empty where all is well.
    char message[256];
} cp_header;

/// The header of a PNG file, and the picture too where `pixels` is not NULL: `height` rows of `width · channels` bytes, as
/// the header said before.
///
/// 16-bit samples are rounded to 8; palettes, transparent colours and samples of fewer bits become channels of 8.
bool cp_png_read(const uint8_t *_Nonnull bytes, size_t count, uint8_t *_Nullable pixels, cp_header *_Nonnull header);

/// The same of a JPEG file; its CMYK and YCCK become RGB.
///
/// - `memory_limit`: how many bytes the decoder may take for itself.
bool cp_jpeg_read(
    const uint8_t *_Nonnull bytes, size_t count, uint8_t *_Nullable pixels, size_t memory_limit,
    cp_header *_Nonnull header);

/// A PNG file of a picture of `width`, `height` and `channels`; the caller frees it with `cp_free`.
bool cp_png_write(
    const uint8_t *_Nonnull pixels, cp_header *_Nonnull header, uint8_t *_Nullable *_Nonnull file,
    size_t *_Nonnull count);

void cp_free(uint8_t *_Nullable file);

#endif
