#pragma once

namespace evaluate {

// The style of a report: light, dark and on paper.
inline constexpr const char* kReportStyle = R"css(
:root { color-scheme: light dark;
  --page: #fbfaf8; --card: #ffffff; --text: #22252a; --soft: #646a73; --line: #e2dfd9; --head: #f3f1ec;
  --good: #1d7a4f; --bad: #b3392f; --warn: #8a5a00; --warn-back: #fdf3dc; --accent: #2f5f98;
  --s1: #2f6fb5; --s2: #d9772b; --s3: #2f8f6b; --s4: #9b5fb0; --s5: #b59a1f; --s6: #c2477f; }
@media (prefers-color-scheme: dark) { :root {
  --page: #16181c; --card: #1d2025; --text: #e4e4e1; --soft: #9aa0a8; --line: #343840; --head: #24282e;
  --good: #6cc69b; --bad: #ee8a80; --warn: #f0c36a; --warn-back: #33291380; --accent: #8ab6e8;
  --s1: #6aa6e6; --s2: #efa064; --s3: #62c39e; --s4: #c898da; --s5: #d9c25a; --s6: #ea86b1; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", "Helvetica Neue", Arial, sans-serif; }
main { max-width: 70rem; margin: 0 auto; padding: 2.5rem 1.5rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .3rem; letter-spacing: -.01em; }
h2 { font-size: 1.25rem; margin: 2.8rem 0 .6rem; }
h3 { font-size: 1rem; margin: 1.6rem 0 .4rem; }
p { margin: .4rem 0 .8rem; max-width: 48rem; text-wrap: pretty; }
.soft, .subtitle { color: var(--soft); }
.small { font-size: .85rem; }
.findings { background: var(--card); border: 1px solid var(--line); border-left: 4px solid var(--accent);
  border-radius: 6px; padding: .9rem 1.2rem; margin: 1.4rem 0; }
.findings p { max-width: none; margin: .25rem 0; }
.warnings { background: var(--warn-back); color: var(--warn); border-radius: 6px; padding: .7rem 1.2rem; margin: 1rem 0; }
.warnings p { max-width: none; margin: .2rem 0; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .42rem .6rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
th { font-weight: 600; color: var(--soft); background: var(--head); font-size: .82rem; }
th:first-child, td:first-child, .left { text-align: left; }
tbody tr:last-child td { border-bottom: 0; }
.table { border: 1px solid var(--line); border-radius: 6px; background: var(--card); overflow-x: auto;
  margin: .6rem 0 1rem; }
.good { color: var(--good); } .bad { color: var(--bad); }
td.best { font-weight: 650; }
td.wrap { white-space: normal; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(28rem, 100%), 1fr)); gap: 1rem; }
figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: .8rem .9rem .4rem;
  break-inside: avoid; }
figcaption { font-weight: 600; font-size: .92rem; margin-bottom: .3rem; display: flex; flex-wrap: wrap; gap: .2rem 1rem; }
.legend { font-weight: 400; color: var(--soft); display: flex; flex-wrap: wrap; gap: .1rem .9rem; }
.key { display: inline-block; width: 1rem; height: .2rem; border-radius: 2px; vertical-align: middle; margin-right: .35rem; }
svg { display: block; width: 100%; height: auto; } .alone { display: none; }
.tools { display: flex; gap: .3rem; justify-content: flex-end; margin: -.5rem 0 1rem; }
figure .tools { margin: .2rem 0 .3rem; }
.tools button { font: inherit; font-size: .75rem; color: var(--soft); background: var(--head); cursor: pointer;
  border: 1px solid var(--line); border-radius: 4px; padding: .1rem .5rem; }
.tools button:hover, .tools button:focus-visible { color: var(--text); border-color: var(--accent); }
.said { position: fixed; right: 1rem; bottom: 1rem; margin: 0; padding: .4rem .9rem; border-radius: 6px;
  background: var(--text); color: var(--page); font-size: .85rem; } .said:empty { display: none; }
.tick { fill: var(--soft); font-size: 12px; font-family: inherit; }
.axis { stroke: var(--soft); stroke-width: 1; } .grid { stroke: var(--line); stroke-width: 1; }
.curve { fill: none; stroke-width: 1.8; stroke-linejoin: round; stroke-linecap: round; }
.curve.s1 { stroke: var(--s1); } .curve.s2 { stroke: var(--s2); } .curve.s3 { stroke: var(--s3); }
.curve.s4 { stroke: var(--s4); } .curve.s5 { stroke: var(--s5); } .curve.s6 { stroke: var(--s6); }
.dot.s1 { fill: var(--s1); } .dot.s2 { fill: var(--s2); } .dot.s3 { fill: var(--s3); }
.dot.s4 { fill: var(--s4); } .dot.s5 { fill: var(--s5); } .dot.s6 { fill: var(--s6); }
.key.s1 { background: var(--s1); } .key.s2 { background: var(--s2); } .key.s3 { background: var(--s3); }
.key.s4 { background: var(--s4); } .key.s5 { background: var(--s5); } .key.s6 { background: var(--s6); }
svg.interval { width: 7.5rem; height: 1.1rem; display: inline-block; vertical-align: middle; }
svg.interval .zero { stroke: var(--soft); stroke-dasharray: 2 2; }
svg.interval .range { stroke: currentColor; stroke-width: 2; } svg.interval circle { fill: currentColor; }
.sample { background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: .9rem 1.2rem; margin: .9rem 0;
  break-inside: avoid; }
.turn { margin: .15rem 0; max-width: none; overflow-wrap: anywhere; } .turn b { color: var(--soft); font-weight: 600; font-size: .82rem; margin-right: .4rem; }
.replies { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(18rem, 100%), 1fr)); gap: .8rem; margin-top: .8rem; }
.reply { background: var(--head); border-radius: 6px; padding: .6rem .9rem; overflow-wrap: anywhere; }
.reply h4 { margin: 0 0 .2rem; font-size: .82rem; color: var(--soft); }
.reply ol { margin: .4rem 0 0; padding: 0; list-style: none; font-size: .85rem; color: var(--soft); }
.reply li { display: flex; justify-content: space-between; gap: 1rem; }
details { margin: .6rem 0; } summary { cursor: pointer; color: var(--accent); }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: .9rem 1.1rem; font-size: .82rem;
  overflow-x: auto; font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
@media print {
  :root { color-scheme: light; --page: #fff; --card: #fff; --text: #000; --soft: #444; --line: #d5d5d5; --head: #f2f2f2;
    --good: #14603c; --bad: #8f2a22; --warn: #5a3b00; --warn-back: #fff; --accent: #1d3f68; }
  main { max-width: none; padding: 0; } body { font-size: 11px; } h2 { break-after: avoid; }
  .tools, .said { display: none; }
  th, td { padding: .25rem .4rem; } tr { break-inside: avoid; } .table { overflow: visible; }
  details::details-content { display: block; content-visibility: visible; } pre { white-space: pre-wrap; } }
)css";

}  // namespace evaluate
