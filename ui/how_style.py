"""How the tab about how it works looks; the colours are the theme's."""

HOW_CSS = """
.how { color: var(--ink); }
.how h2 { font-size: 1.25rem; margin: 0; color: var(--ink); }
.how h3 { font-size: 1.02rem; margin: 0; color: var(--ink); }
.how h4 { font-size: .92rem; margin: .8rem 0 .2rem; color: var(--ink); }
.how p { margin: .3rem 0; line-height: 1.5; }
.how .note, .how .empty { font-size: .84rem; color: var(--soft); line-height: 1.45; }
.how .note b { color: var(--ink); }
.how .number { font-variant-numeric: tabular-nums; }
.how .track > ol > li > p { display: block; }
.how.intro p { max-width: 62rem; margin: 0; }
.how.tracks, .how.answers { display: grid; gap: 16px;
  grid-template-columns: repeat(2, minmax(0, 1fr)); align-items: start; }
.how .track > header, .how .reply > header { border-top: 4px solid var(--rag);
  padding: .5rem 0 .2rem; }
.how .track.sft > header { border-top-color: var(--sft); }
.how .track > header p, .how .reply header p { margin: 0; color: var(--soft); font-size: .86rem; }
.how .track > ol { list-style: none; counter-reset: step; margin: .4rem 0 0; padding: 0;
  display: grid; gap: 12px; }
.how .track > ol > li { counter-increment: step; background: var(--pane);
  border: 1px solid var(--line); border-radius: 8px; padding: .75rem .9rem .8rem; min-width: 0;
  margin: 0; min-height: 9rem; }
.how .track > ol > li > h3::before { content: counter(step); display: inline-block; width: 1.5rem;
  height: 1.5rem; line-height: 1.5rem; margin-right: .55rem; border-radius: 50%;
  text-align: center; font-size: .84rem; background: var(--read); color: var(--ink); }
.how .reply { background: var(--pane); border: 1px solid var(--line); border-top: 0;
  border-radius: 0 0 8px 8px; padding: 0 .9rem .8rem; min-height: 8.5rem; min-width: 0; }
.how .reply > header { margin: 0 -.9rem; padding: .5rem .9rem .1rem; }
.how .reply.sft > header { border-top-color: var(--sft); }
.how .reply .answer { font-size: 1.05rem; overflow-wrap: anywhere; }
.how .reply .cited { text-decoration: underline; text-decoration-thickness: 2px;
  text-underline-offset: 3px; text-decoration-color: var(--rag); }
.how .track blockquote { margin: .4rem 0; padding: .4rem .7rem; border-left: 3px solid var(--line);
  font-size: .92rem; overflow-wrap: anywhere; color: var(--ink); }
.how .strip { width: 100%; height: auto; display: block; margin: .4rem 0; border-radius: 4px; }
.how .strip rect { width: 10px; height: 10px; }
.how rect.over { fill: var(--rag); } .how rect.under { fill: var(--both); }
.how .swatch { display: inline-block; width: .75rem; height: .75rem; border-radius: 2px;
  vertical-align: -1px; margin: 0 .3rem 0 .5rem; }
.how .swatch:first-child { margin-left: 0; }
.how .swatch.over { background: var(--rag); } .how .swatch.under { background: var(--both); }
.how .scroll { overflow-x: auto; max-width: 100%; margin: .4rem 0; }
.how .scroll table { border: 0; border-collapse: collapse; width: 100%;
  font-size: .84rem; margin: 0; }
.how th, .how td { padding: .2rem .45rem; text-align: left; border: 0;
  border-bottom: 1px solid var(--line); color: var(--ink); background: none; }
.how thead th { color: var(--soft); font-weight: 600; font-size: .78rem; vertical-align: bottom; }
.how tbody th { font-weight: 500; overflow-wrap: anywhere; }
.how th small { color: var(--soft); font-weight: 400; }
.how td.number { text-align: right; white-space: nowrap; }
.how td.bars { width: 32%; min-width: 5rem; }
.how .gap td { text-align: center; color: var(--soft); padding: 0; line-height: 1.1; }
.how .bar { display: block; height: .6rem; border-radius: 2px; background: var(--rag);
  min-width: 1px; }
.how .bar.before { background: var(--base); } .how .bar.after { background: var(--sft); }
.how .gauge { position: relative; background: var(--read); border-radius: 3px;
  margin: .7rem 0 .4rem; }
.how .gauge .floor { position: absolute; top: -4px; bottom: -4px; width: 3px;
  background: var(--ink); }
.how .tokens { line-height: 1.95; margin: .4rem 0; font-family: var(--font-mono);
  font-size: .78rem; overflow-wrap: anywhere; }
.how .tok { font-family: var(--font-mono); font-size: .78rem; white-space: pre-wrap;
  background: var(--read); color: var(--ink); border: 1px solid var(--line); border-radius: 3px;
  padding: .05rem .2rem; }
.how .tok i { color: var(--soft); font-style: normal; }
.how .tok.mark { border-style: dashed; color: var(--soft); background: none; }
.how .tok.told { background: none; }
.how .tok.read { background: var(--rag-mark); border-color: var(--rag); }
.how .tok.asked { background: var(--both-mark); border-color: var(--both); }
.how .tok.begun { border-color: var(--ink); }
.how .tok.learnt { background: var(--pane); border: 2px solid var(--sft); font-weight: 700; }
.how .track .token-key { list-style: none; display: flex; flex-wrap: wrap;
  gap: .3rem 1rem; margin: 0; padding: 0; font-size: .78rem; color: var(--soft); }
.how .facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(8.2rem, 1fr));
  gap: .5rem .9rem; margin: .5rem 0; }
.how .facts dt { font-size: .78rem; color: var(--soft); }
.how .facts dd { margin: 0; font-variant-numeric: tabular-nums; font-weight: 600; }
.how .curve { width: 100%; height: auto; display: block; background: var(--read);
  border-radius: 4px; margin: .4rem 0; }
.how polyline { fill: none; stroke: var(--sft); stroke-width: 2; }
.how polyline.held { stroke: var(--ink); stroke-dasharray: 5 4; }
.how .sum { display: flex; flex-wrap: wrap; align-items: center; gap: .7rem; margin: .6rem 0; }
.how .track .token-key li { margin: 0; padding: 0; }
.how .matrix { display: grid; justify-items: center; gap: .2rem; }
.how .matrix i { display: grid; place-items: center; font-style: normal; font-weight: 700;
  border: 2px solid var(--sft); border-radius: 4px; color: var(--ink); }
.how .matrix small { color: var(--soft); }
.how .matrix .whole { width: 5rem; height: 5rem; border-color: var(--base);
  background: var(--read); }
.how .matrix .tall { width: 1.6rem; height: 5rem; }
.how .matrix .wide { width: 5rem; height: 1.6rem; }
.how.glossary dl { display: grid; gap: .7rem 1.4rem; margin: .6rem 0 0;
  grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); }
.how.glossary dt { font-weight: 650; } .how.glossary dd { margin: 0; font-size: .88rem;
  color: var(--soft); line-height: 1.45; }
#how-show, #how-answer { min-width: 8.5rem; align-self: stretch; }
@media (max-width: 900px) {
  .how.tracks, .how.answers { grid-template-columns: minmax(0, 1fr); } }
"""
