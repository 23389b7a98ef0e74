"""How the page looks: a quiet theme of system fonts, and the style of panes and evidence."""

import gradio as gr

_SANS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "DejaVu Sans", "sans-serif")
_MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "DejaVu Sans Mono", "monospace")


def theme() -> gr.themes.Base:
    """Return the theme; no font is fetched from anywhere.

    Gradio's own greys and indigo are too faint for small text: each is set so that text has a
    contrast of 4.5 to 1 at least, on every ground it stands on, light and dark.
    """
    return gr.themes.Base(
        primary_hue=gr.themes.colors.indigo,
        neutral_hue=gr.themes.colors.slate,
        radius_size=gr.themes.sizes.radius_md,
        font=_SANS,
        font_mono=_MONO,
    ).set(
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        block_title_text_color="*neutral_700",
        block_label_text_color="*neutral_700",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        input_placeholder_color="*neutral_600",
        input_placeholder_color_dark="*neutral_400",
        link_text_color="*primary_700",
        link_text_color_hover="*primary_800",
        link_text_color_active="*primary_700",
        link_text_color_visited="*primary_700",
        link_text_color_dark="*primary_300",
        link_text_color_hover_dark="*primary_200",
        link_text_color_active_dark="*primary_300",
        link_text_color_visited_dark="*primary_300",
        # Tabs, sliders and ticks.
        color_accent="*primary_600",
        slider_color="*primary_600",
        slider_color_dark="*primary_400",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_border_color="*primary_600",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover_dark="*primary_700",
        button_secondary_background_fill="*neutral_100",
        button_secondary_background_fill_hover="*neutral_200",
        button_secondary_border_color="*neutral_300",
        button_secondary_border_color_hover="*neutral_400",
        button_secondary_text_color="*neutral_800",
        button_secondary_background_fill_dark="*neutral_700",
        button_secondary_background_fill_hover_dark="*neutral_600",
        button_secondary_border_color_dark="*neutral_600",
        button_border_width="1px",
        block_shadow="none",
    )


