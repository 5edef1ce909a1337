#include "clients/cli/compile_page_assets.h"

namespace kiln {

absl::string_view CompilePageMarkup() {
  return R"HTML(<section id="code" hidden><header><span id="code-name"></span><span class="quiet" id="code-note"></span>
<button id="code-tall">Taller</button><button id="code-close" title="Close">&times;</button></header>
<div class="columns"><div><h2>loop IR</h2><pre></pre></div><div><h2>LLVM IR</h2><pre></pre></div>
<div><h2>assembly</h2><pre></pre></div></div></section>
)HTML";
}

// A kernel's colour is its hue; how light it is depends on the theme.
absl::string_view CompilePageStyle() {
  return R"CSS(
:root { --fill:68% 88%; --rim:45% 62%; --mark:55% 55% }
@media (prefers-color-scheme: dark) { :root { --fill:34% 24%; --rim:38% 46%; --mark:50% 55% } }
body { grid-template-columns:380px minmax(0,1fr); grid-template-rows:minmax(0,1fr) auto }
aside { grid-row:1 / 3 }
.box.tint rect.frame { fill:hsl(var(--h) var(--fill)); stroke:hsl(var(--h) var(--rim)) }
.box rect.stripe { fill:hsl(var(--h) var(--mark)) }
.box.extern rect.frame { stroke-dasharray:5 3; stroke:var(--quiet); stroke-width:1.5 }
.box.picked rect.frame { stroke:var(--sym); stroke-width:2.5; stroke-dasharray:none }
.box.tint .at, .box.tint .no { fill:var(--ink); opacity:.72 }
.swatch { display:inline-block; width:10px; height:10px; border-radius:3px; margin-right:6px; vertical-align:-1px;
  background:hsl(var(--h) var(--mark)) }
.swatch.host { background:none; border:1.5px dashed var(--quiet) }
.bar { display:grid; grid-template-columns:minmax(0,1fr) max-content; gap:0 8px; padding:2px 0; align-items:center }
.bar > .name { overflow:hidden; text-overflow:ellipsis; white-space:nowrap }
.bar > .ms { text-align:right; white-space:nowrap; color:var(--quiet); font-variant-numeric:tabular-nums }
.bar > .track { grid-column:1 / 3; height:5px; border-radius:3px; background:var(--bg); overflow:hidden }
.bar > .track > span { display:block; height:100%; border-radius:3px; background:var(--quiet) }
.bar > .track > span.tint { background:hsl(var(--h) var(--mark)) }
#code { grid-column:2; height:44vh; min-width:0; border-top:1px solid var(--line); background:var(--panel);
  display:grid; grid-template-rows:auto minmax(0,1fr) }
#code[hidden] { display:none } #code.tall { height:78vh }
#code header { display:flex; gap:10px; align-items:center; padding:6px 12px; border-bottom:1px solid var(--line) }
#code-name { font-weight:600; overflow:hidden; text-overflow:ellipsis; white-space:nowrap } #code-note { flex:1 }
.columns { display:grid; grid-template-columns:repeat(3, minmax(0,1fr)); min-height:0 }
.columns > div { display:grid; grid-template-rows:auto minmax(0,1fr); min-width:0; min-height:0; padding:0 0 0 12px;
  border-right:1px solid var(--line) }
.columns > div:last-child { border-right:0 } .columns h2 { margin:6px 0 2px }
.alone .columns { grid-template-columns:minmax(0,1fr) } .alone .columns > div:not(:last-child) { display:none }
pre { margin:0; overflow:auto; font:11px/1.45 ui-monospace, "DejaVu Sans Mono", Menlo, monospace; tab-size:8 }
@media (max-width: 900px) { body { grid-template-columns:260px minmax(0,1fr) }
  .columns { grid-template-columns:none; overflow:auto } .columns > div { border-right:0 } }
)CSS";
}

