// The interpreter of elementwise programs: a block of elements at a time goes through all instructions while it is in
// the first-level cache.

#include "internal.h"

int64_t cv_type_size(cv_type type) {
    switch (type) {
    case CV_BOOL: case CV_INT8: case CV_UINT8: return 1;
    case CV_FLOAT16: case CV_BFLOAT16: case CV_INT16: case CV_UINT16: return 2;
    case CV_FLOAT32: case CV_INT32: case CV_UINT32: return 4;
    case CV_FLOAT64: case CV_INT64: case CV_UINT64: return 8;
    }
    return 8;
}

// Where an argument of an instruction lies, and whether it is an array (step 1) or a number (step 0).
typedef struct {
    const void *pointer;
    int64_t step;
} cv_slot;

// Lines of memory that a block reads or writes.
typedef struct {
    const char *pointer;
    int64_t lines;
    int32_t is_written;
} cv_stream;

// Half types are computed with as float.
static cv_type arithmetic_type(cv_type type) {
    return type == CV_FLOAT16 || type == CV_BFLOAT16 ? CV_FLOAT32 : type;
}

// Copies `count` elements from the broadcast operand, beginning with element `first` of the result.
#define GATHER(Element)                                                                                            \
    INLINE void gather_##Element(                                                                                  \
        const Element *source, Element *target, int64_t first, int64_t count, int32_t rank, const int64_t *extents, \
        const int64_t *strides) {                                                                                  \
        const int64_t inner = extents[rank - 1], step = strides[rank - 1];                                         \
        while (count > 0) {                                                                                        \
            int64_t rest = first / inner, column = first % inner, offset = column * step;                          \
            for (int32_t axis = rank - 2; axis >= 0; axis--) {                                                     \
                offset += (rest % extents[axis]) * strides[axis];                                                  \
                rest /= extents[axis];                                                                             \
            }                                                                                                      \
            const int64_t run = smaller(inner - column, count);                                                    \
            const Element *from = source + offset;                                                                 \
            if (step == 0) {                                                                                       \
                const Element value = *from;                                                                       \
                for (int64_t i = 0; i < run; i++) target[i] = value;                                               \
            } else {                                                                                               \
                for (int64_t i = 0; i < run; i++) target[i] = from[i * step];                                      \
            }                                                                                                      \
            target += run;                                                                                         \
            first += run;                                                                                          \
            count -= run;                                                                                          \
        }                                                                                                          \
    }
GATHER(uint8_t)
GATHER(uint16_t)
GATHER(uint32_t)
GATHER(uint64_t)

HOT void cv_gather(
    int64_t element_size, const void *source, void *target, int64_t first, int64_t count, int32_t rank,
    const int64_t *extents, const int64_t *strides) {
    switch (element_size) {
    case 1: gather_uint8_t(source, target, first, count, rank, extents, strides); return;
    case 2: gather_uint16_t(source, target, first, count, rank, extents, strides); return;
    case 4: gather_uint32_t(source, target, first, count, rank, extents, strides); return;
    default: gather_uint64_t(source, target, first, count, rank, extents, strides); return;
    }
}

HOT void cv_splat(int64_t element_size, const void *value, void *target, int64_t count) {
    switch (element_size) {
    case 1: memset(target, *(const uint8_t *)value, (size_t)count); return;
    case 2: { const uint16_t v = *(const uint16_t *)value; uint16_t *y = target; for (int64_t i = 0; i < count; i++) y[i] = v; return; }
    case 4: { const uint32_t v = *(const uint32_t *)value; uint32_t *y = target; for (int64_t i = 0; i < count; i++) y[i] = v; return; }
    default: { const uint64_t v = *(const uint64_t *)value; uint64_t *y = target; for (int64_t i = 0; i < count; i++) y[i] = v; return; }
    }
}

enum { BUFFER = CV_BLOCK * 8 };

int64_t cv_program_scratch(const cv_program *program) {
    // One buffer an operand and a register, and one for masks.
    const int64_t slots = program->operand_count + program->constant_count + program->register_count;
    const int64_t streams = program->operand_count + program->result_count;
    return (int64_t)(program->operand_count + program->register_count + 1) * BUFFER
        + slots * (int64_t)sizeof(cv_slot) + streams * (int64_t)sizeof(cv_stream);
}

