"""How the Train tab looks; its colours are the theme's."""

TRAIN_CSS = """
.train { color: var(--ink); }
.train h3 { margin: .2rem 0 .4rem; font-size: 1.05rem; color: var(--ink); }
.train p { margin: .2rem 0 .5rem; line-height: 1.45; color: var(--ink); }
.train .soft, .train.none, .train .none, .train small, .train caption { color: var(--soft); }
.train .soft { font-size: .85rem; }
.train code { font-size: .85em; background: var(--read); color: var(--ink); padding: 0 .25em;
  border-radius: 3px; }
.train .scroll, .train.scroll { overflow: auto; width: 0; min-width: 100%; }
.train.tall { max-height: 22rem; border: 1px solid var(--line); border-radius: 6px; }
.train table { border-collapse: collapse; border: 0 !important; width: 100%;
  font-size: .88rem; margin: .2rem 0 .4rem; }
.train.scroll table { margin: 0; }
.train caption { text-align: left; font-size: .82rem; padding-bottom: .2rem; }
.train th, .train td { padding: .3rem .6rem; border-bottom: 1px solid var(--line);
  text-align: left; vertical-align: top; color: var(--ink); }
.train table th, .train table td { border-width: 0 0 1px !important;
  border-color: var(--line) !important; }
.train thead th { color: var(--soft); font-weight: 600; font-size: .8rem; }
.train tbody th { font-weight: 600; }
.train .figures-table { font-variant-numeric: tabular-nums; }
.train .figures-table td, .train .figures-table thead th:not(:first-child) { text-align: right;
  white-space: nowrap; }
.train .figures-table td.words { text-align: left; white-space: normal; min-width: 13rem;
  color: var(--soft); font-size: .84rem; }
.train .figures-table tbody th { min-width: 8rem; }
.train .figures-table th p { font-weight: 400; margin: .15rem 0 0; max-width: 26rem;
  font-size: .82rem; }
.train .mark, .train .bad { color: var(--wrong); }
.train .good { color: var(--right); }
.train tr.sum th, .train tr.sum td { font-weight: 700; background: var(--read); }
.train .pill { display: inline-block; padding: 0 .5rem; border-radius: 1rem; font-size: .78rem;
  font-weight: 600; white-space: nowrap; color: var(--soft); background: var(--read); }
.train .pill.error { color: var(--wrong); background: var(--wrong-ground); }
.train .pill.warning { color: var(--ink); background: var(--both-mark); }
.train .pill.note { color: var(--ink); background: var(--rag-mark); }
.train.findings ul { list-style: none; margin: 0; padding: 0; max-height: 15rem; overflow-y: auto; }
.train.findings li { padding: .35rem 0; border-bottom: 1px solid var(--line); margin: 0;
  font-size: .88rem; overflow-wrap: anywhere; color: var(--ink); }
.train.findings .place { font-family: var(--font-mono); font-size: .8rem; color: var(--soft); }
.train.findings .fix { color: var(--soft); }
.train.status { border: 1px solid var(--line); border-left: 4px solid var(--base);
  background: var(--pane); border-radius: 8px; padding: .6rem 1rem; min-height: 7.5rem; }
.train.status.live { border-left-color: var(--sft); }
.train.status progress { width: 100%; height: .6rem; accent-color: var(--sft); }
.train.status .step { font-size: 1.05rem; font-variant-numeric: tabular-nums; }
.train .reading { font-weight: 600; }
.train.say { border-left: 4px solid var(--right); background: var(--right-ground);
  padding: .5rem .9rem; border-radius: 4px; margin: 0; }
.train.why { border-left: 4px solid var(--base); background: var(--read); padding: .6rem .9rem;
  border-radius: 4px; }
.train.curves { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 14px; }
.train.curves figure { margin: 0; background: var(--pane); border: 1px solid var(--line);
  border-radius: 8px; padding: .6rem .8rem .4rem; }
.train.curves figcaption { display: flex; flex-wrap: wrap; gap: .2rem 1rem;
  justify-content: space-between; font-size: .88rem; color: var(--ink); }
.train.curves .keys { display: flex; flex-wrap: wrap; gap: .1rem .9rem; color: var(--soft); }
.train.curves .key svg { display: inline-block; width: 26px; height: 10px; margin-right: .35rem;
  vertical-align: middle; }
.train.curves figure > svg { display: block; width: 100%; height: auto; }
.train.curves text { fill: var(--soft); font-size: 12px; font-variant-numeric: tabular-nums; }
.train.curves text.best { fill: var(--ink); }
.train.curves line { stroke: var(--soft); }
.train.curves line.grid { stroke: var(--line); }
.train.curves line.best { stroke-dasharray: 3 3; }
.train.curves g line, .train.curves polyline { fill: none; stroke-width: 2; }
.train.curves g.training * { stroke: var(--rag); }
.train.curves g.validation * { stroke: var(--both); }
.train.curves g.accuracy * { stroke: var(--sft); } .train.curves g.exact * { stroke: var(--soft); }
.train.curves g circle, .train.curves g rect, .train.curves g path { fill: var(--pane);
  stroke-width: 1.6; }
.train.curves g.validation polyline, .train.curves g.validation line { stroke-dasharray: 7 3; }
.train.curves g.exact polyline, .train.curves g.exact line { stroke-dasharray: 2 3; }
.train-log textarea { font-family: var(--font-mono); font-size: .78rem; }
.train.plate { background: #fff; border-radius: 8px; max-width: 100%;
  border: 1px solid var(--line); }
.train .plates { display: flex; flex-wrap: wrap; gap: 14px; }
.train .plates img { width: min(100%, 30rem); }
.train summary { cursor: pointer; color: var(--soft); font-size: .85rem; margin: .3rem 0; }
@media (max-width: 760px) { .train.curves { grid-template-columns: minmax(0, 1fr); } }
"""
