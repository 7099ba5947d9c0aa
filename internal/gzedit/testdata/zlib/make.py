"""Makes the fixtures beside it: what zlib writes in ways that Go's compressors do not have."""

import pathlib
import zlib

here = pathlib.Path(__file__).parent
record = '{"id":%d,"title":"The printer is out of paper, again: %d","status":%d,"userDefinedFields":[{"name":"Site","value":null}]}'
items = ",".join(record % (i * 7919 % 100003, i, i % 9) for i in range(60))
page = (
    '{"items":[' + items + '],"pageDetails":{"count":60,"requestCount":500,"prevPageUrl":null,'
    '"nextPageUrl":"https://webservices5.autotask.net/ATServicesRest/V1.0/Tickets/query/next?paging=%7B%7D"}}'
).encode()


def write(name, level=6, memory=8, strategy=zlib.Z_DEFAULT_STRATEGY, bits=15, step=None, flush=zlib.Z_NO_FLUSH, text=page):
    z = zlib.compressobj(level, zlib.DEFLATED, 16 + bits, memory, strategy)
    step = step or len(text) or 1
    out = b""
    for i in range(0, len(text), step):
        out += z.compress(text[i : i + step])
        if flush != zlib.Z_NO_FLUSH:
            out += z.flush(flush)
    (here / name).write_bytes(out + z.flush())


write("default.gz")
write("fastest.gz", level=1)
write("stored.gz", level=0)
write("fixed.gz", strategy=zlib.Z_FIXED)
write("huffman.gz", strategy=zlib.Z_HUFFMAN_ONLY)
write("runs.gz", strategy=zlib.Z_RLE)
write("small-blocks.gz", memory=1)
write("small-window.gz", bits=9, memory=2)
write("sync-flush.gz", step=100, flush=zlib.Z_SYNC_FLUSH)
write("full-flush.gz", step=500, flush=zlib.Z_FULL_FLUSH)
write("partial-flush.gz", step=300, flush=zlib.Z_PARTIAL_FLUSH)
write("block-flush.gz", step=300, flush=zlib.Z_BLOCK)
write("fixed-sync-flush.gz", step=50, strategy=zlib.Z_FIXED, flush=zlib.Z_SYNC_FLUSH)
write("long-runs.gz", text=b'{"pageDetails":{"count":0,"x":"' + b"\0" * 70000 + b'"}}')
write("empty.gz", text=b"")