absl::string_view CompilePageScript() {
  return R"JS(
const code = document.getElementById('code'), panes = code.querySelectorAll('pre');
const known = v => v !== null && v !== undefined;
function swatch(k) {
  const e = make('span', undefined, known(k) ? 'swatch' : 'swatch host');
  if (known(k)) e.style.setProperty('--h', data.kernels[k].hue);
  return e;
}
function kernelLink(k) {
  const link = make('a', data.kernels[k].name);
  link.dataset.kernel = k;
  return link;
}
function list(title, items) {
  if (!items.length) return;
  const ul = make('ul');
  ul.append(...items);
  detail.append(make('h2', title), ul);
}
function item(...parts) {
  const li = make('li');
  li.append(...parts);
  return li;
}
function bar(name, ms, most, k) {
  const row = make('div', undefined, 'bar'), label = make('span', undefined, 'name');
  label.append(...[name].flat());
  row.append(label, make('span', known(ms) ? ms.toFixed(ms < 10 ? 2 : 1) + ' ms' : '', 'ms'));
  if (known(ms)) {
    const track = make('span', undefined, 'track'), part = make('span', undefined, known(k) ? 'tint' : '');
    part.style.width = (most > 0 ? 100 * ms / most : 0) + '%';
    if (known(k)) part.style.setProperty('--h', data.kernels[k].hue);
    track.append(part);
    row.append(track);
  }
  return row;
}
function showCode(k) {
  const kernel = data.kernels[k], texts = kernel.code || ['', '', ''];
  code.hidden = false;
  document.getElementById('code-name').replaceChildren(swatch(k), kernel.name);
  const alone = !texts[0] && !texts[1];
  code.classList.toggle('alone', alone);
  document.getElementById('code-note').textContent =
    alone ? 'an artifact holds machine code alone: give the graph to see loops and LLVM IR' : '';
  panes.forEach((pane, i) => {
    pane.textContent = texts[i] || 'not here';
    pane.scrollTo(0, 0);
  });
}
// What a kernel is, under what is shown already.
function tellKernel(k) {
  const kernel = data.kernels[k], title = make('p', undefined, 'mono');
  title.append(swatch(k), kernelLink(k), ' ×' + kernel.runs);
  detail.append(make('h2', 'kernel'), title);
  if (known(kernel.ms)) detail.append(make('p', 'made in ' + kernel.ms.toFixed(2) + ' ms', 'quiet'));
  list('why', kernel.reasons.map(text => item(text)));
  list(kernel.runs > 1 ? 'each run' : 'its run', kernel.work.map(text => item(expression(text, make('span', undefined, 'mono')))));
  list('operators', kernel.ops.map(op => {
    const link = make(known(op.box) ? 'a' : 'span', op.op, 'mono');
    if (known(op.box)) link.dataset.box = op.box;
    return item(link, ' ', make('span', op.at, 'quiet'));
  }));
  showCode(k);
}
function showKernel(k, go) {
  dark();
  svg.classList.add('lit');
  const boxes = data.steps.filter(s => s.kernel === k).flatMap(s => s.boxes);
  for (const b of boxes) boxOf(b).classList.add('on');
  detail.replaceChildren();
  tellKernel(k);
  if (go && boxes.length) goTo(boxes[0]);
}
more.dark.push(() => { code.hidden = true; });
more.box.push(id => {
  const here = data.steps.filter(s => s.boxes.includes(id));
  if (data.steps_only) {
    // What the operators below say with their lines.
    detail.querySelector('p.mono').remove();
    detail.querySelector('h2').textContent = 'step ' + id;
  }
  for (const s of here.filter(s => known(s.extern)))
    list('the host runs', [item(data.externs[s.extern].about), item(make('span', s.work, 'mono'))]);
  const kernels = [...new Set(here.filter(s => known(s.kernel)).map(s => s.kernel))];
  if (kernels.length > 1) list('computed by ' + kernels.length + ' kernels', kernels.map(k => item(swatch(k), kernelLink(k))));
  if (kernels.length) tellKernel(kernels[0]);
  if (!here.length && data.boxes[id].head.startsWith('node ')) detail.append(make('p', 'no step of its own: a view, a size, or a constant', 'quiet'));
});
more.overview.push(() => {
  const stages = data.stages, most = Math.max(0, ...stages.map(s => s[1]));
  if (stages.length) {
    detail.append(make('h2', 'compile, by stage: ' + stages.reduce((a, s) => a + s[1], 0).toFixed(1) + ' ms'));
    for (const [name, ms] of stages) detail.append(bar(name, ms, most));
  } else detail.append(make('p', 'Times are in the .variant record, which was not beside the artifact.', 'quiet'));
  const slowest = Math.max(0, data.entry || 0, ...data.kernels.map(k => k.ms || 0));
  detail.append(make('h2', slowest ? 'kernels, by code generation (threads side by side)' : 'kernels'));
  data.kernels.forEach((kernel, k) =>
    detail.append(bar([swatch(k), kernelLink(k), kernel.runs > 1 ? ' ×' + kernel.runs : ''], kernel.ms, slowest, k)));
  if (known(data.entry)) detail.append(bar('the entry: sizes, buffers, calls', data.entry, slowest));
  list('the host runs', data.externs.map(op => item(swatch(), op.about)));
  detail.append(make('h2', 'artifact'));
  const table = make('table');
  for (const [name, text] of data.about) row(table, name, text);
  detail.append(table);
});
more.hash.push(hash => {
  if (!hash.startsWith('kernel=')) return;
  const k = data.kernels.findIndex(kernel => kernel.name === hash.slice(7));
  if (k >= 0) showKernel(k, true);
});
document.addEventListener('click', e => {
  const link = e.target.closest('[data-kernel]');
  if (link) showKernel(+link.dataset.kernel, true);
});
document.getElementById('code-close').addEventListener('click', () => { code.hidden = true; });
document.getElementById('code-tall').addEventListener('click', e => {
  e.target.textContent = code.classList.toggle('tall') ? 'Lower' : 'Taller';
});
)JS";
}

}  // namespace kiln
