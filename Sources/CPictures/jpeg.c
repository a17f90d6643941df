#include <setjmp.h>
#include <stdio.h>
// jpeglib.h uses FILE and size_t, and brings neither.
#include <jerror.h>
#include <jpeglib.h>

#include "CPictures.h"

// A scan takes as long as the whole picture, and a few bytes of the file: a thousand of them are no picture.
enum { most_scans = 100 };

typedef struct {
    struct jpeg_error_mgr base;
    jmp_buf jump;
    char *message;
    size_t size;
} failure;

static void fail(j_common_ptr decoder) {
    failure *error = (failure *)decoder->err;
    char text[JMSG_LENGTH_MAX];
    error->base.format_message(decoder, text);
    snprintf(error->message, error->size, "%s", text);
    longjmp(error->jump, 1);
}

// A warning says that the data is damaged and that the library goes on with whatever it makes of it. That is no picture to
// learn from, but for what is strange without being wrong.
static void warn(j_common_ptr decoder, int level) {
    if (level >= 0) return;
    switch (decoder->err->msg_code) {
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_JFIF_MAJOR:
    case JWRN_ADOBE_XFORM:
    case JWRN_BOGUS_ICC: return;
    default: fail(decoder);
    }
}

static void say_nothing(j_common_ptr decoder) { (void)decoder; }

static void count_scans(j_common_ptr decoder) {
    if (((j_decompress_ptr)decoder)->input_scan_number <= most_scans) return;
    failure *error = (failure *)decoder->err;
    snprintf(error->message, error->size, "it has more than %d scans", most_scans);
    longjmp(error->jump, 1);
}

/// What is left of white after an ink and black, of 255 each.
static uint8_t remaining(unsigned ink, unsigned black) {
    unsigned product = ink * black + 128;
    return (uint8_t)((product + (product >> 8)) >> 8);
}

static void decode(j_decompress_ptr decoder, uint8_t *pixels, cp_header *header) {
    size_t width = header->width;
    if (decoder->out_color_space != JCS_CMYK) {
        while (decoder->output_scanline < decoder->output_height) {
            JSAMPROW row = pixels + decoder->output_scanline * width * header->channels;
            jpeg_read_scanlines(decoder, &row, 1);
        }
        return;
    }
    JSAMPARRAY inks = decoder->mem->alloc_sarray((j_common_ptr)decoder, JPOOL_IMAGE, (JDIMENSION)(4 * width), 1);
    // Adobe's files have what each ink leaves, not what it takes.
    unsigned flip = decoder->saw_Adobe_marker ? 0 : 255;
    while (decoder->output_scanline < decoder->output_height) {
        uint8_t *row = pixels + decoder->output_scanline * width * 3;
        jpeg_read_scanlines(decoder, inks, 1);
        for (size_t x = 0; x < width; x++)
            for (size_t channel = 0; channel < 3; channel++)
                row[3 * x + channel] = remaining(inks[0][4 * x + channel] ^ flip, inks[0][4 * x + 3] ^ flip);
    }
}

bool cp_jpeg_read(const uint8_t *bytes, size_t count, uint8_t *pixels, size_t memory_limit, cp_header *header) {
    struct jpeg_decompress_struct decoder = {0};
    struct jpeg_progress_mgr progress = {.progress_monitor = count_scans};
    failure error = {.message = header->message, .size = sizeof header->message};
    header->message[0] = 0;
    decoder.err = jpeg_std_error(&error.base);
    error.base.error_exit = fail;
    error.base.emit_message = warn;
    error.base.output_message = say_nothing;
    if (setjmp(error.jump)) {
        jpeg_destroy_decompress(&decoder);
        return false;
    }
    jpeg_create_decompress(&decoder);
    decoder.progress = &progress;
    decoder.mem->max_memory_to_use = (long)memory_limit;
    jpeg_mem_src(&decoder, bytes, count);
    jpeg_read_header(&decoder, TRUE);
    header->width = decoder.image_width;
    header->height = decoder.image_height;
    header->is_progressive = jpeg_has_multiple_scans(&decoder);
    switch (decoder.num_components) {
    case 1:
        decoder.out_color_space = JCS_GRAYSCALE;
        header->channels = 1;
        break;
    case 3:
        decoder.out_color_space = JCS_RGB;
        header->channels = 3;
        break;
    case 4:
        decoder.out_color_space = JCS_CMYK;
        header->channels = 3;
        break;
    default:
        snprintf(error.message, error.size, "it has %d components", decoder.num_components);
        longjmp(error.jump, 1);
    }
    if (pixels) {
        jpeg_start_decompress(&decoder);
        decode(&decoder, pixels, header);
        jpeg_finish_decompress(&decoder);
    }
    jpeg_destroy_decompress(&decoder);
    return true;
}
