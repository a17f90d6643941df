#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "CPictures.h"

static void fail(png_structp png, png_const_charp text) {
    cp_header *header = png_get_error_ptr(png);
    snprintf(header->message, sizeof header->message, "%s", text);
    png_longjmp(png, 1);
}

// Of what says nothing about the pixels: a colour profile that is not as it should be, say.
static void pass_over(png_structp png, png_const_charp text) {
    (void)png;
    (void)text;
}

typedef struct {
    const uint8_t *bytes;
    size_t left;
} source;

static void take(png_structp png, png_bytep target, size_t count) {
    source *from = png_get_io_ptr(png);
    if (count > from->left) png_error(png, "it is cut short");
    memcpy(target, from->bytes, count);
    from->bytes += count;
    from->left -= count;
}

// Chunks that do not change what the pixels' bytes are. They are not even unpacked.
static const char passed_over[] =
    "cHRM\0gAMA\0iCCP\0sRGB\0sBIT\0bKGD\0hIST\0pHYs\0oFFs\0pCAL\0sCAL\0sPLT\0tIME\0tEXt\0zTXt\0iTXt\0eXIf";

bool cp_png_read(const uint8_t *bytes, size_t count, uint8_t *pixels, cp_header *header) {
    source from = {bytes, count};
    header->message[0] = 0;
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, header, fail, pass_over);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (!info) {
        png_destroy_read_struct(&png, NULL, NULL);
        snprintf(header->message, sizeof header->message, "libpng cannot be used");
        return false;
    }
    if (setjmp(png_jmpbuf(png))) {
        png_destroy_read_struct(&png, &info, NULL);
        return false;
    }
    png_set_read_fn(png, &from, take);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, 0);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, (png_const_bytep)passed_over, sizeof passed_over / 5);
    png_read_info(png, info);
    header->width = png_get_image_width(png, info);
    header->height = png_get_image_height(png, info);
    header->unpacked = (uint64_t)header->height * (png_get_rowbytes(png, info) + 1);
    png_set_expand(png);
    png_set_scale_16(png);
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    header->channels = png_get_channels(png, info);
    size_t row = png_get_rowbytes(png, info);
    if (row != (size_t)header->width * header->channels) png_error(png, "its rows are not of 8-bit samples");
    if (pixels) {
        for (int pass = 0; pass < passes; pass++)
            for (size_t y = 0; y < header->height; y++) png_read_row(png, pixels + y * row, NULL);
        png_read_end(png, NULL);
    }
    png_destroy_read_struct(&png, &info, NULL);
    return true;
}

typedef struct {
    uint8_t *bytes;
    size_t count, capacity;
} target;

static void put(png_structp png, png_bytep bytes, size_t count) {
    target *to = png_get_io_ptr(png);
    if (count > to->capacity - to->count) {
        size_t capacity = 2 * to->capacity + count + 4096;
        uint8_t *larger = realloc(to->bytes, capacity);
        if (!larger) png_error(png, "there is no memory for the file");
        to->bytes = larger;
        to->capacity = capacity;
    }
    memcpy(to->bytes + to->count, bytes, count);
    to->count += count;
}

static void flush(png_structp png) { (void)png; }

static bool write_png(const uint8_t *pixels, cp_header *header, target *to) {
    static const int types[] = {
        PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGB_ALPHA};
    header->message[0] = 0;
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, header, fail, pass_over);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (!info) {
        png_destroy_write_struct(&png, NULL);
        snprintf(header->message, sizeof header->message, "libpng cannot be used");
        return false;
    }
    if (setjmp(png_jmpbuf(png))) {
        png_destroy_write_struct(&png, &info);
        return false;
    }
    if (header->channels < 1 || header->channels > 4) png_error(png, "it has no channels that PNG knows");
    png_set_write_fn(png, to, put, flush);
    png_set_IHDR(
        png, info, header->width, header->height, 8, types[header->channels - 1], PNG_INTERLACE_NONE,
        PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (size_t y = 0; y < header->height; y++)
        png_write_row(png, pixels + y * header->width * header->channels);
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    return true;
}

bool cp_png_write(const uint8_t *pixels, cp_header *header, uint8_t **file, size_t *count) {
    target to = {0};
    bool is_written = write_png(pixels, header, &to);
    if (!is_written) {
        free(to.bytes);
        to = (target){0};
    }
    *file = to.bytes;
    *count = to.count;
    return is_written;
}

void cp_free(uint8_t *file) { free(file); }