// One block: the operand of index `index` as a slot whose elements have its arithmetic type.
static cv_slot load(const cv_operand *operand, const void *base, int64_t first, int64_t count, char *buffer) {
    const int64_t size = cv_type_size(operand->type);
    const cv_type type = arithmetic_type(operand->type);
    cv_slot slot = {base, operand->layout == CV_SCALAR ? 0 : 1};
    if (operand->layout == CV_CONTIGUOUS) slot.pointer = (const char *)base + first * size;
    char *converted = buffer;
    if (operand->layout == CV_BROADCAST) {
        // A half type is gathered into the upper half of the buffer, so that converting can go forwards.
        char *target = type == operand->type ? buffer : buffer + BUFFER / 2;
        cv_gather(size, base, target, first, count, operand->rank, operand->extents, operand->strides);
        slot.pointer = target;
    }
    if (type != operand->type) {
        cv_convert(operand->type, slot.pointer, type, converted, slot.step ? count : 1);
        slot.pointer = converted;
    }
    return slot;
}

static void execute(const cv_instruction *instruction, const cv_slot *slots, void *y, int64_t count, char *scratch) {
    const cv_slot a = slots[instruction->sources[0]];
    const cv_type type = arithmetic_type(instruction->type), result = arithmetic_type(instruction->result_type);
    switch (instruction->kind) {
    case CV_UNARY:
        cv_unary(type, (cv_unary_function)instruction->function, a.pointer, y, a.step ? count : 1);
        if (!a.step) cv_splat(cv_type_size(result), y, y, count);
        return;
    case CV_BINARY: {
        const cv_slot b = slots[instruction->sources[1]];
        cv_binary(type, (cv_binary_function)instruction->function, a.pointer, a.step, b.pointer, b.step, y, count);
        return;
    }
    case CV_CONVERT:
        cv_convert(type, a.pointer, result, y, a.step ? count : 1);
        if (!a.step) cv_splat(cv_type_size(result), y, y, count);
        return;
    case CV_SELECT: {
        const cv_slot b = slots[instruction->sources[1]], c = slots[instruction->sources[2]];
        cv_slot mask = a;
        if (type != CV_BOOL) {
            cv_convert(type, a.pointer, CV_BOOL, scratch, a.step ? count : 1);
            mask.pointer = scratch;
        }
        cv_select(cv_type_size(result), mask.pointer, mask.step, b.pointer, b.step, c.pointer, c.step, y, count);
        return;
    }
    case CV_MULTIPLY_ADD: {
        const cv_slot none = {0, 0}, c = slots[instruction->sources[2]];
        const cv_slot b = instruction->sources[1] < 0 ? none : slots[instruction->sources[1]];
        const cv_slot d = instruction->sources[3] < 0 ? none : slots[instruction->sources[3]];
        cv_multiply_add(
            type, (cv_binary_function)instruction->function, a.pointer, a.step, b.pointer, b.step, c.pointer, c.step,
            d.pointer, d.step, y, count);
        return;
    }
    }
}

// Whatever is fused, each value is what its own tensor would hold.
static void round_value(const cv_instruction *instruction, void *y, int64_t count) {
    const cv_type kept = instruction->result_type;
    if (kept != arithmetic_type(kept)) cv_round(kept, y, count);
}

// What a block reads and writes in memory is asked for while the one before it is computed, a part at each instruction: the
// processor's own prefetching ends with a page, which is a block or so, and begins anew in the next.
enum { LINE = 64 };

// Part `step` of `steps` of the lines of all streams.
INLINE void prefetch(const cv_stream *streams, int32_t count, int32_t step, int32_t steps) {
    for (int32_t i = 0; i < count; i++) {
        const int64_t end = streams[i].lines * (step + 1) / steps;
        int64_t line = streams[i].lines * step / steps;
        if (streams[i].is_written) for (; line < end; line++) __builtin_prefetch(streams[i].pointer + line * LINE, 1);
        else for (; line < end; line++) __builtin_prefetch(streams[i].pointer + line * LINE, 0);
    }
}

