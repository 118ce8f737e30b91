"""Execute the book's pages side by side, into the cache from which Sphinx takes them.

    python book/execute.py [PAGES AT A TIME]

A page is executed when its code has changed, or a file that it read when it was last
executed: a module, a notebook, a style.
"""

import base64
import hashlib
import os
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from pathlib import Path

from files_read import counting, state
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.executors.utils import single_nb_execution
from myst_nb.core.read import is_myst_markdown_notebook, read_myst_markdown_notebook
from nbformat.v4 import new_code_cell
from sphinx_external_toc.parsing import parse_toc_yaml

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 600  # for one cell
IN_KERNEL = Path(__file__).with_name("in_kernel.py")
START = f"__import__('runpy').run_path({str(IN_KERNEL)!r});"
FILES_READ = "print(*sorted(get_ipython().files_read), sep='\\n')"


def main(root: Path, at_a_time: int) -> int:
    """Bring the cache up to date; the number of pages that failed."""
    cache = get_cache(str(root / "_build/.jupyter_cache"))
    # The pages share the cores; and with one thread each, their numbers are the same
    # on any number of cores.
    os.environ["OMP_NUM_THREADS"] = "1"
    failed = 0
    with ThreadPoolExecutor(at_a_time) as pool:  # each thread waits for a kernel
        running = {
            pool.submit(execute, root / page): page for page in outdated(root, cache)
        }
        try:
            for done in as_completed(running):
                page, (result, read) = running[done], done.result()
                if result.err:
                    failed += 1
                    print(f"{page}: ERROR: {result.exc_string}", flush=True)
                else:
                    keep(root, cache, page, result, read)
                    print(f"  {page} {result.time:.0f} s", flush=True)
        finally:
            pool.shutdown(cancel_futures=True)  # when interrupted, start no other page
    return failed


def outdated(root: Path, cache) -> list[str]:
    """The pages to execute, the longest first. Sphinx is made to read them again."""
    records = cache.list_cache_records()
    seconds = {record.uri: record.data["execution_seconds"] for record in records}
    pages = {}
    for name in parse_toc_yaml(root / "_toc.yml"):
        path = root / f"{name}.md"
        text = path.read_text("utf-8") if path.exists() else ""
        if not is_myst_markdown_notebook(text):
            continue
        if record := executed(cache, path, records):
            read = record.data.get("read")
            if read and state(root, read) == read:
                continue
            cache.remove_cache(record.pk)
        (root / f"_build/.doctrees/{name}.doctree").unlink(missing_ok=True)
        # The first time, a long text stands for a long time.
        pages[f"{name}.md"] = seconds.get(str(path), len(text) / 1000)
    return sorted(pages, key=pages.__getitem__, reverse=True)


def executed(cache, path, records):
    """The page's record in the cache, if its code is the same as when it was executed.

    The cache knows a page by its code and by what is said of each cell, as a figure's
    caption. When only the latter has changed, the outputs move on to the new page.
    """
    nb = notebook(path)
    with suppress(KeyError):
        return cache.match_cache_notebook(nb)
    cells = [cell for cell in nb.cells if cell.cell_type == "code"]
    for record in records:
        with suppress(KeyError):  # the record has been replaced since
            old = cache.get_cache_bundle(record.pk).nb
            if list(map(code, old.cells)) == list(map(code, cells)):
                for cell, before in zip(cells, old.cells, strict=True):
                    cell.outputs = before.outputs
                    cell.execution_count = before.execution_count
                nb.metadata = old.metadata
                cache.remove_cache(record.pk)
                return kept(cache, path, nb, record.data)


def code(cell):
    return cell.source, cell.metadata.get("tags")


def notebook(path):
    return read_myst_markdown_notebook(path.read_text("utf-8"), path=str(path))


def execute(path):
    """The page, executed in its own folder, and the files of the course it read."""
    nb = notebook(path)
    nb.cells.append(new_code_cell(FILES_READ))
    result = single_nb_execution(
        nb,
        cwd=str(path.parent),
        timeout=SECONDS,
        allow_errors=False,
        extra_arguments=[f"--IPKernelApp.exec_lines={START}"],
    )
    outputs = nb.cells.pop().get("outputs")
    return result, outputs[0].text.split("\n") if outputs else []


def keep(root, cache, page, result, read):
    """Put an executed page into the cache, and the dark versions of its figures."""
    dark = cache.path / "dark"
    dark.mkdir(exist_ok=True)
    for cell in result.nb.cells:
        for output in cell.get("outputs", ()):
            if drawn := output.get("metadata", {}).pop("dark", None):
                light = base64.b64decode(output.data["image/png"])
                name = hashlib.sha256(light).hexdigest()  # its name in the book
                (dark / f"{name}.png").write_bytes(base64.b64decode(drawn))
    sources = [cell.source for cell in result.nb.cells if cell.cell_type == "code"]
    files = state(root, counting(root, sources, read))
    data = {"execution_seconds": result.time, "read": files}
    kept(cache, root / page, result.nb, data)


def kept(cache, path, nb, data):
    bundle = CacheBundleIn(nb, str(path), data=data)
    return cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)


if __name__ == "__main__":
    cores = os.cpu_count() or 1
    sys.exit(min(main(ROOT, int(sys.argv[1]) if sys.argv[1:] else cores), 1))
