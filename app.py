"""The web page: assembles `ui`, launches. Run by `sft-vs-rag serve`, or as it stands on a Space."""

import logging
import os
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING, Any

from core.errors import ProjectError
from core.records import ARM_NAMES
from core.settings import Settings, load_settings
from workbench import Workbench

if TYPE_CHECKING:
    import gradio as gr

#: Seconds after which the models are loaded, whether or not the page was looked at.
_PATIENCE = 10.0
#: Events that may wait on a public page; more are refused with a sentence.
_WAITING = 32


def launch(settings: Settings) -> None:
    """Open the page and serve it until the process is stopped.

    With an owner's name and password the whole page asks for them; on a public demo strangers
    have theirs at / and the owner's is at /owner/.

    :raises ProjectError: when the port is taken, no corpus can be read, or half a sign-in is set.
    """
    # Before gradio is imported, which reads it there: a page about a company's knowledge calls
    # nobody.
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    from ui.api_mcp import answer_in_json  # noqa: PLC0415
    from ui.gpu import zero_gpu  # noqa: PLC0415
    from ui.page import STYLE, build_page  # noqa: PLC0415
    from ui.public_owner import owner_login  # noqa: PLC0415
    from ui.theme import theme  # noqa: PLC0415
    from ui.upload_gate import upload_limits  # noqa: PLC0415

    public, login = settings.public_demo, owner_login(settings)
    looks: dict[str, Any] = {
        "theme": theme(),
        "css": STYLE,
        "footer_links": [],
        "show_error": False,
        "ssr_mode": False,
    }
    workbench = Workbench(settings)
    seen = threading.Event()
    page = build_page(workbench, looked=seen.set)
    if public:
        page.queue(max_size=_WAITING)
    page_limits = upload_limits(settings) if public else {}
    if zero_gpu():  # a GPU is lent to a call, which is a fork: what is imported now is there then
        import core.language_model  # noqa: F401, PLC0415
    else:
        threading.Thread(target=warm_once_seen, args=[workbench, seen], daemon=True).start()
    try:
        if public and login is not None:
            owners = build_page(workbench, owner=True, looked=seen.set)
            _serve_both((page, {**looks, **page_limits}), (owners, looks), login, settings)
        else:
            page.launch(
                server_name=settings.host,
                server_port=settings.port,
                auth=login,
                mcp_server=True,
                prevent_thread_lock=True,
                **looks,
                **page_limits,
            )
    except OSError as error:
        raise ProjectError(
            f"The page cannot listen on {settings.host}:{settings.port} ({error}); "
            "choose another with --port."
        ) from error
    if not (public and login is not None):
        answer_in_json(page)
        page.block_thread()


def _serve_both(
    strangers: tuple["gr.Blocks", dict[str, Any]],
    owners: tuple["gr.Blocks", dict[str, Any]],
    login: Callable[[str, str], bool],
    settings: Settings,
) -> None:
    """Serve a page for strangers, and beside it the owner's behind the sign-in."""
    import gradio as gr  # noqa: PLC0415  (slow to import)
    import uvicorn  # noqa: PLC0415
    from fastapi import FastAPI  # noqa: PLC0415

    from ui.api_mcp import answer_in_json  # noqa: PLC0415

    site = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    # The longer path first: the page at / would take it.
    gr.mount_gradio_app(site, owners[0], "/owner", auth=login, **owners[1])
    gr.mount_gradio_app(site, strangers[0], "/", mcp_server=True, **strangers[1])
    answer_in_json(strangers[0])
    listening = socket.create_server((settings.host, settings.port))
    print(f"* Running on http://{settings.host}:{settings.port}, the owner's page at /owner/")
    uvicorn.Server(uvicorn.Config(site, log_level="warning")).run(sockets=[listening])


def warm_once_seen(workbench: Workbench, seen: threading.Event) -> None:
    """Load the models when the page has been looked at: loading them would hold up its first tab.

    A page that nobody opens loads them too, after a while.
    """
    seen.wait(_PATIENCE)
    _warm(workbench)


def _warm(workbench: Workbench) -> None:
    """Load what the first question needs while the visitor is still reading the page."""
    try:
        arms = workbench.arms("halden")
        ready = [arm for arm in ARM_NAMES if arm not in arms.unavailable()]
        # One token an arm warms all there is to warm: a whole answer would take turns by the token
        # with the first visitor's.
        with closing(arms.stream("Which products does Halden sell?", ready)) as deltas:
            for _ in islice(deltas, len(ready)):
                pass
    except ProjectError as error:
        # The visitor's own question will say it again, on the page.
        logging.getLogger(__name__).warning("%s", error)


if __name__ == "__main__":
    try:
        launch(load_settings())
    except ProjectError as error:
        sys.exit(f"{error}")
