#include "hooks/lake/parquet.h"

#include <errno.h>

enum { HEADER_TYPE = 1, HEADER_SIZE, HEADER_PACKED_SIZE, HEADER_CRC, HEADER_DATA, HEADER_DICTIONARY = 7 };
enum { PAGE_VALUES = 1, PAGE_ENCODING, PAGE_LEVELS, PAGE_REPETITION };

void parquet_page_put(struct bytes *out, const struct parquet_page *page)
{
    struct thrift_out t = {.to = out};
    thrift_begin(&t);
    thrift_i32(&t, HEADER_TYPE, page->type);
    thrift_i32(&t, HEADER_SIZE, (int32_t)page->size);
    thrift_i32(&t, HEADER_PACKED_SIZE, (int32_t)page->packed_size);
    if (page->has_crc)
        thrift_i32(&t, HEADER_CRC, (int32_t)page->crc);
    thrift_struct(&t, page->type == PARQUET_DATA_PAGE ? HEADER_DATA : HEADER_DICTIONARY);
    thrift_i32(&t, PAGE_VALUES, (int32_t)page->values);
    thrift_i32(&t, PAGE_ENCODING, page->encoding);
    if (page->type == PARQUET_DATA_PAGE) {
        thrift_i32(&t, PAGE_LEVELS, PARQUET_RLE);
        thrift_i32(&t, PAGE_REPETITION, PARQUET_RLE);
    }
    thrift_end(&t);
    thrift_end(&t);
}

// What is there of the values of a page.
struct kind {
    bool there;
    int64_t values, encoding, levels;
};

static struct kind get_kind(struct thrift_in *in)
{
    struct kind kind = {.there = true, .values = -1, .encoding = -1, .levels = PARQUET_RLE};
    thrift_enter(in);
    for (struct thrift_field field; thrift_next(in, &field);)
        if (field.id == PAGE_VALUES)
            kind.values = thrift_number(in, field.type);
        else if (field.id == PAGE_ENCODING)
            kind.encoding = thrift_number(in, field.type);
        else if (field.id == PAGE_LEVELS && field.type == THRIFT_I32)
            kind.levels = thrift_number(in, field.type);
        else
            thrift_skip(in, field.type);
    return kind;
}

static bool is_size(int64_t n)
{
    return n >= 0 && n <= PARQUET_PAGE_MAX;
}

int parquet_page_get(struct slice bytes, struct parquet_page *page, size_t *used)
{
    struct thrift_in in = {.at = bytes.at, .end = bytes.at + bytes.size};
    struct kind data = {0}, dictionary = {0};
    int64_t type = -1, size = -1, packed_size = -1;
    *page = (struct parquet_page){0};
    thrift_enter(&in);
    for (struct thrift_field field; thrift_next(&in, &field);)
        if (field.id == HEADER_TYPE)
            type = thrift_number(&in, field.type);
        else if (field.id == HEADER_SIZE)
            size = thrift_number(&in, field.type);
        else if (field.id == HEADER_PACKED_SIZE)
            packed_size = thrift_number(&in, field.type);
        else if (field.id == HEADER_CRC) {
            page->has_crc = true;
            page->crc = (uint32_t)thrift_number(&in, field.type);
        } else if (field.id == HEADER_DATA && field.type == THRIFT_STRUCT)
            data = get_kind(&in);
        else if (field.id == HEADER_DICTIONARY && field.type == THRIFT_STRUCT)
            dictionary = get_kind(&in);
        else
            thrift_skip(&in, field.type);
    if (in.failed)
        return -EAGAIN;
    *used = (size_t)(in.at - bytes.at);
    if (type != PARQUET_DATA_PAGE && type != PARQUET_DICTIONARY_PAGE)
        return -ENOTSUP;
    const struct kind *kind = type == PARQUET_DATA_PAGE ? &data : &dictionary;
    if (!kind->there || kind->values < 0 || kind->values > INT32_MAX || size < 0 || packed_size < 0)
        return -EIO;
    if (!is_size(size) || !is_size(packed_size) || kind->levels != PARQUET_RLE)
        return -ENOTSUP;
    if (kind->encoding != PARQUET_PLAIN && kind->encoding != PARQUET_PLAIN_DICTIONARY &&
        kind->encoding != PARQUET_RLE_DICTIONARY)
        return -ENOTSUP;
    page->type = (enum parquet_page_type)type;
    page->encoding = (enum parquet_encoding)kind->encoding;
    page->values = (uint32_t)kind->values;
    page->size = (uint32_t)size;
    page->packed_size = (uint32_t)packed_size;
    return 0;
}