// The streams of `count` elements from `at` on, which is element `at - first` of each result.
static int32_t streams_at(
    const cv_program *program, const void *const *operands, void *const *results, int64_t first, int64_t at,
    int64_t count, cv_stream *streams) {
    int32_t found = 0;
    for (int32_t i = 0; i < program->operand_count; i++) {
        if (program->operands[i].layout != CV_CONTIGUOUS) continue;
        const int64_t size = cv_type_size(program->operands[i].type);
        streams[found++] = (cv_stream){(const char *)operands[i] + at * size, count * size / LINE, 0};
    }
    for (int32_t i = program->uniform_count; i < program->instruction_count; i++) {
        const cv_instruction *instruction = &program->instructions[i];
        if (instruction->result < 0) continue;
        const int64_t size = cv_type_size(instruction->result_type);
        const char *pointer = (const char *)results[instruction->result] + (at - first) * size;
        streams[found++] = (cv_stream){pointer, count * size / LINE, 1};
    }
    return found;
}

void cv_run_program(
    const cv_program *program, const void *const *operands, void *const *results, int64_t first, int64_t count,
    void *scratch) {
    char *buffers = scratch;
    char *registers = buffers + (int64_t)program->operand_count * BUFFER;
    char *masks = registers + (int64_t)program->register_count * BUFFER;
    cv_slot *slots = (cv_slot *)(masks + BUFFER);
    const int32_t constants = program->operand_count, firstRegister = constants + program->constant_count;
    for (int32_t i = 0; i < program->constant_count; i++) slots[constants + i] = (cv_slot){&program->constants[i], 0};
    for (int32_t i = 0; i < program->register_count; i++) {
        slots[firstRegister + i] = (cv_slot){registers + (int64_t)i * BUFFER, 1};
    }
    for (int32_t i = 0; i < program->operand_count; i++) {
        if (program->operands[i].layout == CV_SCALAR) {
            slots[i] = load(&program->operands[i], operands[i], 0, 1, buffers + (int64_t)i * BUFFER);
        }
    }
    for (int32_t i = 0; i < program->uniform_count; i++) {
        const cv_instruction *instruction = &program->instructions[i];
        char *y = registers + (int64_t)(instruction->destination - firstRegister) * BUFFER;
        execute(instruction, slots, y, 1, masks);
        round_value(instruction, y, 1);
        slots[instruction->destination].step = 0;
    }
    cv_stream *streams = (cv_stream *)(slots + firstRegister + program->register_count);
    const int32_t steps = program->instruction_count - program->uniform_count;
    const int64_t end = first + count;
    for (int64_t start = first; start < end; start += CV_BLOCK) {
        const int64_t length = smaller(CV_BLOCK, end - start);
        const int64_t next = start + length, ahead = program->is_large ? smaller(CV_BLOCK, end - next) : 0;
        const int32_t streamCount =
            ahead == 0 ? 0 : streams_at(program, operands, results, first, next, ahead, streams);
        for (int32_t i = 0; i < program->operand_count; i++) {
            if (program->operands[i].layout != CV_SCALAR) {
                slots[i] = load(&program->operands[i], operands[i], start, length, buffers + (int64_t)i * BUFFER);
            }
        }
        for (int32_t i = program->uniform_count; i < program->instruction_count; i++) {
            const cv_instruction *instruction = &program->instructions[i];
            prefetch(streams, streamCount, i - program->uniform_count, steps);
            char *y = registers + (int64_t)(instruction->destination - firstRegister) * BUFFER;
            if (instruction->result < 0) {
                execute(instruction, slots, y, length, masks);
                round_value(instruction, y, length);
                continue;
            }
            const cv_type stored = instruction->result_type, computed = arithmetic_type(stored);
            char *target = (char *)results[instruction->result] + (start - first) * cv_type_size(stored);
            if (stored == computed) {
                // Computed where it belongs, and read from there.
                execute(instruction, slots, target, length, masks);
                slots[instruction->destination].pointer = target;
            } else {
                execute(instruction, slots, y, length, masks);
                cv_convert(computed, y, stored, target, length);
                if (instruction->is_read) round_value(instruction, y, length);
            }
        }
    }
}
