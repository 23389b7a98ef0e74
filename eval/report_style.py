"""How the report looks: one style sheet, for screens light and dark, telephones and paper."""

#: Colours are the page's own (ui/theme.py); every arm has a sign and a name besides its colour.
STYLE = """
:root { color-scheme: light dark;
  --page: #fff; --card: #f7f8fb; --line: #dfe3ea; --ink: #1c2430; --soft: #556070;
  --base: #5f6979; --sft: #6d3fb0; --rag: #0b6f7b; --both: #a34a07; --bar: #c3cad6;
  --right: #17693a; --right-ground: #e2f4e8; --wrong: #9b2226; --wrong-ground: #fbe7e7;
  --note: #fff6e0; --note-line: #d9a400; }
@media screen and (prefers-color-scheme: dark) { :root {
  --page: #12171f; --card: #1a212c; --line: #323c4b; --ink: #e8ecf2; --soft: #a9b3c2;
  --base: #a7b1c0; --sft: #b99bf0; --rag: #5bc8d4; --both: #f0a35a; --bar: #46536a;
  --right: #86dba6; --right-ground: #16321f; --wrong: #f3a6a8; --wrong-ground: #431c1f;
  --note: #2b2413; --note-line: #a8821d; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--page); color: var(--ink); font: 1rem/1.6 system-ui,
  -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main, .masthead, footer { max-width: 66rem; margin: 0 auto; padding: 0 1.5rem; }
.skip { position: absolute; left: -999rem; }
.skip:focus { left: 1rem; top: 1rem; background: var(--page); padding: .5rem 1rem; z-index: 2; }
:focus-visible { outline: 3px solid var(--rag); outline-offset: 2px; }
.masthead { padding-top: 3.5rem; }
.eyebrow { margin: 0; color: var(--soft); font-size: .82rem; letter-spacing: .08em;
  text-transform: uppercase; }
h1, h2, h3, h4, h5 { line-height: 1.25; letter-spacing: -.01em; text-wrap: balance; }
h1 { font-size: 2.3rem; margin: .3rem 0 .4rem; }
.meta { margin: 0; color: var(--soft); }
.one > h2.corpus { font-size: 1.9rem; margin: 5rem 0 .2rem; padding-top: 2rem;
  border-top: 3px solid var(--ink); }
section { margin: 3.6rem 0 0; }
section > h2, section > h3 { font-size: 1.45rem; margin: 0 0 .3rem; }
section section { margin-top: 2.2rem; }
section h3, section h4 { font-size: 1.08rem; margin: 2rem 0 .3rem; }
p, li { max-width: 44rem; }
.lead { color: var(--soft); margin: 0 0 1rem; }
.note { color: var(--soft); font-size: .86rem; margin: .5rem 0 0; }
.verdict { margin-top: 2.2rem; padding: 1.8rem 2rem; background: var(--card); border-radius: 14px;
  border: 1px solid var(--line); }
.verdict .answer { font-size: 1.5rem; line-height: 1.4; font-weight: 600; margin: .2rem 0 .8rem;
  max-width: 52rem; text-wrap: pretty; }
.verdict ul { margin: 0; padding-left: 1.2rem; }
.verdict h2, .verdict h3 { font-size: .82rem; letter-spacing: .08em; text-transform: uppercase;
  color: var(--soft); margin: 0; font-weight: 600; }
.verdict .sure { margin: .9rem 0 0; color: var(--soft); }
.problem { border-left: 4px solid var(--note-line); background: var(--note); padding: .7rem 1rem;
  border-radius: 4px; margin: 1.4rem 0 0; }
.problem p { margin: 0; max-width: none; }
nav ol { list-style: none; padding: 0; margin: 1.6rem 0 0; display: flex; flex-wrap: wrap;
  gap: .2rem 1.3rem; font-size: .92rem; }
a { color: var(--rag); text-underline-offset: 3px; }
.arm { white-space: nowrap; font-weight: 600; }
.is-base { color: var(--base); } .is-sft { color: var(--sft); } .is-rag { color: var(--rag); }
.is-both { color: var(--both); } .is-other { color: var(--soft); }
.key { display: grid; grid-template-columns: auto 1fr; gap: .15rem 1.2rem; margin: .4rem 0 0; }
.key dt, .key dd { margin: 0; } .key dd { color: var(--soft); }
.scroll { overflow-x: auto; margin: 1.2rem 0 0; border-radius: 6px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums lining-nums;
  font-size: .93rem; }
caption { text-align: left; font-weight: 600; padding: 0 0 .5rem; }
td:has(.track) { min-width: 7.5rem; }
th, td { padding: .5rem .8rem; border-bottom: 1px solid var(--line); vertical-align: top; }
thead th { font-size: .84rem; color: var(--soft); font-weight: 600; vertical-align: bottom;
  border-bottom: 2px solid var(--line); }
tbody th { text-align: left; font-weight: 500; }
.number { text-align: right; white-space: nowrap; } .words { text-align: left; }
td.words { min-width: 8rem; }
th:first-child, td:first-child { padding-left: 0; text-align: left; }
th:last-child, td:last-child { padding-right: .2rem; }
.range { color: var(--soft); font-size: .84em; white-space: nowrap; }
.none { color: var(--soft); }
.group th { padding-top: 1.3rem; font-weight: 600; }
.small { color: var(--soft); font-size: .84em; white-space: nowrap; }
.track { display: block; position: relative; height: 10px; min-width: 6.5rem; margin-top: 4px;
  background: linear-gradient(var(--line), var(--line)) center / 100% 1px no-repeat; }
.track i { position: absolute; display: block; }
.track .bar { top: 3px; height: 4px; background: currentColor; opacity: .35; border-radius: 2px;
  min-width: 1px; }
.track .at { top: 0; height: 10px; width: 3px; margin-left: -1.5px; background: currentColor; }
.track .zero { left: 50%; top: -2px; height: 14px; border-left: 1px dashed var(--soft); }
.pictured { display: grid; grid-template-columns: minmax(0, 36rem) minmax(14rem, 1fr); gap: 2.2rem;
  align-items: center; margin-top: 1rem; }
.pictured figure { margin: 0; }
.pictured .key { grid-template-columns: 1fr; gap: 0; } .pictured .key dd { margin-bottom: .6rem; }
.narrow { width: auto; min-width: min(100%, 26rem); }
figure { margin: 1.4rem 0 0; }
figcaption { color: var(--soft); font-size: .9rem; max-width: 44rem; margin-top: .4rem; }
svg { display: block; width: 100%; height: auto; max-width: 36rem; color: var(--ink); }
svg text { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
  fill: var(--soft); font-variant-numeric: tabular-nums; }
svg .name { font-weight: 600; fill: currentColor; } svg .grid { stroke: var(--line); }
svg .axis { stroke: var(--soft); } svg .mark { fill: currentColor; stroke: var(--page); }
svg .whisker { stroke: currentColor; stroke-width: 2; fill: none; }
svg .thin { stroke: currentColor; stroke-width: 1.5; stroke-dasharray: 2 3; opacity: .8; }
svg .fill { fill: currentColor; } svg .ink { fill: var(--ink); }
.word { white-space: nowrap; font-weight: 600; }
.word.better, .mark.right { color: var(--right); } .word.worse, .mark.wrong { color: var(--wrong); }
.word.level { color: var(--soft); }
.example { margin: 1.4rem 0 0; padding: 1.2rem 1.4rem 1.3rem; border: 1px solid var(--line);
  border-radius: 12px; }
.example h4, .example h5 { font-size: 1.08rem; margin: 0; overflow-wrap: anywhere; }
.example .about { color: var(--soft); font-size: .86rem; margin: .15rem 0 .7rem; }
.example dl { display: grid; grid-template-columns: 7.5rem 1fr; gap: .3rem 1rem; margin: 0; }
.example dt { color: var(--soft); font-size: .9rem; } .example dd { margin: 0; }
.example dd p { margin: 0; max-width: none; overflow-wrap: anywhere; }
.example .quote { font-size: .92rem; }
.answers { display: grid; grid-template-columns: repeat(auto-fit, minmax(13.5rem, 1fr)); gap: .8rem;
  margin: 1rem 0 0; padding: 0; list-style: none; }
.answers li { background: var(--card); border-radius: 8px; padding: .7rem .9rem .8rem;
  border-top: 3px solid currentColor; }
.answers .said { color: var(--ink); margin: .35rem 0 .4rem; overflow-wrap: anywhere; }
.answers .why { margin: 0; font-size: .84rem; color: var(--soft); }
.mark { font-weight: 600; font-size: .88rem; white-space: nowrap; padding: .05rem .5rem;
  border-radius: 1rem; }
.answers .head { display: flex; justify-content: space-between; gap: .3rem .6rem; flex-wrap: wrap; }
.mark.right { background: var(--right-ground); } .mark.wrong { background: var(--wrong-ground); }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 8px;
  padding: .9rem 1.1rem; overflow-x: auto; font-size: .86rem; }
code, .mono { font-family: ui-monospace, SFMono-Regular, Menlo, "DejaVu Sans Mono", monospace;
  font-size: .86em; overflow-wrap: anywhere; }
footer { margin-top: 4.5rem; padding-top: 1.2rem; padding-bottom: 3rem; color: var(--soft);
  font-size: .88rem; border-top: 1px solid var(--line); }
@media (max-width: 900px) { .pictured { grid-template-columns: minmax(0, 1fr); gap: 1rem; } }
@media (max-width: 620px) {
  caption { width: calc(100vw - 2.4rem); }
  main, .masthead, footer { padding-left: 1.1rem; padding-right: 1.1rem; }
  .masthead { padding-top: 2rem; } h1 { font-size: 1.75rem; } section { margin-top: 2.8rem; }
  .verdict { padding: 1.2rem 1.2rem; margin-left: -.3rem; margin-right: -.3rem; }
  .verdict .answer { font-size: 1.2rem; }
  .example { padding: 1rem 1rem 1.1rem; } .example dl { grid-template-columns: 1fr; gap: 0; }
  .example dt { margin-top: .5rem; } .key { grid-template-columns: 1fr; gap: 0; }
  .key dd { margin-bottom: .5rem; }
  th, td { padding: .45rem .6rem; }
  .scroll th:first-child { position: sticky; left: 0; background: var(--page); z-index: 1;
    min-width: 6.5rem; max-width: 9.5rem; } }
@media print {
  @page { size: A4; margin: 16mm 15mm; }
  html { font-size: 9.5pt; } body { line-height: 1.45; }
  main, .masthead, footer { max-width: none; padding: 0; }
  .masthead { padding-top: 0; } h1 { font-size: 20pt; } .verdict .answer { font-size: 14pt; }
  .verdict, .example, figure, .problem, tr { break-inside: avoid; }
  h2, h3, h4, caption, thead { break-after: avoid; } thead { display: table-header-group; }
  section { margin-top: 1.6rem; } .one + .one { break-before: page; }
  .verdict { padding: 4mm 5mm; margin-top: 5mm; }
  .skip, nav { display: none; } .scroll { overflow: visible; }
  table, thead th { font-size: 8pt; } th, td { padding: 1mm 1.6mm; } .track { min-width: 0; }
  .range { font-size: 7pt; } svg { max-width: 14cm; }
  a { color: inherit; text-decoration: none; }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; }
  .answers { grid-template-columns: repeat(4, 1fr); gap: 2mm; }
  .answers li { padding: 1.5mm 2mm; }
  .track .bar, .track .at, .mark, .answers li, .verdict, .problem, pre, svg {
    print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""
