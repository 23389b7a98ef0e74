"""How the Benchmark tab looks; colours are those of `ui.theme`."""

BENCHMARK_CSS = """
.bench { color: var(--ink); }
.bench p { margin: 0; }
.bench .arm-base { --arm: var(--base); } .bench .arm-sft { --arm: var(--sft); }
.bench .arm-rag { --arm: var(--rag); } .bench .arm-sft-rag { --arm: var(--both); }
.bench .note, .bench .none { color: var(--soft); font-size: .85rem; }
.bench .none { padding: 2rem 0; }
.bench h3 { margin: 0; font-size: 1.05rem; color: var(--ink); }
.bench h3 + .scroll { margin-top: .5rem; }
.bench .scroll { overflow-x: auto; contain: inline-size; border: 1px solid var(--line);
  border-radius: 8px; background: var(--pane); }
.bench table { width: 100%; border-collapse: collapse; margin: 0; border: 0; font-size: .88rem;
  line-height: 1.45; }
.bench th, .bench td { padding: .5rem .75rem; text-align: left; vertical-align: top; border: 0;
  border-top: 1px solid var(--line); font-weight: 400; color: var(--ink); background: none;
  overflow-wrap: anywhere; }
.bench tr { border: 0; }
.bench thead th { border-top: 0; color: var(--soft); font-size: .8rem; font-weight: 600;
  white-space: nowrap; background: var(--read); }
.bench small { color: var(--soft); font-size: .78rem; }
.bench .dot { display: inline-block; width: .7em; height: .7em; border-radius: 50%;
  background: var(--arm); margin-right: .4em; }
.bench .duels { table-layout: fixed; }
.bench .duels th:first-child { width: 30%; } .bench .duels th:last-child { width: 8.2rem; }
.bench .duels small { display: block; margin-top: .15rem; }
.bench .label { display: none; }
.bench .duels tbody tr { cursor: pointer; }
.bench .duels tbody tr:hover { background: var(--read); }
.bench .duels tr[aria-current] { box-shadow: inset 3px 0 0 var(--soft); }
.bench .duels button { background: none; border: 0; padding: 0; margin: 0; font: inherit;
  font-weight: 600; color: var(--ink); text-align: left; cursor: pointer; border-radius: 3px; }
.bench .duels button:hover { text-decoration: underline; }
.bench .duels button:focus-visible, .bench.whole:focus-visible {
  outline: 2px solid var(--sft); outline-offset: 2px; }
.bench .sign { font-weight: 700; } .bench .sign.yes * { color: var(--right); }
.bench .sign.no * { color: var(--wrong); }
.bench del, .bench ins { color: inherit; background: var(--read); border-radius: 3px;
  padding: 0 2px; text-decoration: none; }
.bench .pill { display: inline-block; padding: .1rem .6rem; border-radius: 1rem; font-size: .8rem;
  font-weight: 600; white-space: nowrap; border: 1px solid var(--line); color: var(--ink); }
.bench .pill.won { border: 2px solid var(--arm); }
.bench .pill.right { color: var(--right); background: var(--right-ground); }
.bench .pill.wrong { color: var(--wrong); background: var(--wrong-ground); }
.bench .pill.unanswered { color: var(--soft); }
.bench .slices th[scope=row] { font-weight: 600; min-width: 8rem; }
.bench .slices .number { font-variant-numeric: tabular-nums; white-space: nowrap; }
.bench .slices .bar { min-width: 15rem; width: 34%; }
.bench .track { display: flex; height: .7rem; border-radius: 3px; overflow: hidden; gap: 1px;
  margin: .25rem 0 .15rem; }
.bench .track i { display: block; min-width: 2px; }
.bench .track .won, .bench .key.won::before { background: var(--arm); }
.bench .track .right, .bench .key.right::before { background: var(--soft); }
.bench .track .wrong, .bench .key.wrong::before { background: var(--line); }
.bench .untested { color: var(--soft); }
.bench .few { font-size: .75rem; font-weight: 400; color: var(--soft);
  border: 1px solid var(--line); border-radius: 1rem; padding: 0 .45rem; white-space: nowrap; }
.bench .legend { display: flex; flex-wrap: wrap; gap: .2rem 1rem; font-size: .8rem;
  color: var(--soft); margin: .5rem 0 .25rem; }
.bench .key::before { content: ""; display: inline-block; width: .8em; height: .8em;
  border-radius: 2px; margin-right: .4em; vertical-align: -.05em; }
.bench.run { min-height: 1.5rem; font-size: .9rem; }
.bench.run p { display: flex; flex-wrap: wrap; gap: 0 .8rem; }
.bench .progress { height: .5rem; border-radius: 3px; background: var(--line); overflow: hidden;
  margin-top: .35rem; }
.bench .progress i { display: block; height: 100%; background: var(--sft); }
.bench-new { gap: .35rem !important; }
.bench-buttons { justify-content: flex-start !important; }
.bench-buttons button { flex: 0 1 auto !important; }
.bench.whole { background: var(--pane); border: 1px solid var(--line); border-radius: 8px;
  padding: 1rem 1.2rem; display: grid; gap: .8rem; }
.bench.whole header { display: flex; flex-wrap: wrap; gap: .4rem .8rem; align-items: center; }
.bench.whole h3 { margin: 0; font-size: 1.2rem; line-height: 1.35; color: var(--ink); }
.bench.whole h4 { margin: 0 0 .3rem; font-size: .9rem; color: var(--ink); }
.bench.whole dl { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: .2rem .9rem;
  margin: 0; font-size: .9rem; }
.bench.whole dt { color: var(--soft); } .bench.whole dd { margin: 0; grid-column: 2;
  overflow-wrap: anywhere; }
.bench.whole .both { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 14px; }
.bench.whole .said { border: 1px solid var(--line); border-top: 4px solid var(--arm);
  border-radius: 8px; padding: .7rem .9rem; }
.bench.whole .words { font-size: 1.02rem; line-height: 1.5; overflow-wrap: anywhere; }
.bench.whole .why { margin-top: .5rem; font-size: .88rem; }
.bench.whole .figures { margin-top: .5rem; }
.bench.whole .difference del { text-decoration: line-through; }
.bench.whole .difference ins { text-decoration: underline; }
.bench.whole ol { list-style: none; margin: 0; padding: 0; display: grid; gap: .5rem; }
.bench.whole li { border-top: 1px solid var(--line); padding-top: .5rem; font-size: .88rem;
  overflow-wrap: anywhere; }
.bench.whole li p { display: block; color: var(--soft); margin-top: .2rem; }
.bench.whole .taken { display: block; margin-top: .2rem; }
.bench .holds { color: var(--right); background: var(--right-ground); border-radius: 1rem;
  padding: 0 .55rem; font-size: .78rem; font-weight: 600; white-space: nowrap; }
@media (max-width: 720px) {
  .bench table, .bench tbody, .bench tr, .bench td, .bench tbody th { display: block; }
  .bench thead { display: none; }
  .bench .duels th:first-child, .bench .duels td { width: auto; }
  .bench tbody tr { border-top: 1px solid var(--line); padding: .5rem 0; }
  .bench tbody tr:first-child { border-top: 0; }
  .bench tbody th, .bench tbody td { border: 0; padding: .15rem .75rem; }
  .bench .label { display: inline-block; min-width: 4.4rem; color: var(--soft);
    font-size: .8rem; }
  .bench .slices .bar { width: auto; min-width: 0; }
  .bench.whole .both { grid-template-columns: minmax(0, 1fr); }
  .bench.whole dl { grid-template-columns: minmax(0, 1fr); } .bench.whole dd { grid-column: 1; }
}
"""