#: Colours are named once for light and once for dark; right and wrong differ by sign and words too.
CSS = """
:root { --pane: #fff; --line: #dfe3ea; --ink: #1c2430; --soft: #556070;
  --base: #5f6979; --sft: #6d3fb0; --rag: #0b6f7b; --both: #a34a07;
  --rag-mark: #bfeaef; --both-mark: #ffdcae; --read: #eef1f6;
  --right: #17693a; --right-ground: #e2f4e8; --wrong: #9b2226; --wrong-ground: #fbe7e7; }
.dark { --pane: #1a212c; --line: #323c4b; --ink: #e8ecf2; --soft: #a9b3c2;
  --base: #a7b1c0; --sft: #b99bf0; --rag: #5bc8d4; --both: #f0a35a;
  --rag-mark: #14545c; --both-mark: #6b3e12; --read: #252f3d;
  --right: #86dba6; --right-ground: #17362399; --wrong: #f3a6a8; --wrong-ground: #4a1d2099; }
.gradio-container { width: 100% !important; max-width: 1240px !important;
  margin: 0 auto !important; }
/* The masthead and the choice of the domain are one block, without gradio's frames. */
#top { align-items: center; gap: 1rem 2rem; padding: .4rem 0 .2rem; }
#top > .block { flex: 1 1 24rem; }
#top .form { border: 0; background: none; box-shadow: none; flex: 0 1 17rem !important; }
#top #domain { padding: 0; background: none; border: 0; }
/* A long title ends before the arrow. */
#top #domain input { text-overflow: ellipsis; padding-right: 2.2rem; }
/* What is told and what is set stand on one line: gradio pads only the former. */
.gradio-container .html-container { padding: 0; }
#tabs button[role="tab"] { font-size: 1rem; }
#tabs button[role="tab"][aria-selected="true"] { font-weight: 600; }
.dark #tabs button[role="tab"][aria-selected="true"] { color: #c7d2fe; }
.gradio-container button:focus-visible { outline: 3px solid var(--rag); outline-offset: 2px; }
.masthead { padding: 0; }
.masthead h1 { font-size: 1.7rem; line-height: 1.2; margin: 0; letter-spacing: -.01em;
  color: var(--ink); }
.masthead p { color: var(--soft); margin: .25rem 0 0; max-width: 50rem; }
.unseen { position: absolute; width: 1px; height: 1px; margin: 0; overflow: hidden;
  clip-path: inset(50%); white-space: nowrap; }
.message { border-left: 4px solid var(--wrong); background: var(--wrong-ground); color: var(--ink);
  padding: .6rem .9rem; margin: 0; border-radius: 4px; }
.panes { display: grid; gap: 14px; grid-template-columns: repeat(2, minmax(0, 1fr)); }
.panes-4 { grid-template-columns: repeat(4, minmax(0, 1fr)); }
.panes .pane { background: var(--pane); border: 1px solid var(--line);
  border-top: 4px solid var(--base); border-radius: 8px; padding: .8rem 1rem .7rem;
  display: flex; flex-direction: column;
  min-height: 13rem; color: var(--ink); }
.panes .sft { border-top-color: var(--sft); } .panes .rag { border-top-color: var(--rag); }
.panes .sft-rag { border-top-color: var(--both); }
.pane header { min-height: 3.2rem; }
.pane header h3, .evidence h3 { margin: 0; font-size: 1.05rem; color: var(--ink); }
.pane header p { margin: 0; color: var(--soft); font-size: .82rem; line-height: 1.3; }
.pane .answer { font-size: 1.08rem; line-height: 1.5; margin: .5rem 0 .8rem; flex: 1;
  overflow-wrap: anywhere; color: var(--ink); }
.pane .waiting, .pane .reason { color: var(--soft); flex: 1; margin: .5rem 0; }
.pane .reason::before { content: "Cannot answer. "; font-weight: 600; }
.pane .cited { text-decoration: underline; text-decoration-thickness: 2px;
  text-underline-offset: 3px; text-decoration-color: var(--rag); }
.pane.sft-rag .cited { text-decoration-color: var(--both); }
.pane .unsupported { border-bottom: 2px dotted var(--soft); }
.pane .doubt { color: var(--soft); font-size: .85rem; margin: 0 0 .5rem; }
.cursor { display: inline-block; width: .5ch; height: 1em; margin-left: 2px;
  background: var(--soft); vertical-align: text-bottom; animation: blink 1s steps(2) infinite; }
@keyframes blink { 50% { opacity: 0; } }
@media (prefers-reduced-motion: reduce) { .cursor { animation: none; } }
.badges { display: flex; flex-wrap: wrap; gap: .3rem .8rem; align-items: center; margin: 0 0 .5rem;
  font-size: .85rem; color: var(--soft); }
.badge { padding: .1rem .55rem; border-radius: 1rem; font-weight: 600; }
.badge.right { color: var(--right); background: var(--right-ground); }
.badge.wrong { color: var(--wrong); background: var(--wrong-ground); }
.badge.plain { color: var(--soft); background: var(--read); }
.score { white-space: nowrap; font-variant-numeric: tabular-nums; }
.score abbr { text-decoration: none; cursor: help; }
.figures { display: flex; flex-wrap: wrap; gap: .1rem .9rem; color: var(--soft); font-size: .8rem;
  margin: 0; border-top: 1px solid var(--line); padding-top: .45rem;
  font-variant-numeric: tabular-nums; }
.pane details { font-size: .8rem; color: var(--soft); margin-top: .3rem; }
.pane summary { cursor: pointer; }
.pane dl { display: grid; grid-template-columns: auto 1fr; gap: 0 .7rem; margin: .3rem 0 0; }
.pane dd { margin: 0; overflow-wrap: anywhere; font-family: var(--font-mono); font-size: .75rem; }
/* A paragraph's: gradio's own choices have an element of this class. */
p.reference { margin: .8rem 0 0; padding: .55rem .9rem; background: var(--read); border-radius: 6px;
  color: var(--ink); font-size: .92rem; }
p.reference small, p.reference.none { color: var(--soft); }
.evidence { color: var(--ink); }
.evidence header { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; align-items: baseline; }
.evidence .keys { margin: 0; font-size: .8rem; color: var(--soft); display: flex; flex-wrap: wrap;
  gap: .3rem .9rem; }
.evidence ol { list-style: none; padding: 0; margin: .6rem 0 0; display: grid; gap: 10px; }
.evidence li { background: var(--pane); border: 1px solid var(--line); border-radius: 8px;
  padding: .65rem 1rem; margin: 0; }
.evidence p { margin: 0; }
.evidence .document { font-weight: 600; } .evidence .heading { color: var(--soft); }
.evidence .ranks { display: flex; flex-wrap: wrap; gap: 0 .9rem; font-size: .78rem;
  color: var(--soft); font-variant-numeric: tabular-nums; }
.evidence .passage { white-space: pre-line; overflow-wrap: anywhere; line-height: 1.5;
  font-size: .92rem; margin-top: .35rem; }
.evidence mark, .keys mark { color: inherit; border-radius: 3px; padding: 0 1px; }
mark.rag { background: var(--rag-mark); } mark.sft-rag { background: var(--both-mark); }
mark.rag.sft-rag { background: linear-gradient(var(--rag-mark) 50%, var(--both-mark) 50%); }
.evidence .read, .key.read { border-bottom: 2px solid var(--soft); }
#ask { min-width: 7rem; align-self: stretch; font-size: 1rem; }
#question textarea { font-size: 1.05rem; }
#examples .gallery { gap: 6px; }
#examples .gallery-item { font-size: .84rem; padding: .2rem .6rem; border-radius: 1rem;
  text-align: left; }
@media (max-width: 1000px) { .panes-4 { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
@media (max-width: 620px) { .panes, .panes-4 { grid-template-columns: minmax(0, 1fr); }
  .panes .pane { min-height: 0; } .pane header { min-height: 0; } }
"""
