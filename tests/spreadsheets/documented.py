"""Uploads of programs that cannot run here, byte for byte as their vendors document them, and uploads as people type
them.

Excel: support.microsoft.com, "File formats that are supported in Excel" (CSV uses the system's code page and list
separator; CSV UTF-8 has a byte order mark; Unicode Text is UTF-16 with tabs; CSV (Macintosh) is in Mac Roman with CR;
CSV (MS-DOS) is in the OEM code page), and strata.uga.edu/8370/rtips/textFiles.html, which shows the bytes.
PowerShell: learn.microsoft.com, Export-Csv of 5.1 (first line #TYPE, ASCII by default, every value quoted) and of 7
(UTF-8 without a byte order mark), about_Character_Encoding (the Unicode encodings of 5.1 have a byte order mark).
Google Sheets: File > Download writes UTF-8, CRLF, and no line end after the last row.
"""

import bz2
import gzip
import io
import lzma
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from table import HEADER, ROWS, TABLE

Table = list[list[str]]


def excel(table: Table, delimiter: str, line_end: str = "\r\n") -> str:
    """Returns the table with quotes around only the cells that need them, and a line end after every row."""
    def cell(text: str) -> str:
        needs_quotes = any(sign in text for sign in (delimiter, '"', "\n"))
        return '"' + text.replace('"', '""') + '"' if needs_quotes else text

    return "".join(delimiter.join(map(cell, row)) + line_end for row in table)


def power_shell(delimiter: str = ",", first: str = "") -> str:
    """Returns the table with every value quoted. A missing value is empty, without quotes."""
    def cell(text: str) -> str:
        return '"' + text.replace('"', '""') + '"' if text else ""

    return first + "".join(delimiter.join(map(cell, row)) + "\r\n" for row in TABLE)


def lines(*texts: str) -> bytes:
    """Returns a file as a person types it."""
    return "".join(text + "\n" for text in texts).encode()


def wide(table: Table, columns: int) -> Table:
    """Returns a sheet in which a cell far to the right and far down was used once, so that empty cells are exported."""
    empty = [""] * columns
    return [(row + empty)[:columns] for row in table] + [empty, empty]


def zipped(**files: bytes) -> bytes:
    """Returns a ZIP file whose entries have a fixed time."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name.replace("__", "/").replace("_dot_", ".")), content)
    return stream.getvalue()


def sqlite_file() -> bytes:
    """Returns the table as an SQLite database."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rules.db"
        database = sqlite3.connect(path)
        database.execute('create table rules ("IP Address", "Rule", "Comment")')
        database.executemany("insert into rules values (?, ?, ?)", ROWS)
        database.commit()
        database.close()
        return path.read_bytes()


TYPE = "#TYPE System.Management.Automation.PSCustomObject\r\n"
ENGLISH, FRENCH = excel(TABLE, ","), excel(TABLE, ";")
OEM = FRENCH.replace("–", "-")
KEPT_AS_TEXT = [HEADER] + [[f'="{row[0]}"', *row[1:]] for row in ROWS]
DAMAGED = [
    ["IP Address", "Rule", "Comment"],
    ["192.0.2.1", "Allow", "unharmed"],
    ["1,92168E+11", "Deny", "192.168.100.200 as a number, where a dot separates thousands"],
    ["192168100200", "Deny", "the same with all its digits"],
    ["08-oct", "Deny", "10/8 as a date"],
    ["01/02/2003", "Deny", "1.2.3 as a date, where dates have dots"],
    ["########", "Deny", "a date in a narrow column"],
    ["#N/A", "Deny", "a lookup that found nothing"],
    ["#NOM?", "Allow", "a function that another language has"],
    ["=A2", "Allow", "a formula, written with Show Formulas"],
    ["10,5", "Allow", "10.5 as a number"],
]
TICKETS = [
    ["Ticket", "IP Address", "Rule"],
    ["#N/A", "192.0.2.1", "Allow"],
    ["#REF!", "192.0.2.9", "Deny"],
    ["# a comment", "", ""],
    ["#######", "", ""],
]
XML_2003 = b"""<?xml version="1.0"?>
<?mso-application progid="Excel.Sheet"?>
<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>
"""

