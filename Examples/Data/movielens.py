#!/usr/bin/env python3
"""Writes MovieLens' ratings as a CSV file out of the R package dslabs (Debian's and Ubuntu's r-cran-dslabs), without R.

    movielens.py FOLDER FILE.csv

FOLDER holds the package's data: Rdata.rdx, an index, and Rdata.rdb, the objects. Both are R's serialization in big-endian
(“R Internals”, 1.8 “Serialization Formats”; src/main/serialize.c says what the numbers are), packed by zlib.
The columns are movieId, title, year, genres, userId, rating and timestamp, in the order of the package.
"""
import csv, gzip, io, os, struct, sys, zlib

NIL, GLOBAL, EMPTY, BASE, NAMESPACE, REFERENCE, ALTERNATIVE = 254, 253, 242, 241, 249, 255, 238
SYMBOL, PAIRS, CHARACTERS, LOGICALS, INTEGERS, REALS, STRINGS, LIST = 1, 2, 9, 10, 13, 14, 16, 19
MISSING = -(1 << 31)


class Vector(list):
    """The elements of a vector of R with its attributes."""

    def __init__(self, elements, attributes=None):
        super().__init__(elements)
        self.attributes = attributes or {}

    def named(self):
        return dict(zip(self.attributes["names"], self))


class Reader:
    """One serialized object."""

    def __init__(self, data):
        self.data, self.place, self.known = data, 2, []
        if data[:2] != b"X\n":
            raise ValueError(f"not R's binary serialization: it begins with {data[:2]!r}")
        version = self.integer()
        self.place += 8
        if version == 3:
            # The name of the encoding.
            self.numbers(self.integer(), "b")
        elif version != 2:
            raise ValueError(f"serialization of version {version}; 2 and 3 are known")

    def numbers(self, count, code):
        size = struct.calcsize(">" + code)
        if count < 0 or self.place + count * size > len(self.data):
            raise ValueError(f"{count} numbers at byte {self.place} of {len(self.data)}: cut short")
        values = struct.unpack_from(f">{count}{code}", self.data, self.place)
        self.place += count * size
        return values

    def integer(self):
        return self.numbers(1, "i")[0]

    def item(self):
        flags = self.integer()
        kind, has_attributes, has_tag = flags & 255, flags & 512, flags & 1024
        if kind in (NIL, GLOBAL, EMPTY, BASE):
            return None
        if kind == REFERENCE:
            return self.known[(flags >> 8 or self.integer()) - 1]
        if kind == SYMBOL:
            self.known.append(self.item())
            return self.known[-1]
        if kind == PAIRS:
            return self.pairs(has_attributes, has_tag)
        if kind == CHARACTERS:
            count = self.integer()
            if count < 0:
                return None
            text = bytes(self.data[self.place:self.place + count])
            self.place += count
            return text.decode("latin-1" if flags >> 12 & 4 else "utf-8")
        if kind == ALTERNATIVE:
            return self.alternative()
        count = self.integer()
        if kind in (LOGICALS, INTEGERS):
            elements = [None if value == MISSING else value for value in self.numbers(count, "i")]
        elif kind == REALS:
            elements = self.numbers(count, "d")
        elif kind in (STRINGS, LIST):
            elements = [self.item() for _ in range(count)]
        else:
            raise ValueError(f"an object of R's type {kind}, which a table has not")
        return Vector(elements, self.item() if has_attributes else None)

    def pairs(self, has_attributes, has_tag):
        """A pair list as a dictionary by tags, or by places where there is none."""
        found = {}
        while True:
            if has_attributes:
                self.item()
            tag = self.item() if has_tag else len(found)
            found[tag] = self.item()
            flags = self.integer()
            if flags & 255 != PAIRS:
                return found
            has_attributes, has_tag = flags & 512, flags & 1024

    def alternative(self):
        """A vector in one of R's compact forms."""
        form, state, _ = list(self.item().values())[0], self.item(), self.item()
        if form == "compact_intseq":
            count, first, step = state
            return Vector(int(first + step * index) for index in range(int(count)))
        if form.startswith("wrap_"):
            return state[0]
        raise ValueError(f"a vector of R's form {form}, which is not known here")


def unpacked(record):
    """An object of Rdata.rdb: its length, then the bytes, packed by zlib."""
    count = struct.unpack_from(">I", record)[0]
    data = zlib.decompress(record[4:])
    if len(data) != count:
        raise ValueError(f"an object of {len(data)} bytes, where {count} are announced")
    return data


def table(folder, name):
    """A data frame of the package as columns by name, factors as their texts."""
    index = Reader(gzip.open(os.path.join(folder, "Rdata.rdx")).read()).item().named()
    places = index["variables"].named()
    if name not in places:
        raise ValueError(f"there is no {name}; there is {', '.join(sorted(places))}")
    begin, count = places[name]
    with open(os.path.join(folder, "Rdata.rdb"), "rb") as file:
        file.seek(begin)
        columns = Reader(unpacked(file.read(count))).item().named()
    for key, column in columns.items():
        if "levels" in column.attributes:
            levels = column.attributes["levels"]
            columns[key] = [None if number is None else levels[number - 1] for number in column]
    return columns


def text(value):
    if value is None or value != value:
        return "NA"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    folder, path = sys.argv[1:]
    try:
        columns = table(folder, "movielens")
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(map(text, row) for row in zip(*columns.values()))
        part = f"{path}.part"
        with open(part, "w", encoding="utf-8") as file:
            file.write(buffer.getvalue())
        os.replace(part, path)
    except (OSError, EOFError, KeyError, ValueError, struct.error, zlib.error) as error:
        sys.exit(f"{folder}: {error}")


if __name__ == "__main__":
    main()
