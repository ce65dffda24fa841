/* program_page.c: a page of HTML, written from top to bottom. */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "program.h"

/* A figure is as wide as its picture; the caption fits itself under it. */
static const char style[] =
    "body { max-width: 94rem; margin: 2rem auto; padding: 0 1rem; color: #222; background: #fff;\n"
    "       font: 16px/1.5 system-ui, sans-serif; }\n"
    "h1, h2 { font-weight: 600; font-size: 1.6rem; }\n"
    "h2 { font-size: 1.2rem; margin-top: 2rem; }\n"
    "p { max-width: 50rem; }\n"
    "code { background: #f3f3f3; padding: .3rem .5rem; border-radius: 4px; }\n"
    "table { border-collapse: collapse; margin: 1.5rem 0; }\n"
    "th, td { text-align: left; font-weight: normal; padding: .25rem 1.5rem .25rem 0;\n"
    "         border-bottom: 1px solid #ddd; vertical-align: top; }\n"
    "thead th { font-weight: 600; border-bottom: 2px solid #999; vertical-align: bottom; }\n"
    "td { font-variant-numeric: tabular-nums; }\n"
    ".pictures { display: flex; flex-wrap: wrap; gap: 1.5rem; }\n"
    "figure { margin: 0; display: table; max-width: 100%; }\n"
    "img { max-width: 100%; height: auto; }\n"
    "figcaption { color: #555; display: table-caption; caption-side: bottom; }\n";

/* ------------------------------------------------------------------------------- text */

static void put_escaped(FILE *out, const char *text) {
    static const char special[] = "&<>\"";
    static const char *const names[] = {"&amp;", "&lt;", "&gt;", "&quot;"};
    for (; *text; text++) {
        const char *found = strchr(special, *text);
        if (found)
            fputs(names[found - special], out);
        else
            fputc(*text, out);
    }
}

static void put_formatted(FILE *out, const char *format, va_list arguments) {
    char text[2048];
    vsnprintf(text, sizeof text, format, arguments);
    put_escaped(out, text);
}

/* ------------------------------------------------------------------------------- blocks */

enum { PROSE, FACTS, TABLE, PICTURES, LINKS, N_BLOCKS };

static const struct {
    const char *begin, *end;
} blocks[N_BLOCKS] = {
    [PROSE] = {"", ""},
    [FACTS] = {"<table>\n", "</table>\n"},
    [TABLE] = {"<table>\n", "</tbody>\n</table>\n"},
    [PICTURES] = {"<div class=\"pictures\">\n", "</div>\n"},
    [LINKS] = {"<ul>\n", "</ul>\n"},
};

/* Ends the block that is open, if it is another one. */
static void enter(page *page, int block) {
    if (page->block == block)
        return;
    fputs(blocks[page->block].end, page->file);
    fputs(blocks[block].begin, page->file);
    page->block = block;
}

/* ------------------------------------------------------------------------------- the page */

erg_status page_open(page *page, const char *path, const char *title, int argc, char **argv) {
    FILE *out = fopen(path, "w");
    *page = (struct page){.file = out, .path = path, .block = PROSE};
    if (!out)
        return erg_fail(ERG_ERROR_IO, "cannot write \"%s\": %s", path, strerror(errno));
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>", out);
    put_escaped(out, title);
    fprintf(out, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<h1>", style);
    put_escaped(out, title);
    fputs("</h1>\n<p><code>", out);
    for (int i = 0; i < argc; i++) {
        fputs(i ? " " : "", out);
        put_escaped(out, argv[i]);
    }
    fputs("</code></p>\n", out);
    return ERG_OK;
}

erg_status page_close(page *page) {
    enter(page, PROSE);
    fputs("</body>\n</html>\n", page->file);
    int bad = ferror(page->file);
    if (fclose(page->file) != 0 || bad)
        return erg_fail(ERG_ERROR_IO, "cannot write \"%s\"", page->path);
    return ERG_OK;
}

/* ------------------------------------------------------------------------------- its parts */

void page_heading(page *page, const char *text) {
    enter(page, PROSE);
    fputs("<h2>", page->file);
    put_escaped(page->file, text);
    fputs("</h2>\n", page->file);
}

void page_paragraph(page *page, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    enter(page, PROSE);
    fputs("<p>", page->file);
    put_formatted(page->file, format, arguments);
    fputs("</p>\n", page->file);
    va_end(arguments);
}

void page_fact(page *page, const char *head, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    enter(page, FACTS);
    fputs("<tr><th>", page->file);
    put_escaped(page->file, head);
    fputs("</th><td>", page->file);
    put_formatted(page->file, format, arguments);
    fputs("</td></tr>\n", page->file);
    va_end(arguments);
}

void page_table(page *page, const char *const *heads, int n) {
    enter(page, PROSE);
    enter(page, TABLE);
    fputs("<thead>\n<tr>", page->file);
    for (int i = 0; i < n; i++) {
        fputs("<th>", page->file);
        put_escaped(page->file, heads[i]);
        fputs("</th>", page->file);
    }
    fputs("</tr>\n</thead>\n<tbody>\n", page->file);
}

/* The end tags of cells and rows may be left out. */
void page_row(page *page) {
    fputs("<tr>\n", page->file);
}

void page_cell(page *page, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("<td>", page->file);
    put_formatted(page->file, format, arguments);
    fputs("</td>\n", page->file);
    va_end(arguments);
}

void page_figure(page *page, const char *file, const char *caption) {
    enter(page, PICTURES);
    fputs("<figure><img src=\"", page->file);
    put_escaped(page->file, file);
    fputs("\" alt=\"", page->file);
    put_escaped(page->file, caption);
    fputs("\"><figcaption>", page->file);
    put_escaped(page->file, caption);
    fputs("</figcaption></figure>\n", page->file);
}

void page_link(page *page, const char *file, const char *text) {
    enter(page, LINKS);
    fputs("<li><a href=\"", page->file);
    put_escaped(page->file, file);
    fputs("\">", page->file);
    put_escaped(page->file, file);
    fputs("</a>: ", page->file);
    put_escaped(page->file, text);
    fputs("</li>\n", page->file);
}
