"""How the Documents tab looks; colours are those of `ui.theme`."""

DOCUMENTS_CSS = """
.docs { color: var(--ink); }
.docs h2 { font-size: 1.2rem; margin: 0; color: var(--ink); }
.docs h3 { font-size: 1.02rem; margin: 0; color: var(--ink); }
.docs p { margin: 0; }
.docs .facts { display: flex; flex-wrap: wrap; gap: .2rem 1rem; align-items: baseline;
  margin: .25rem 0; color: var(--soft); font-size: .9rem; font-variant-numeric: tabular-nums; }
.docs .facts b { color: var(--ink); }
.docs .tag { background: var(--read); color: var(--ink); border-radius: 1rem;
  padding: .1rem .6rem; font-size: .82rem; font-weight: 600; }
.docs .hint, .docs .nothing { color: var(--soft); font-size: .85rem; line-height: 1.4; }
.docs .nothing { border: 1px dashed var(--line); border-radius: 8px; padding: 1rem; }
.docs .hint b { color: var(--ink); }
.docs .wide { overflow: auto; contain: inline-size; max-height: 26rem;
  border: 1px solid var(--line); border-radius: 8px; background: var(--pane); }
.docs .wide:focus-visible, .docs button:focus-visible { outline: 2px solid var(--rag);
  outline-offset: -2px; }
.docs table { width: 100%; border-collapse: collapse; font-size: .86rem; margin: 0; }
.docs th, .docs td { text-align: left; padding: .34rem .6rem; border: 0;
  border-bottom: 1px solid var(--line); vertical-align: top; color: var(--ink); }
.docs .wide table, .docs .wide tr, .docs .wide th, .docs .wide td { border-left: 0 !important;
  border-right: 0 !important; border-top: 0 !important; border-radius: 0 !important;
  box-shadow: none !important; }
.docs td { overflow-wrap: anywhere; min-width: 5rem; }
.docs th { position: sticky; top: 0; background: var(--read); font-weight: 600; z-index: 1;
  white-space: nowrap; }
.docs .n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.docs td.id { font-family: var(--font-mono); font-size: .76rem; color: var(--soft); }
.docs tr.chosen td { background: var(--read); }
.docs td button { all: unset; box-sizing: border-box; display: block; width: 100%; cursor: pointer;
  min-width: 9rem; color: var(--ink); text-decoration: underline;
  text-decoration-color: var(--line); text-underline-offset: 3px; border-radius: 3px; }
.docs td button:hover { text-decoration-color: var(--ink); }
.docs tr.chosen td button { font-weight: 600; }
.docs.preview { min-height: 12rem; }
.docs.preview .text { margin-top: .6rem; max-height: 40rem; overflow: auto; }
.docs.preview section { background: var(--pane); border: 1px solid var(--line);
  border-left: 4px solid var(--rag); border-radius: 6px; margin: 0 0 8px; }
.docs.preview section header { display: flex; gap: .6rem; align-items: baseline;
  background: var(--read); padding: .25rem .7rem; font-size: .8rem; color: var(--soft); }
.docs.preview section header span { flex: 1; overflow-wrap: anywhere; }
.docs.preview section header b { color: var(--ink); }
.docs.preview section p { white-space: pre-wrap; overflow-wrap: anywhere; padding: .5rem .7rem;
  font-size: .9rem; line-height: 1.5; }
.docs.preview .between { white-space: pre-wrap; color: var(--soft); font-size: .85rem;
  font-weight: 600; margin: .2rem .2rem .35rem; overflow-wrap: anywhere; }
.docs ul { list-style: none; margin: .3rem 0 0; padding: 0; }
.docs li { margin: 0; overflow-wrap: anywhere; }
.docs.files li { font-size: .88rem; padding: .3rem .6rem; border-left: 3px solid var(--right);
  background: var(--right-ground); margin-bottom: 4px; border-radius: 3px; }
.docs.files li.unchanged { border-left-color: var(--line); background: var(--read); }
.docs.files li.refused { border-left-color: var(--wrong); background: var(--wrong-ground); }
.docs .done { border-left: 4px solid var(--right); background: var(--right-ground);
  padding: .5rem .8rem; border-radius: 4px; overflow-wrap: anywhere; }
.docs .failed { border-left: 4px solid var(--wrong); background: var(--wrong-ground);
  padding: .5rem .8rem; border-radius: 4px; font-size: .86rem; margin-top: .5rem; }
.docs .tiles { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); gap: 8px;
  margin-bottom: .3rem; }
.docs .tiles div { background: var(--pane); border: 1px solid var(--line); border-radius: 8px;
  padding: .45rem .6rem; }
.docs .tiles b { display: block; font-size: 1.25rem; font-variant-numeric: tabular-nums; }
.docs .tiles span { color: var(--soft); font-size: .8rem; }
.docs .floor { border: 1px solid var(--line); border-left: 4px solid var(--right);
  background: var(--pane); border-radius: 6px; padding: .55rem .9rem; font-size: .92rem; }
.docs .floor.below { border-left-color: var(--wrong); }
.docs p.floor { border-left-color: var(--line); }
.docs .scale { position: relative; height: 8px; border-radius: 4px; background: var(--read);
  margin: .45rem 0 .4rem; max-width: 34rem; }
.docs .scale i { position: absolute; inset: 0 auto 0 0; border-radius: 4px;
  background: var(--rag); }
.docs .scale u { position: absolute; top: -4px; bottom: -4px; width: 2px;
  background: var(--ink); }
.docs.hits ol { list-style: none; margin: .7rem 0 0; padding: 0; display: grid; gap: 10px; }
.docs.hits li { background: var(--pane); border: 1px solid var(--line); border-radius: 8px;
  padding: .6rem .9rem; }
.docs.hits li header span { color: var(--soft); font-size: .88rem; }
.docs.hits dl { display: flex; flex-wrap: wrap; gap: .3rem; margin: .4rem 0; }
.docs.hits dl div { display: flex; gap: .4rem; align-items: baseline; background: var(--read);
  border-radius: 5px; padding: .1rem .5rem; font-size: .8rem;
  font-variant-numeric: tabular-nums; }
.docs.hits dt { color: var(--soft); } .docs.hits dd { margin: 0; color: var(--ink); }
.docs.hits dd small { color: var(--soft); }
.docs.hits .passage { white-space: pre-line; overflow-wrap: anywhere; font-size: .9rem;
  line-height: 1.5; }
.docs.evidence-list li { background: var(--read); border-radius: 5px; padding: .3rem .6rem;
  margin-bottom: 4px; font-size: .86rem; }
.docs.evidence-list q { display: block; color: var(--ink); white-space: pre-line; }
.docs.evidence-list b { font-size: .78rem; color: var(--soft); }
.docs.findings { margin-top: .6rem; }
.docs.findings li { border-left: 3px solid var(--line); padding: .25rem .6rem; font-size: .86rem;
  margin-bottom: 4px; background: var(--read); }
.docs.findings li.error { border-left-color: var(--wrong); }
.docs.findings li span { color: var(--soft); }

@media (max-width: 620px) { .docs .tiles { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .docs.preview .text, .docs .wide { max-height: 24rem; } }
"""
