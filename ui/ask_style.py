"""How the Ask tab looks beyond panes and evidence: badges, tools, votes, what was asked."""

ASK_CSS = """
.ask .made { display: flex; flex-wrap: wrap; gap: .3rem .4rem; align-items: center;
  margin: 0 0 .5rem; font-size: .78rem; }
.ask .made .badge { font-weight: 500; overflow-wrap: anywhere; }
.ask .badge.note { color: var(--ink); background: transparent; border: 1px solid var(--soft); }
.ask .copy { font: inherit; font-size: .78rem; color: var(--ink); background: var(--pane);
  border: 1px solid var(--line); border-radius: 5px; padding: .1rem .6rem; cursor: pointer;
  min-width: 4rem; }
.ask .copy:hover { border-color: var(--soft); }
.ask .copy:focus-visible { outline: 2px solid var(--sft); outline-offset: 1px; }
.ask .made .copy { margin-left: auto; }
.ask .below { margin-top: .8rem; }
.ask .below .reference { margin: 0; }
.ask .tools { display: flex; flex-wrap: wrap; gap: .3rem .8rem; align-items: center;
  margin: .5rem 0 0; font-size: .82rem; }
.ask .tools a { color: var(--rag); text-decoration: underline; }
.ask .pane.sft .cited { text-decoration-color: var(--sft); }
.ask mark.sft { background: transparent; box-shadow: inset 0 -3px 0 var(--sft); }
.ask mark.rag.sft { background: var(--rag-mark); }
.ask mark.sft.sft-rag { background: var(--both-mark); }
.ask mark.rag.sft.sft-rag {
  background: linear-gradient(var(--rag-mark) 50%, var(--both-mark) 50%); }
.ask .evidence details { margin-top: .6rem; }
.ask .evidence summary { cursor: pointer; color: var(--soft); font-size: .85rem; }
.ask .vote { align-items: center; gap: 8px; }
.ask .thanks, .ask .opened { margin: 0; color: var(--ink); background: var(--read);
  padding: .5rem .9rem; border-radius: 6px; font-size: .9rem; }
.ask #kinds label { font-size: .84rem; }
/* Who waits reads the pane and the place in the queue: Gradio dims the one and clips the other. */
#panes .html-container.pending { opacity: 1; }
#panes .wrap.minimal { overflow: visible; }
#panes .wrap.minimal .progress-text { transform: none; top: .75rem; right: .9rem;
  font-family: inherit; color: var(--ink); background: var(--read); border-radius: 5px;
  padding: .15rem .6rem; font-variant-numeric: tabular-nums; }
.ask #past .gallery { gap: 6px; }
.ask #past .gallery-item { font-size: .82rem; padding: .2rem .6rem; border-radius: 1rem;
  text-align: left; overflow-wrap: anywhere; }
"""
