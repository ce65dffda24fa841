/* formula.c: a loop in machine code for a formula: which register holds what (see formula.h).
 *
 * Lines are written in their order. Each takes a register that is free, and registers are free again
 * after the last line that reads them: the formula has no branches, so that is all there is to it. */
#include "formula.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ------------------------------------------------------------------------------- pages */

static size_t whole_pages(size_t bytes) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (bytes + page - 1) / page * page;
}

bool erg_code_pages_open(erg_code_pages *pages, const erg_kernels *kernels, size_t bytes) {
    *pages = (erg_code_pages){0};
    if (!kernels->machine_code || bytes > SIZE_MAX / 2)
        return false;
    size_t size = whole_pages(bytes + 1);
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return false;
    *pages = (erg_code_pages){memory, memory, (unsigned char *)memory + size};
    return true;
}

bool erg_code_pages_seal(erg_code_pages *pages) {
    size_t used = whole_pages((size_t)(pages->at - pages->begin));
    if (pages->at == pages->begin) {
        erg_code_pages_free(pages);
        return true;
    }
    if (mprotect(pages->begin, used, PROT_READ | PROT_EXEC) != 0)
        return false;
    unsigned char *end = pages->begin + used;
    if (end < pages->end && munmap(end, (size_t)(pages->end - end)) == 0)
        pages->end = end;
    return true;
}

void erg_code_pages_free(erg_code_pages *pages) {
    if (pages->begin)
        munmap(pages->begin, (size_t)(pages->end - pages->begin));
    *pages = (erg_code_pages){0};
}

/* ------------------------------------------------------------------------------- registers */

typedef struct allocation {
    const erg_formula *formula;
    erg_x86 *code;
    int last[ERG_FORMULA_LINES];  /* by line: the last one that reads it; n_lines if it is stored */
    int in[ERG_FORMULA_LINES];    /* by line: its register */
    bool done[ERG_FORMULA_LINES]; /* by line: before the loop */
    uint32_t free;                /* a bit for each register */
} allocation;

static int count_reads(const erg_formula_line *line, int *reads) {
    int n = 0;
    if (line->kind == ERG_FORMULA_VECTOR && line->op != ERG_X86_SQRT)
        reads[n++] = line->a;
    if (line->kind == ERG_FORMULA_VECTOR)
        reads[n++] = line->b;
    if (line->kind == ERG_FORMULA_SELECT) {
        const int all[] = {line->a, line->b, line->yes, line->no};
        memcpy(reads, all, sizeof all);
        n = 4;
    }
    return n;
}

static void find_last_reads(allocation *a) {
    const erg_formula *f = a->formula;
    int reads[4];
    for (int i = 0; i < f->n_lines; i++) {
        a->last[i] = i;
        for (int k = count_reads(&f->lines[i], reads) - 1; k >= 0; k--)
            a->last[reads[k]] = i;
    }
    for (int k = 0; k < f->n_stores; k++)
        a->last[f->stores[k].line] = f->n_lines;
}

static void free_registers(allocation *a, int i) {
    int reads[4];
    for (int k = count_reads(&a->formula->lines[i], reads) - 1; k >= 0; k--)
        if (a->last[reads[k]] == i)
            a->free |= 1u << a->in[reads[k]];
}

/* A select needs a register beside those it reads. */
static bool take_register(allocation *a, int i) {
    if (a->formula->lines[i].kind != ERG_FORMULA_SELECT)
        free_registers(a, i);
    if (!a->free)
        return false;
    a->in[i] = __builtin_ctz(a->free);
    a->free &= ~(1u << a->in[i]);
    if (a->formula->lines[i].kind == ERG_FORMULA_SELECT)
        free_registers(a, i);
    if (a->last[i] == i)
        a->free |= 1u << a->in[i];
    return true;
}

/* ------------------------------------------------------------------------------- code */

static bool is_number(const erg_formula_line *line) {
    return line->kind == ERG_FORMULA_READ && line->read == ERG_X86_NUMBER;
}

