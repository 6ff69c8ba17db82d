"""One round trip with the Python client generated from the document: create, read, change, list, and a problem."""

import os

from linli_client import AuthenticatedClient
from linli_client.api.organization import create_grid, get_grid, list_grids, update_grid
from linli_client.models import Grid, GridKind, GridPage, GridPatch, ListGridsSort, NewGrid, Problem

linli = AuthenticatedClient(base_url=os.environ["LINLI"], token=os.environ["KEY"], raise_on_unexpected_status=True)


def main() -> None:
    new = NewGrid(code="421181001002801", name="桥头第八网格", kind=GridKind.RURAL)
    made = create_grid.sync(client=linli, body=new)
    assert isinstance(made, Grid) and (made.version, made.kind) == (1, GridKind.RURAL), made

    read = get_grid.sync_detailed(made.id, client=linli)
    assert read.parsed == made and read.headers["etag"] == '"1"', read

    changed = update_grid.sync(made.id, client=linli, body=GridPatch(name="桥头第九网格", version=made.version))
    assert isinstance(changed, Grid) and (changed.version, changed.name) == (2, "桥头第九网格"), changed

    page = list_grids.sync(client=linli, area_code="421181001002", sort=ListGridsSort("-code"), limit=1, include_total=True)
    assert isinstance(page, GridPage) and page.items == [changed] and page.has_more and page.next_, page

    stale = update_grid.sync(made.id, client=linli, body=GridPatch(name="迟到", version=1), accept_language="en")
    assert isinstance(stale, Problem) and (stale.status, stale.code) == (412, "version.stale"), stale
    taken = create_grid.sync(client=linli, body=new)
    assert isinstance(taken, Problem) and taken.errors[0].pointer == "/code", taken

    print("Python: made a grid, read it, changed it, listed it, was refused a stale change and a code that is taken")


if __name__ == "__main__":
    main()
