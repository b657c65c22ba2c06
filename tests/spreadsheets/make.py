"""Writes the uploads in tests/spreadsheets again: one table as each program exports it.

    python3 tests/spreadsheets/make.py [NAME...]

Without names, the program writes all uploads. It needs Debian's libreoffice-calc, gnumeric, mariadb-server-core,
mariadb-client-core, postgresql, r-base-core, sqlite3, jq and mawk, and a Python with pandas, openpyxl, xlsxwriter,
xlwt and msoffcrypto-tool. The tests read the committed files and need none of these. documented.py contains the uploads
of programs that run only on other systems.
"""

import csv
import io
import json
import os
import pwd
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import documented
from table import HEADER, ROWS, TABLE

HERE = Path(__file__).parent


def run(*command: object, stdin: str | None = None, cwd: Path | None = None) -> bytes:
    """Returns the standard output of a command."""
    words = [str(word) for word in command]
    return subprocess.run(words, input=stdin and stdin.encode(), stdout=subprocess.PIPE, cwd=cwd, check=True).stdout


def csv_text(**options: object) -> str:
    """Returns the table as Python's csv module writes it."""
    text = io.StringIO(newline="")
    csv.writer(text, **options).writerows(TABLE)
    return text.getvalue()


# LibreOffice and Gnumeric import a plain CSV, with all cells as text so that they stay unchanged, and export it.

IMPORT_AS_TEXT = "CSV:44,34,76,1,1/2/2/2/3/2"


def libreoffice(target: str, options: str = "") -> bytes:
    """Returns the table as LibreOffice saves it. `options` are the options of its CSV filter."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "rules.csv").write_text(csv_text(), encoding="utf-8", newline="")
        run(
            "soffice", "--headless", f"-env:UserInstallation=file://{folder}/profile", f"--infilter={IMPORT_AS_TEXT}",
            "--convert-to", f"{target}:{options}" if options else target, "--outdir", f"{folder}/out", f"{folder}/rules.csv",
        )
        return next(Path(folder, "out").iterdir()).read_bytes()


def gnumeric(extension: str, *options: str) -> bytes:
    """Returns the table as Gnumeric saves it."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "rules.csv", Path(folder) / f"out.{extension}"
        source.write_text(csv_text(), encoding="utf-8", newline="")
        run("ssconvert", *options, source, target)
        return target.read_bytes()


# Python and R.


def pandas_csv(**options: object) -> bytes:
    """Returns the table as pandas writes it from a data frame, in which empty comments are missing values."""
    import pandas

    frame = pandas.DataFrame([[cell or None for cell in row] for row in ROWS], columns=HEADER)
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        frame.to_csv(file.name, **options)
        return Path(file.name).read_bytes()


def pandas_excel(engine: str) -> bytes:
    """Returns the table as an Excel workbook."""
    import pandas

    stream = io.BytesIO()
    pandas.DataFrame(ROWS, columns=HEADER).to_excel(stream, index=False, engine=engine)
    return stream.getvalue()


def encrypted_excel() -> bytes:
    """Returns an Excel workbook that is protected with a password. Each call returns different bytes."""
    from msoffcrypto.format.ooxml import OOXMLFile

    stream = io.BytesIO()
    OOXMLFile(io.BytesIO(pandas_excel("openpyxl"))).encrypt("secret", stream)
    return stream.getvalue()