static void write_line(const allocation *a, int i) {
    const erg_formula_line *line = &a->formula->lines[i];
    const int *in = a->in;
    switch (line->kind) {
    case ERG_FORMULA_READ:
        erg_x86_load(a->code, line->read, in[i], line->a);
        break;
    case ERG_FORMULA_VECTOR:
        erg_x86_vector(a->code, line->op, in[i], line->op == ERG_X86_SQRT ? 0 : in[line->a],
                       in[line->b]);
        break;
    case ERG_FORMULA_SELECT:
        erg_x86_select(a->code, line->predicate, in[i], in[line->a], in[line->b], in[line->yes],
                       in[line->no]);
        break;
    }
}

/* Numbers that the formula reads, the same for all vectors, are read before the loop; `ahead` of
 * them. Each takes a register for good. */
static bool read_ahead(allocation *a, int ahead) {
    for (int i = 0; i < a->formula->n_lines && ahead > 0; i++) {
        if (!is_number(&a->formula->lines[i]))
            continue;
        a->last[i] = a->formula->n_lines;
        if (!take_register(a, i))
            return false;
        write_line(a, i);
        a->done[i] = true;
        ahead--;
    }
    return true;
}

static bool write_loop(allocation *a) {
    const erg_formula *f = a->formula;
    unsigned char *loop = erg_x86_loop(a->code);
    for (int i = 0; i < f->n_lines; i++) {
        if (a->done[i])
            continue;
        if (!take_register(a, i))
            return false;
        write_line(a, i);
    }
    for (int k = 0; k < f->n_stores; k++)
        erg_x86_store(a->code, a->in[f->stores[k].line], f->stores[k].array);
    erg_x86_end(a->code, loop, f->row > 0);
    return !a->code->full;
}

static bool write_function(const erg_formula *f, const erg_formula_code *code, int ahead,
                           erg_x86 *x86) {
    allocation a = {.formula = f, .code = x86};
    a.free = erg_x86_registers(x86) == 32 ? UINT32_MAX : UINT16_MAX;
    find_last_reads(&a);
    erg_x86_begin(x86, code->arrays, code->n_arrays);
    return read_ahead(&a, ahead) && write_loop(&a);
}

/* As many numbers are read ahead as leave enough registers. */
static bool write_best(const erg_formula *f, const erg_formula_code *code, erg_x86 *x86) {
    const erg_x86 before = *x86;
    int ahead = 0;
    for (int i = 0; i < f->n_lines; i++)
        ahead += is_number(&f->lines[i]);
    while (!write_function(f, code, ahead, x86)) {
        if (ahead == 0)
            return false;
        *x86 = before;
        ahead--;
    }
    return true;
}

/* Array number i is used; element by element, or by rows. */
static bool add_array(erg_formula_code *code, int i, bool elements) {
    if (i >= ERG_FORMULA_REACH || (elements && code->n_arrays == ERG_FORMULA_ARRAYS))
        return false;
    code->reach = code->reach > i ? code->reach : i + 1;
    if (elements)
        code->arrays[code->n_arrays++] = i;
    return true;
}

static bool list_arrays(const erg_formula *f, erg_formula_code *code) {
    bool fits = true;
    for (int i = 0; i < f->n_lines && fits; i++)
        if (f->lines[i].kind == ERG_FORMULA_READ)
            fits = add_array(code, f->lines[i].a, f->lines[i].read == ERG_X86_ARRAY);
    for (int k = 0; k < f->n_stores && fits; k++)
        fits = add_array(code, f->stores[k].array, true);
    return fits;
}

static erg_x86 encoder(const erg_kernels *kernels, erg_dtype dtype) {
    return (erg_x86){.wide = kernels->machine_code == ERG_CODE_AVX512,
                     .is_double = dtype == ERG_FLOAT64};
}