UPLOADS: dict[str, Callable[[], bytes]] = {
    "excel-english-csv": lambda: ENGLISH.encode("cp1252"),
    "excel-french-csv": lambda: FRENCH.encode("cp1252"),
    "excel-csv-utf-8": lambda: ENGLISH.encode("utf-8-sig"),
    "excel-french-csv-utf-8": lambda: FRENCH.encode("utf-8-sig"),
    "excel-unicode-text": lambda: b"\xff\xfe" + excel(TABLE, "\t").encode("utf-16-le"),
    "excel-csv-macintosh": lambda: excel(TABLE, ",", "\r").encode("mac_roman"),
    "excel-french-csv-ms-dos": lambda: OEM.encode("cp850"),
    "excel-sep-line": lambda: ("sep=;\r\n" + FRENCH).encode("cp1252"),
    "excel-sep-line-saved-again": lambda: ('"sep=;",,\r\n' + FRENCH).encode("utf-8-sig"),
    "excel-sep-line-of-another": lambda: ("sep=,\r\n" + FRENCH).encode("utf-8-sig"),
    "excel-trailing-empty-cells": lambda: excel(wide(TABLE, 6), ";").encode("cp1252"),
    "excel-kept-as-text": lambda: excel(KEPT_AS_TEXT, ",").encode("utf-8-sig"),
    "excel-damaged": lambda: excel(DAMAGED, ";").encode("utf-8-sig"),
    "excel-failed-lookups": lambda: excel(TICKETS, ";").encode("utf-8-sig"),
    "excel-title-rows": lambda: excel([["Accès au site", "", ""], ["", "", ""], *TABLE], ";").encode("cp1252"),
    "excel-lines-in-one-cell": lambda: excel([[",".join(row)] for row in TABLE], ",").encode("utf-8-sig"),
    "excel-xml-2003.xml": lambda: XML_2003,
    "google-sheets-csv": lambda: ENGLISH.removesuffix("\r\n").encode(),
    "google-sheets-tsv": lambda: "\r\n".join("\t".join(row) for row in TABLE).encode(),
    "powershell-5": lambda: power_shell(first=TYPE).encode("ascii", "replace"),
    "powershell-5-unicode": lambda: b"\xff\xfe" + power_shell(first=TYPE).encode("utf-16-le"),
    "powershell-5-use-culture-utf8": lambda: power_shell(";").encode("utf-8-sig"),
    "powershell-7": lambda: power_shell().encode(),
    "numbers.numbers": lambda: zipped(Index__Document_dot_iwa=b"\0\0", Metadata__Properties_dot_plist=b"\0"),
    "word.docx": lambda: zipped(word__document_dot_xml=b"<w:document/>"),
    "zip-of-a-csv.zip": lambda: zipped(rules_dot_csv=ENGLISH.encode()),
    "rtf-named-csv": lambda: b"{\\rtf1\\ansi\\deff0 {\\fonttbl {\\f0 Courier;}}\n" + ENGLISH.encode("ascii", "replace") + b"}",
    "sqlite-database.db": sqlite_file,
    "compressed-by-bzip2.csv.bz2": lambda: bz2.compress(ENGLISH.encode()),
    "compressed-by-xz.csv.xz": lambda: lzma.compress(ENGLISH.encode()),
    "compressed-by-gzip-twice.csv.gz": lambda: gzip.compress(gzip.compress(ENGLISH.encode(), mtime=1), mtime=1),
    "htaccess-named-csv": lambda: lines("Order Allow,Deny", "Allow from 192.0.2.1", "Deny from all"),
    "sql-server-bcp-wide": lambda: excel(TABLE, "\t").encode("utf-16-le"),
    "hand-smart-dashes": lambda: lines(
        "IP Address,Rule,Comment", "203.0.113.1–203.0.113.3,Allow,en dash", "203.0.113.11 — 203.0.113.13,Allow,em dash",
        "203.0.113.21−203.0.113.23,Allow,minus", "203.0.113.31‑203.0.113.33,Allow,a hyphen that does not break",
        "2001:db8::1–2001:db8::3,Allow,", "203.0.113.41–,Allow,", "office–paris,Allow,",
    ),
    "hand-smart-dashes-windows-1252": lambda: "IP;Rule\r\n203.0.113.1–203.0.113.3;Allow\r\n".encode("cp1252"),
    "hand-invisible-characters": lambda: lines(
        "\u00a0", "\u200bIP Address\u00a0,\u00a0Rule\u00a0", "\u00a0192.0.2.1\u00a0,Allow\u00a0", "\u200b192.0.2.2\u200b,\u2060Deny\ufeff",
        "\ufeff192.0.2.3,Allow", "\u200e192.0.2.4\u200f,\u202fAllow", "192.0.2.\u00a05,Allow", "192.0.\u200b2.6,Allow",
        "192.0.2.\ufeff7,Allow", "\u202a192.0.2.8\u202c,Allow", "192.0.2.9,Al\u00adlow", "\u200b,\u00a0", "１９２．０．２．１０,Allow",
    ),
    "hand-quotes": lambda: lines(
        "“IP Address”,‘Rule’", "“192.0.2.1”,“Allow”", "'192.0.2.2',Allow", "'192.0.2.3,Allow", '"""192.0.2.4""",Allow',
        "«\u00a0192.0.2.5\u00a0»,Allow", '="192.0.2.6",="Deny"', "„192.0.2.7“,Allow", "“192.0.2.8,Allow",
    ),
    "hand-stray-spaces": lambda: lines(
        "  IP Address  ,  Rule ", "  192.0.2.1 ,\tAllow ", "192.0.2.4 - 192.0.2.7,Allow", "192.0.2. 8,Allow", "10.0.0.0 /8,Allow",
    ),
    "hand-rules-in-other-words": lambda: lines(
        "IP Address,Rule", "192.0.2.1,ALLOW", "192.0.2.2,Permit", "192.0.2.3,Alow", "192.0.2.4,Autoriser", "192.0.2.5,Block",
        "192.0.2.6,Dney", "192.0.2.7,Refuser", "192.0.2.8,yes", "192.0.2.9,oui", "192.0.2.10,1", "192.0.2.11,not allowed",
        "192.0.2.12,Allow/Deny", "192.0.2.13,NULL", "192.0.2.14,#REF!",
    ),
    "hand-more-than-an-address": lambda: lines(
        "IP Address;Rule", "192.0.2.1;Allow", "192.0.2.2 192.0.2.3;Allow", "192.0.2.4, 192.0.2.5;Allow", "192.0.2.6 (office);Allow",
        "http://192.0.2.7/;Allow", "192.0.2.8:443;Allow", "[2001:db8::1]:443;Allow", "10.0.0.0 255.0.0.0;Allow",
        "192.0.2.x;Allow", "192.0.2.1-9;Allow", "192.0.2.1 to 192.0.2.9;Allow", "192,0,2,1;Allow", "192.0.2.1\\;Allow",
    ),
    "hand-mixed-delimiters": lambda: lines("IP Address;Rule;Comment", "192.0.2.1;Allow;", "192.0.2.2,Allow,", "192.0.2.3\tDeny\t"),
    "hand-french-header": lambda: lines("Adresse IP;Règle;Commentaire", "192.0.2.1;Autoriser;"),
    "hand-no-header": lambda: lines("192.0.2.1,Allow", "192.0.2.2,Deny"),
    "hand-second-header": lambda: ENGLISH.encode("utf-8-sig") + ENGLISH.encode("utf-8-sig"),
    "hand-only-comments": lambda: lines("# nothing yet", "", "# 192.0.2.1,Allow"),
    "hand-two-address-columns": lambda: lines("Network,Address,Action", "192.0.2.0/24,192.0.2.1,Allow"),
    "hand-same-column-twice": lambda: lines("IP Address,Rule,Rule", "192.0.2.1,Allow,Deny"),
    "hand-markdown-table": lambda: lines("| IP Address | Rule |", "|------------|------|", "| 192.0.2.1 | Allow |"),
}
