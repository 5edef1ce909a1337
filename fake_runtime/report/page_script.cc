#include "fake_runtime/report/page_assets.h"

namespace kiln {

// Text goes into the page by textContent only, never as markup.
absl::string_view PageScript() {
  return R"JS('use strict';
const data = JSON.parse(document.getElementById('data').textContent);
const svg = document.querySelector('svg'), main = document.querySelector('main');
const detail = document.getElementById('detail'), search = document.getElementById('search');
const found = document.getElementById('found');
const wide = svg.viewBox.baseVal.width, high = svg.viewBox.baseVal.height;
let scale = 1, hits = [], at = 0;
// What a page adds: to what is shown at first, to a box, to what Escape and the
// address do.
const more = { overview: [], box: [], dark: [], hash: [] };

function make(tag, text, kind) {
  const e = document.createElement(tag);
  if (text !== undefined) e.textContent = text;
  if (kind) e.className = kind;
  return e;
}
function boxOf(id) { return document.getElementById('b' + id); }
function zoom(to) {
  const x = (main.scrollLeft + main.clientWidth / 2) / scale, y = (main.scrollTop + main.clientHeight / 2) / scale;
  scale = Math.min(3, Math.max(0.05, to));
  svg.setAttribute('width', wide * scale);
  svg.setAttribute('height', high * scale);
  main.scrollTo(x * scale - main.clientWidth / 2, y * scale - main.clientHeight / 2);
}
function goTo(id) {
  const box = boxOf(id).getBBox();
  main.scrollTo({ left: (box.x + box.width / 2) * scale - main.clientWidth / 2,
                  top: (box.y + box.height / 2) * scale - main.clientHeight / 2, behavior: 'smooth' });
}
function dark() {
  svg.classList.remove('lit');
  for (const e of svg.querySelectorAll('.on, .picked')) e.classList.remove('on', 'picked');
  for (const f of more.dark) f();
}
// Words of an expression; those that are symbols can be clicked.
function expression(text, into) {
  for (const word of text.split(/([A-Za-z_][A-Za-z0-9_.]*)/)) {
    if (!data.symbols.some(s => s.name === word)) { into.append(word); continue; }
    const link = make('span', word, 'sym');
    link.dataset.s = word;
    into.append(link);
  }
  return into;
}
function facts(title, list) {
  if (!list.length) return;
  detail.append(make('h2', title));
  const ul = make('ul');
  for (const f of list) {
    const li = make('li');
    li.append(expression(f.condition, make('code', undefined, 'fact')), make('br'));
    const who = make(f.box === undefined ? 'span' : 'a', f.who, f.box === undefined ? 'quiet' : '');
    if (f.box !== undefined) who.dataset.box = f.box;
    li.append(who);
    ul.append(li);
  }
  detail.append(ul);
}
function speaks(text, symbol) { return text.split(/[^A-Za-z0-9_.]+/).includes(symbol); }
function showSymbol(name) {
  const s = data.symbols.find(x => x.name === name);
  if (!s) return;
  dark();
  svg.classList.add('lit');
  for (const e of svg.querySelectorAll('[data-syms]'))
    if (e.dataset.syms.split(' ').includes(name)) e.classList.add('on');
  detail.replaceChildren(make('h2', 'symbol'));
  detail.append(make('p', s.title, 'mono'), make('p', s.about, 'quiet'));
  const of = list => list.filter(f => speaks(f.condition, name));
  facts('guards on it', of(data.guards));
  facts('recorded, but implied', of(data.implied));
  facts('tested when the code runs', of(data.asserts));
}
function row(table, name, text) {
  if (!text) return;
  const tr = make('tr');
  tr.append(make('td', name), expression(text, make('td', undefined, 'mono')));
  table.append(tr);
}
function showBox(id) {
  dark();
  boxOf(id).classList.add('picked');
  const b = data.boxes[id];
  detail.replaceChildren(make('h2', b.head), make('p', b.text, 'mono'));
  if (b.at) detail.append(make('p', b.at, 'quiet'));
  for (const f of more.box) f(id, b);
  for (const v of b.values) {
    detail.append(make('h2', v.name));
    const table = make('table');
    for (const [name, text] of v.rows) row(table, name, text);
    detail.append(table);
  }
  const here = list => list.filter(f => f.box === id);
  facts('guards born here', here(data.guards));
  facts('recorded here, but implied', here(data.implied));
  facts('runtime asserts', here(data.asserts));
}
function find(step) {
  for (const e of svg.querySelectorAll('.hit')) e.classList.remove('hit');
  const words = search.value.toLowerCase().split(/\s+/).filter(w => w);
  hits = words.length ? data.boxes.map((b, i) => [b, i]).filter(([b]) => words.every(w => b.find.includes(w))).map(x => x[1]) : [];
  found.textContent = words.length ? hits.length + ' found' : '';
  if (!hits.length) return;
  at = (at + step + hits.length) % hits.length;
  if (step === 0) at = 0;
  for (const h of hits) boxOf(h).classList.add('hit');
  found.textContent = (at + 1) + ' of ' + hits.length;
  goTo(hits[at]);
}
search.addEventListener('input', () => find(0));
search.addEventListener('keydown', e => { if (e.key === 'Enter') find(e.shiftKey ? -1 : 1); });
document.addEventListener('keydown', e => {
  if (e.key === '/' && document.activeElement !== search) { e.preventDefault(); search.focus(); }
  if (e.key === 'Escape') { dark(); search.blur(); overview(); }
});
document.addEventListener('click', e => {
  const symbol = e.target.closest('[data-s]');
  if (symbol) { showSymbol(symbol.dataset.s); return; }
  const jump = e.target.closest('[data-box]');
  if (jump) { showBox(+jump.dataset.box); goTo(+jump.dataset.box); return; }
  const box = e.target.closest('.box');
  if (box) showBox(+box.id.slice(1));
  else if (e.target === svg) { dark(); overview(); }
});
main.addEventListener('wheel', e => {
  if (!e.ctrlKey) return;
  e.preventDefault();
  zoom(scale * (e.deltaY < 0 ? 1.15 : 1 / 1.15));
}, { passive: false });
document.getElementById('in').addEventListener('click', () => zoom(scale * 1.25));
document.getElementById('out').addEventListener('click', () => zoom(scale / 1.25));
document.getElementById('fit').addEventListener('click', () =>
  zoom(Math.min(main.clientWidth / wide, main.clientHeight / high)));
function overview() {
  detail.replaceChildren();
  for (const f of more.overview) f();
  if (data.symbols.length) {
    detail.append(make('h2', 'symbols'));
    const ul = make('ul');
    for (const s of data.symbols) {
      const li = make('li', undefined, 'mono'), link = make('span', s.name, 'sym');
      link.dataset.s = s.name;
      li.append(link, s.title.slice(s.name.length));
      ul.append(li);
    }
    detail.append(ul);
  }
  facts('guards', data.guards);
  facts('runtime asserts', data.asserts);
}
)JS";
}

absl::string_view PageScriptStart() {
  return R"JS(overview();
main.scrollLeft = Math.max(0, (data.start * scale) - main.clientWidth / 2);
const hash = decodeURIComponent(location.hash.slice(1));
if (hash.startsWith('symbol=')) showSymbol(hash.slice(7));
if (hash.startsWith('node=')) { const i = data.boxes.findIndex(b => b.head.startsWith('node ' + hash.slice(5) + ' ')); if (i >= 0) { showBox(i); goTo(i); } }
if (hash.startsWith('find=')) { search.value = hash.slice(5); find(0); }
for (const f of more.hash) f(hash);
)JS";
}

}  // namespace kiln