int64_t erg_formula_lanes(const erg_kernels *kernels, erg_dtype dtype) {
    erg_x86 x86 = encoder(kernels, dtype);
    return kernels->machine_code
               ? (int64_t)erg_x86_vector_bytes(&x86) / (int64_t)erg_dtype_size(dtype)
               : 0;
}

bool erg_formula_compile(const erg_formula *formula, const erg_kernels *kernels,
                         erg_code_pages *pages, erg_formula_code *code) {
    if (!pages->begin || formula->n_lines > ERG_FORMULA_LINES)
        return false;
    erg_x86 x86 = encoder(kernels, formula->dtype);
    x86.at = pages->at;
    x86.end = pages->end;
    *code = (erg_formula_code){.lanes = erg_formula_lanes(kernels, formula->dtype),
                               .size = (int64_t)erg_dtype_size(formula->dtype),
                               .row = formula->row,
                               .n_stores = formula->n_stores};
    if (!list_arrays(formula, code) || !write_best(formula, code, &x86))
        return false;
    /* ISO C knows no conversion from a pointer to data to one to a function; POSIX does. */
    memcpy(&code->run, &pages->at, sizeof code->run);
    pages->at += (x86.at - pages->at + 63) / 64 * 64;
    pages->at = pages->at < pages->end ? pages->at : pages->end;
    return true;
}

/* ------------------------------------------------------------------------------- a run */

/* n elements, a number of vectors, from element `begin` on, which is the first of a vector. */
static void run_vectors(const erg_formula_code *c, int64_t begin, int64_t n, void *const *at) {
    int64_t column = c->row ? begin % c->row : 0, row = c->row ? begin / c->row : 0;
    c->run(n * c->size, at, c->row * c->size, 0, column * c->size, row * c->size);
}

typedef struct padded {
    unsigned char room[ERG_FORMULA_ARRAYS][64] __attribute__((aligned(64)));
    void *at[ERG_FORMULA_REACH];
} padded;

/* Less than a vector, `done` bytes behind the addresses in at[]: copied to vectors of their own, at
 * their place in them, and the results back. */
static void run_part(const erg_formula_code *c, int64_t begin, int64_t n, int64_t done,
                     void *const *at) {
    padded p;
    int64_t place = c->row ? begin % c->lanes * c->size : 0;
    size_t bytes = (size_t)(n * c->size);
    memcpy(p.at, at, (size_t)c->reach * sizeof *p.at);
    for (int k = 0; k < c->n_arrays; k++) {
        memset(p.room[k], 0, sizeof p.room[k]);
        if (k < c->n_arrays - c->n_stores)
            memcpy(p.room[k] + place, (unsigned char *)at[c->arrays[k]] + done, bytes);
        p.at[c->arrays[k]] = p.room[k];
    }
    run_vectors(c, begin - place / c->size, c->lanes, p.at);
    for (int k = c->n_arrays - c->n_stores; k < c->n_arrays; k++)
        memcpy((unsigned char *)at[c->arrays[k]] + done, p.room[k] + place, bytes);
}

/* Addresses of elements n further on. */
static void move(const erg_formula_code *c, int64_t n, void *const *at, void **moved) {
    memcpy(moved, at, (size_t)c->reach * sizeof *moved);
    for (int k = 0; k < c->n_arrays; k++)
        moved[c->arrays[k]] = (unsigned char *)at[c->arrays[k]] + n * c->size;
}

void erg_formula_run(const erg_formula_code *c, int64_t begin, int64_t n, void *const *at) {
    void *moved[ERG_FORMULA_REACH];
    int64_t behind = c->row ? begin % c->lanes : 0, head = behind ? c->lanes - behind : 0;
    head = head < n ? head : n;
    if (head) {
        run_part(c, begin, head, 0, at);
        move(c, head, at, moved);
        at = moved;
    }
    int64_t whole = (n - head) / c->lanes * c->lanes, rest = n - head - whole;
    if (whole)
        run_vectors(c, begin + head, whole, at);
    if (rest)
        run_part(c, begin + head + whole, rest, whole * c->size, at);
}