def old_excel() -> bytes:
    """Returns the table as a workbook of Excel 97 to 2003."""
    import xlwt

    book = xlwt.Workbook()
    sheet = book.add_sheet("Rules")
    for line, row in enumerate(TABLE):
        for column, cell in enumerate(row):
            sheet.write(line, column, cell)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def r_language(expression: str) -> bytes:
    """Returns the table as R writes it from the data frame `rules` to the file `out`."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "rules.csv").write_text(csv_text(), encoding="utf-8", newline="")
        script = f'rules <- read.csv("rules.csv", check.names=FALSE, encoding="UTF-8"); {expression}'
        run("Rscript", "-e", script, cwd=Path(folder))
        return (Path(folder) / "out").read_bytes()


# Databases.


def sqlite(*commands: str) -> bytes:
    """Returns the table as the sqlite3 shell prints it."""
    with tempfile.NamedTemporaryFile(suffix=".db") as file:
        database = sqlite3.connect(file.name)
        database.execute('create table rules ("IP Address", "Rule", "Comment")')
        database.executemany("insert into rules values (?, ?, ?)", [[cell or None for cell in row] for row in ROWS])
        database.commit()
        database.close()
        return run("sqlite3", *(word for command in commands for word in ("-cmd", command)), file.name, "select * from rules")


def insertion() -> str:
    """Returns the SQL statement that inserts the rows. An empty comment is NULL."""
    def literal(cell: str) -> str:
        return "'" + cell.replace("'", "''") + "'" if cell else "NULL"

    return "insert into rules values " + ", ".join(f"({', '.join(map(literal, row))})" for row in ROWS) + ";"


class MariaDb:
    """A temporary server. Its folder is removed when it stops."""

    def __enter__(self) -> "MariaDb":
        self.folder = Path(tempfile.mkdtemp())
        shutil.chown(self.folder, "nobody")
        data, self.socket = self.folder / "data", self.folder / "socket"
        run("mariadb-install-db", "--no-defaults", f"--datadir={data}", "--user=nobody", "--auth-root-authentication-method=normal")
        self.server = subprocess.Popen(
            ["mariadbd", "--no-defaults", f"--datadir={data}", f"--socket={self.socket}", "--skip-networking", "--user=nobody"],
            stderr=subprocess.DEVNULL,
        )
        while not self.socket.exists():
            time.sleep(0.2)
        self.client("create database rules character set utf8mb4")
        self.client("create table rules (`IP Address` text, `Rule` text, `Comment` text);" + insertion(), "rules")
        return self

    def __exit__(self, *_: object) -> None:
        self.server.terminate()
        self.server.wait()
        shutil.rmtree(self.folder)

    def client(self, statements: str, *options: str) -> bytes:
        """Returns the output of the client."""
        command = ["mariadb", "--no-defaults", "--user=root", f"--socket={self.socket}", "--default-character-set=utf8mb4"]
        return run(*command, *options, stdin=statements)

    def outfile(self, select: str, how: str = "") -> bytes:
        """Returns the file that the server writes for SELECT … INTO OUTFILE."""
        path = self.folder / "out"
        path.unlink(missing_ok=True)
        self.client(f"{select} into outfile '{path}' character set utf8mb4 {how}", "rules")
        return path.read_bytes()


def mariadb(use: Callable[[MariaDb], bytes]) -> bytes:
    """Calls a function with a temporary server, and returns its result."""
    with MariaDb() as server:
        return use(server)


POSTGRES = Path("/usr/lib/postgresql/15/bin")


def postgres(statement: str, *options: str) -> bytes:
    """Returns the output of psql for a statement, from a temporary server."""
    folder = Path(tempfile.mkdtemp())
    shutil.chown(folder, "postgres")
    as_owner = {"user": pwd.getpwnam("postgres").pw_uid} if os.getuid() == 0 else {}
    server = [POSTGRES / "pg_ctl", "-D", folder / "data", "-w", "-o", f"-k {folder} -h '' -p 54329"]
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "cwd": folder, **as_owner}
    subprocess.run([POSTGRES / "initdb", "-D", folder / "data", "-E", "UTF8", "--locale=C.UTF-8"], **quiet)
    subprocess.run([*server, "start"], **quiet)
    try:
        psql = ["psql", "-q", "-h", folder, "-p", "54329", "-U", "postgres"]
        run(*psql, stdin='create table rules ("IP Address" text, "Rule" text, "Comment" text);' + insertion())
        return run(*psql, *options, "-c", statement)
    finally:
        subprocess.run([*server, "stop"], **quiet)
        shutil.rmtree(folder)


def jq(program: str) -> bytes:
    """Returns the table as jq prints it from an array of objects."""
    objects = [dict(zip(HEADER, row)) for row in ROWS]
    return run("jq", "-r", program, stdin=json.dumps(objects))


JSON = json.dumps([dict(zip(HEADER, row)) for row in ROWS], indent=2, ensure_ascii=False).encode() + b"\n"
AWK = r'BEGIN { OFS = ";"; print "ip", "action" } { print $1, ($2 == "ACCEPT" ? "Allow" : "Deny") }'
FIREWALL = "192.0.2.1 ACCEPT\n198.51.100.0/24 ACCEPT\n198.51.100.77 DROP\n"
JQ_ROWS = '["IP Address", "Rule", "Comment"], (.[] | [.["IP Address", "Rule", "Comment"]])'

UPLOADS: dict[str, Callable[[], bytes]] = {
    "libreoffice-csv": lambda: libreoffice("csv", "Text - txt - csv (StarCalc):44,34,76,1,,0,false,true"),
    "libreoffice-csv-all-quoted": lambda: libreoffice("csv", "Text - txt - csv (StarCalc):44,34,76,1,,0,true,true"),
    "libreoffice-csv-french-windows": lambda: libreoffice("csv", "Text - txt - csv (StarCalc):59,34,1,1,,0,false,true"),
    "libreoffice-csv-utf-16": lambda: libreoffice("csv", "Text - txt - csv (StarCalc):9,34,65535,1,,0,false,true"),
    "libreoffice-ods.ods": lambda: libreoffice("ods"),
    "libreoffice-fods.fods": lambda: libreoffice("fods"),
    "libreoffice-xlsx.xlsx": lambda: libreoffice("xlsx"),
    "libreoffice-xls.xls": lambda: libreoffice("xls"),
    "libreoffice-html-named-csv": lambda: libreoffice("html"),
    "libreoffice-pdf.pdf": lambda: libreoffice("pdf"),
    "gnumeric-csv": lambda: gnumeric("csv"),
    "gnumeric-txt-semicolons": lambda: gnumeric("txt", "-O", "separator=; quoting-mode=always eol=windows"),
    "pandas-csv": lambda: pandas_csv(),
    "pandas-csv-without-index": lambda: pandas_csv(index=False, na_rep="NaN"),
    "pandas-csv-utf-16": lambda: pandas_csv(index=False, encoding="utf-16"),
    "pandas-csv-utf-8-sig": lambda: pandas_csv(index=False, encoding="utf-8-sig", sep=";"),
    "pandas-csv-gzip.csv.gz": lambda: pandas_csv(index=False, compression={"method": "gzip", "mtime": 1}),
    "pandas-openpyxl.xlsx": lambda: pandas_excel("openpyxl"),
    "pandas-xlsxwriter.xlsx": lambda: pandas_excel("xlsxwriter"),
    "msoffcrypto-xlsx.xlsx": encrypted_excel,
    "python-xlwt.xls": old_excel,
    "python-csv": lambda: csv_text().encode(),
    "python-csv-all-quoted": lambda: csv_text(quoting=csv.QUOTE_ALL).encode(),
    "python-csv-excel-tab": lambda: csv_text(dialect="excel-tab").encode("cp1252"),
    "python-csv-unix": lambda: csv_text(dialect="unix").encode(),
    "r-write-csv": lambda: r_language('write.csv(rules, "out")'),
    "r-write-csv2": lambda: r_language('write.csv2(rules, "out", row.names=FALSE, fileEncoding="windows-1252")'),
    "r-write-table": lambda: r_language('write.table(rules, "out")'),
    "sqlite-csv": lambda: sqlite(".mode csv", ".headers on"),
    "sqlite-list": lambda: sqlite(".mode list", ".headers on"),
    "sqlite-tabs": lambda: sqlite(".mode tabs", ".headers on", ".nullvalue NULL"),
    "mariadb-batch": lambda: mariadb(lambda server: server.client("select * from rules", "--batch", "rules")),
    "mariadb-outfile": lambda: mariadb(lambda server: server.outfile("select * from rules")),
    "mariadb-outfile-with-header": lambda: mariadb(lambda server: server.outfile(
        "select 'IP Address', 'Rule', 'Comment' union all select * from rules",
        "fields terminated by ',' optionally enclosed by '\"' lines terminated by '\\r\\n'",
    )),
    "postgresql-copy-csv": lambda: postgres("copy rules to stdout with (format csv, header)"),
    "postgresql-copy-text": lambda: postgres("copy rules to stdout with (header)"),
    "postgresql-copy-text-without-header": lambda: postgres("copy rules to stdout"),
    "postgresql-psql-csv": lambda: postgres("select * from rules", "--csv"),
    "postgresql-psql-aligned": lambda: postgres("select * from rules"),
    "postgresql-psql-unaligned": lambda: postgres("select * from rules", "-A"),
    "jq-csv": lambda: jq(JQ_ROWS + " | @csv"),
    "jq-tsv": lambda: jq(JQ_ROWS + " | @tsv"),
    "json-named-csv": lambda: JSON,
    "awk": lambda: run("mawk", AWK, stdin=FIREWALL),
    **documented.UPLOADS,
}


def main(names: list[str]) -> None:
    """Writes the named uploads, or all. In a key of UPLOADS, the part after the dot is the file's extension."""
    for key, make in UPLOADS.items():
        name, _, extension = key.partition(".")
        if names and name not in names:
            continue
        folder = HERE / name
        folder.mkdir(exist_ok=True)
        (folder / f"rules.{extension or 'csv'}").write_bytes(make())
        print(f"{name}: written")


if __name__ == "__main__":
    main(sys.argv[1:])
