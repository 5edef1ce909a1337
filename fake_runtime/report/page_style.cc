#include "fake_runtime/report/page_assets.h"

namespace kiln {

absl::string_view PageStyle() {
  return R"CSS(
:root { color-scheme:light dark; --bg:#fbfaf8; --panel:#fff; --ink:#22201d; --quiet:#77716a; --line:#dcd6ce; --box:#fff; --input:#eef4fb;
  --edge:#b3aaa0; --guard:#9a5b00; --guardbg:#fff4dc; --sym:#0b6bcb; --hit:#d9480f; --out:#eaf6ec; }
@media (prefers-color-scheme: dark) { :root { --bg:#191816; --panel:#211f1d; --ink:#e9e5df; --quiet:#9d968d;
  --line:#3b3733; --box:#262421; --input:#1e2a38; --edge:#6a635b; --guard:#f3bd5f; --guardbg:#3a2d13; --sym:#6cb2ff;
  --hit:#ff8c5a; --out:#1d3324; } }
* { box-sizing:border-box }
body { margin:0; height:100vh; display:grid; grid-template-columns:320px 1fr; background:var(--bg); color:var(--ink);
  font:13px/1.45 system-ui, sans-serif }
aside { background:var(--panel); border-right:1px solid var(--line); overflow:auto; padding:14px 16px }
main { overflow:auto; position:relative }
h1 { font-size:15px; margin:0 0 2px } h2 { font-size:12px; margin:16px 0 4px; color:var(--quiet); font-weight:600 }
p { margin:2px 0 } .quiet { color:var(--quiet) }
code, .mono, svg text { font-family:ui-monospace, "DejaVu Sans Mono", Menlo, monospace; font-size:11px }
input { width:100%; padding:6px 8px; border:1px solid var(--line); border-radius:6px; background:var(--bg);
  color:var(--ink); font:inherit }
button { border:1px solid var(--line); background:var(--panel); color:var(--ink); border-radius:6px; padding:3px 9px;
  font:inherit; cursor:pointer }
.tools { display:flex; gap:6px; margin:8px 0; align-items:center }
ul { list-style:none; margin:0; padding:0 } li { padding:3px 0; border-bottom:1px solid var(--line); overflow-wrap:anywhere }
li:last-child { border-bottom:0 }
.fact { color:var(--guard) } .sym, a { color:var(--sym); cursor:pointer; text-decoration:none }
svg .sym { fill:var(--sym); cursor:pointer } svg .sym:hover, .sym:hover, a:hover { text-decoration:underline }
svg { display:block } svg text { fill:var(--ink) }
.box rect.frame { fill:var(--box); stroke:var(--line) } .box { cursor:pointer }
.box.input rect.frame { fill:var(--input) } .box.output rect.frame { fill:var(--out) }
.box .op { font-weight:600 } .box .no, .box .at, .far, .label { fill:var(--quiet) }
.far { cursor:pointer } rect.guardbg { fill:var(--guardbg) } .guard { fill:var(--guard) }
path.edge { fill:none; stroke:var(--edge); stroke-width:1.2 }
.picked rect.frame { stroke:var(--sym); stroke-width:2 } .hit rect.frame { stroke:var(--hit); stroke-width:2.5 }
svg.lit .box, svg.lit .edge, svg.lit .label, svg.lit .far { opacity:.22 }
svg.lit .box.on, svg.lit .edge.on, svg.lit .label.on, svg.lit .far.on { opacity:1 }
svg.lit path.edge.on { stroke:var(--sym); stroke-width:2 }
table { border-collapse:collapse; width:100% } td { vertical-align:top; padding:1px 6px 1px 0; overflow-wrap:anywhere }
td:first-child { color:var(--quiet); white-space:nowrap }
)CSS";
}

}  // namespace kiln
