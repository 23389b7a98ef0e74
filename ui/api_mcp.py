"""What the page's MCP tools answer: JSON, which programs read, where gradio writes Python."""

import json
from typing import Any

import gradio as gr


def answer_in_json(page: gr.Blocks) -> None:
    """Let the launched page's MCP tools give their results as JSON text.

    Gradio gives `str(result)`, which for a dictionary is Python's notation and no JSON.
    """
    server = page.mcp_server_obj
    if server is None:  # gradio without its MCP extra has said so
        return
    from mcp.types import TextContent  # noqa: PLC0415  (there only with the extra)

    def as_json(data: list[Any], root_url: str) -> list[TextContent]:
        return [TextContent(type="text", text=json.dumps(one, ensure_ascii=False)) for one in data]

    server.postprocess_output_data = as_json  # type: ignore[method-assign, assignment]
