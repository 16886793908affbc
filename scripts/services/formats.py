"""Tells what a file holds, as a library of others reads it: POST /parquet, POST /excel."""

import http.server
import io
import json
import sys

import openpyxl
import pyarrow.parquet as parquet


def plain(value):
    """A value as JSON; what JSON has no type for becomes text that names it."""
    if isinstance(value, bytes):
        return "bytes " + value.hex()
    return f"{type(value).__name__} {value.isoformat() if hasattr(value, 'isoformat') else value}"


def read_parquet(content):
    file = parquet.ParquetFile(io.BytesIO(content))
    meta = file.metadata
    group = meta.row_group(0).column(0) if meta.num_row_groups else None
    return {
        "schema": [f"{f.name}: {f.type}{'' if f.nullable else ' not null'}" for f in file.schema_arrow.remove_metadata()],
        "rows": file.read().to_pylist(),
        "groups": meta.num_row_groups,
        "codec": group and group.compression,
        "encodings": group and group.encodings,
    }


def read_excel(content):
    book = openpyxl.load_workbook(io.BytesIO(content))
    return {
        sheet.title: [[{"value": c.value, "format": c.number_format, "type": c.data_type} for c in row] for row in sheet.iter_rows()]
        for sheet in book.worksheets
    }


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        content = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            status, answer = 200, {"/parquet": read_parquet, "/excel": read_excel}[self.path](content)
        except Exception as e:  # whatever is wrong with a file is the answer
            status, answer = 400, {"error": f"{type(e).__name__}: {e}"}
        body = json.dumps(answer, default=plain, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
