"""The web page: assembles `ui`, launches. Run by `sft-vs-rag serve`, or as it stands on a Space."""

import logging
import os
import threading

from core.errors import ProjectError
from core.records import ARM_NAMES
from core.settings import Settings, load_settings
from workbench import Workbench


def launch(settings: Settings) -> None:
    """Open the page and serve it until the process is stopped.

    :raises ProjectError: when the port is taken or no corpus can be read.
    """
    # Before gradio is imported, which reads it there: a page about a company's knowledge calls
    # nobody.
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    from ui.api_mcp import answer_in_json  # noqa: PLC0415
    from ui.how_style import HOW_CSS  # noqa: PLC0415
    from ui.page import build_page  # noqa: PLC0415
    from ui.theme import CSS, theme  # noqa: PLC0415

    workbench = Workbench(settings)
    page = build_page(workbench)
    threading.Thread(target=_warm, args=[workbench], daemon=True).start()
    try:
        page.queue(max_size=32 if settings.public_demo else None).launch(
            server_name=settings.host,
            server_port=settings.port,
            theme=theme(),
            css=CSS + HOW_CSS,
            footer_links=[],
            show_error=False,
            ssr_mode=False,
            mcp_server=True,
            prevent_thread_lock=True,
        )
    except OSError as error:
        raise ProjectError(
            f"The page cannot listen on {settings.host}:{settings.port} ({error}); "
            "choose another with --port."
        ) from error
    answer_in_json(page)
    page.block_thread()


def _warm(workbench: Workbench) -> None:
    """Load what the first question needs while the visitor is still reading the page."""
    try:
        arms = workbench.arms("halden")
        ready = [arm for arm in ARM_NAMES if arm not in arms.unavailable()]
        for _ in arms.stream("Which products does Halden sell?", ready):
            pass
    except ProjectError as error:
        # The visitor's own question will say it again, on the page.
        logging.getLogger(__name__).warning("%s", error)


if __name__ == "__main__":
    launch(load_settings())
