"""How the Decide tab looks: the report's tables and pictures in the page's colours."""

DECIDE_CSS = """
.decide { color: var(--ink); line-height: 1.55; font-size: 1rem; }
.decide p, .decide li { max-width: 54rem; color: inherit; }
.decide .cards p, .decide .answers p { display: block; }
.decide .cards .who + .line { min-height: 2.6em; }
.decide .verdict p, .decide .verdict li { max-width: 64rem; }
/* The page's own prose gives every element the ink's colour; signs and marks take their arm's. */
.decide svg * { color: inherit; } .decide .arm * { color: inherit; }
.decide .bar { color: inherit; } .decide .bar * { color: inherit; }
.decide svg .is-base { color: var(--base); } .decide svg .is-sft { color: var(--sft); }
.decide svg .is-rag { color: var(--rag); } .decide svg .is-both { color: var(--both); }
.decide h2 { font-size: 1.3rem; line-height: 1.25; margin: 0 0 .3rem; color: var(--ink);
  letter-spacing: -.01em; }
.decide h3 { font-size: 1.05rem; margin: 1.6rem 0 .3rem; color: var(--ink); }
.decide section { margin: 2.2rem 0 0; }
.decide > section:first-child, .decide > .verdict { margin-top: 0; }
.decide .verdict { padding: 1.3rem 1.6rem 1.4rem; background: var(--read); border-radius: 12px;
  border-left: 5px solid var(--ink); }
.decide .verdict h2 { font-size: .84rem; letter-spacing: .06em; text-transform: uppercase;
  color: var(--soft); font-weight: 600; margin: 0; }
.decide .verdict h2 small { font-size: 1em; letter-spacing: 0; text-transform: none;
  font-weight: 400; margin-left: .6rem; color: inherit; }
.decide .answer { font-size: 1.18rem; line-height: 1.4; font-weight: 600; margin: .2rem 0 .7rem;
  text-wrap: pretty; }
.decide .verdict .answer { font-size: 1.5rem; line-height: 1.35; margin: .35rem 0 .6rem; }
.decide .aside { font-weight: 400; color: var(--soft); font-size: .8em; }
.decide .further .aside { font-size: .92em; }
.decide .doubt { margin: 0 0 .5rem; }
.decide .doubt b::before { content: "? "; } .decide .doubt.sure b::before { content: "✓ "; }
.decide .further { margin: 0; padding-left: 1.2rem; list-style: disc; }
.decide .further li { margin: .15rem 0; }
.decide .cards { list-style: none; margin: 14px 0 0; padding: 0; display: grid; gap: 14px;
  grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); }
.decide .cards li { background: var(--pane); border: 1px solid var(--line); border-radius: 10px;
  border-top: 4px solid currentColor; padding: .7rem 1rem .8rem; margin: 0; max-width: none; }
.decide .cards p { margin: 0; } .decide .cards .line { color: var(--soft); font-size: .84rem; }
.decide .cards .who { font-size: 1.05rem; }
.decide .cards .share { margin-top: .45rem; color: var(--ink); }
.decide .cards .share b { font-size: 1.7rem; line-height: 1.2; font-variant-numeric: tabular-nums;
  font-weight: 650; }
.decide .cards .range { display: block; }
.decide .bar { display: block; position: relative; height: 12px; margin: .35rem 0 .5rem;
  background: linear-gradient(var(--line), var(--line)) center / 100% 4px no-repeat; }
.decide .bar i { position: absolute; display: block; }
.decide .bar .spread { top: 3px; height: 6px; background: currentColor; opacity: .4;
  border-radius: 3px; min-width: 2px; }
.decide .bar .at { top: 0; height: 12px; width: 3px; margin-left: -1.5px;
  background: currentColor; }
.decide .lead { color: var(--soft); margin: 0 0 .8rem; }
.decide .note { color: var(--soft); font-size: .86rem; margin: .5rem 0 0; max-width: 54rem; }
.decide .notes { color: var(--soft); font-size: .86rem; margin: .8rem 0 0; padding-left: 1.2rem;
  list-style: disc; }
.decide .caution { border-left: 4px solid var(--both); padding: .1rem 0 .1rem .9rem;
  margin: 1rem 0 0; font-size: .92rem; }
.decide .missing { border: 1px dashed var(--line); border-radius: 10px; padding: .9rem 1.2rem; }
.decide .missing h2 { font-size: 1.05rem; } .decide .missing p { margin: 0; color: var(--soft); }
.decide .problem { border-left: 4px solid var(--both); background: var(--read);
  padding: .6rem 1rem; border-radius: 4px; margin: 0 0 14px; }
.decide .problem p { margin: 0; }
.decide pre { background: var(--read); border: 1px solid var(--line); border-radius: 8px;
  padding: .6rem .9rem; margin: .6rem 0 0; font-size: .86rem; white-space: pre-wrap;
  overflow-wrap: anywhere; color: var(--ink); }
.decide code { background: none; border: 0; padding: 0; color: inherit; font-size: inherit;
  font-family: var(--font-mono); white-space: pre-wrap; }
.decide .mono { font-family: var(--font-mono); font-size: .86em; overflow-wrap: anywhere; }
.decide details { border-top: 1px solid var(--line); margin: 14px 0 0; padding: .6rem 0 0; }
.decide summary { cursor: pointer; font-weight: 600; color: var(--ink); }
.decide details > ul { margin: .5rem 0 0; padding-left: 1.2rem; list-style: disc; }
.decide .arm { white-space: nowrap; font-weight: 600; }
.decide .is-base { color: var(--base); } .decide .is-sft { color: var(--sft); }
.decide .is-rag { color: var(--rag); } .decide .is-both { color: var(--both); }
.decide .is-other { color: var(--soft); }
.decide .key { display: grid; grid-template-columns: auto 1fr; gap: .15rem 1.2rem;
  margin: .4rem 0 0; }
.decide .key dt, .decide .key dd { margin: 0; } .decide .key dd { color: var(--soft); }
.decide .pictured { display: grid; grid-template-columns: minmax(0, 34rem) minmax(14rem, 1fr);
  gap: 2rem; align-items: center; margin-top: .6rem; }
.decide .pictured .key { grid-template-columns: 1fr; gap: 0; }
.decide .pictured .key dd { margin-bottom: .5rem; }
.decide figure { margin: 0; } .decide .month figure { max-width: 34rem; }
.decide figcaption { color: var(--soft); font-size: .86rem; margin-top: .4rem; }
.decide svg { display: block; width: 100%; height: auto; color: var(--ink); max-width: 34rem; }
.decide svg text { font-size: 13px; fill: var(--soft); font-variant-numeric: tabular-nums; }
.decide svg .name { font-weight: 600; fill: currentColor; }
.decide svg .grid { stroke: var(--line); } .decide svg .axis { stroke: var(--soft); }
.decide svg .mark { fill: currentColor; stroke: var(--pane); }
.decide svg .whisker { stroke: currentColor; stroke-width: 2; fill: none; }
.decide svg .thin { stroke: currentColor; stroke-width: 1.5; stroke-dasharray: 2 3; opacity: .8; }
.decide svg .line { stroke: currentColor; stroke-width: 2.2; fill: none; }
.decide svg .asked { stroke: var(--ink); stroke-dasharray: 4 3; }
.decide svg .ring { fill: var(--pane); stroke: var(--ink); stroke-width: 2; }
.decide svg .fill { fill: currentColor; } .decide svg .ink { fill: var(--ink); }
/* What is in it does not widen the page: it scrolls by itself. */
.decide .scroll { overflow-x: auto; contain: inline-size; margin: 1rem 0 0; border-radius: 6px; }
.decide table { border-collapse: collapse; width: 100%; font-size: .92rem; border: 0; margin: 0;
  font-variant-numeric: tabular-nums lining-nums; }
.decide table.narrow { width: auto; min-width: min(100%, 26rem); }
.decide caption { text-align: left; font-weight: 600; padding: 0 0 .4rem; color: var(--ink); }
.decide thead, .decide tbody, .decide tr { border: 0; background: none; }
.decide th, .decide td { padding: .42rem .8rem; border: 0; border-bottom: 1px solid var(--line);
  vertical-align: top; color: var(--ink); background: none; }
.decide thead th { font-size: .84rem; color: var(--soft); font-weight: 600;
  vertical-align: bottom; border-bottom: 2px solid var(--line); }
.decide tbody th { text-align: left; font-weight: 500; }
.decide .number { text-align: right; white-space: nowrap; } .decide .words { text-align: left; }
.decide th:first-child, .decide td:first-child { padding-left: 0; text-align: left; }
.decide .range, .decide .small { color: var(--soft); font-size: .84em; white-space: nowrap; }
.decide .none { color: var(--soft); }
.decide td:has(.track) { min-width: 7.5rem; }
.decide .track { display: block; position: relative; height: 10px; min-width: 6.5rem;
  margin-top: 4px;
  background: linear-gradient(var(--line), var(--line)) center / 100% 1px no-repeat; }
.decide .track i { position: absolute; display: block; }
.decide .track .bar { top: 3px; height: 4px; background: currentColor; opacity: .4; margin: 0;
  border-radius: 2px; min-width: 1px; }
.decide .track .at { top: 0; height: 10px; width: 3px; margin-left: -1.5px;
  background: currentColor; }
.decide .track .zero { left: 50%; top: -2px; height: 14px; border-left: 1px dashed var(--soft); }
.decide .word { white-space: nowrap; font-weight: 600; }
.decide .word.better { color: var(--right); } .decide .word.worse { color: var(--wrong); }
.decide .word.level { color: var(--soft); }
.decide .example { margin: 1rem 0 0; padding: 1rem 1.2rem; border: 1px solid var(--line);
  border-radius: 10px; }
.decide .example h4 { font-size: 1rem; margin: 0; color: var(--ink); overflow-wrap: anywhere; }
.decide .example dl { display: grid; grid-template-columns: 5rem 1fr; gap: .2rem 1rem;
  margin: .4rem 0 0; }
.decide .example dd, .decide .example dd p { margin: 0; }
.decide .example dt { color: var(--soft); }
.decide .answers { display: grid; gap: .8rem; margin: .8rem 0 0; padding: 0; list-style: none;
  grid-template-columns: repeat(auto-fit, minmax(12rem, 1fr)); }
.decide .answers li { background: var(--read); border-radius: 8px; padding: .6rem .9rem;
  border-top: 3px solid currentColor; margin: 0; }
.decide .answers .said { color: var(--ink); margin: .2rem 0; overflow-wrap: anywhere; }
.decide .answers p { margin: 0; } .decide .why { font-size: .84rem; color: var(--soft); }
#decide-month { min-height: 44rem; }
#decide-bar { align-items: end; }
#decide-figures, #decide-cost, #decide-rest { margin-top: 1.4rem; }
@media (max-width: 900px) { .decide .pictured { grid-template-columns: minmax(0, 1fr); } }
@media (max-width: 620px) {
  .decide .verdict { padding: 1rem 1.1rem; }
  .decide .verdict .answer { font-size: 1.22rem; }
  .decide .verdict h2 small { display: block; margin: .2rem 0 0; }
  .decide .cards { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 10px; }
  #decide-month { min-height: 0; }
  .decide .cards li { padding: .6rem .7rem; } .decide .cards .share b { font-size: 1.35rem; }
  .decide .key { grid-template-columns: 1fr; gap: 0; }
  .decide th, .decide td { padding: .4rem .5rem; }
  .decide caption { width: calc(100vw - 4rem); }
}
"""
