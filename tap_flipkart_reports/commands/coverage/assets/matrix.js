// Sellers × report types: rows are drawn as they are reached, the worst first.
const CHUNK = 40;
const SOON = 30; // days before its end from which the end of an authorisation is shown beside the seller
const shown = { rows: sellers, columns: [], drawn: 0, body: null };
let current = null; // the cell that Tab reaches
let opened = null; // { seller, type, row }

const cellWords = (seller, type, cell, letter) => {
  const name = `${seller.name}, ${data.types[type][0]}`;
  if (!letter) return `${name}: no day is wanted`;
  const failed = cell.failures.length ? [`${count(cell.failures.length, "window")} failed`] : [];
  const days = LETTERS.filter((one) => cell.face.days[one]).map(
    (one) => `${count(cell.face.days[one], "day")} ${WORDS[one]}`,
  );
  return `${name}: ${[...failed, ...days].join(", ")}`;
};

const badgeOf = (cell, letter) => {
  if (!TROUBLE.includes(letter)) return null;
  const number = cell.failures.length || cell.face.days[letter];
  return h(
    "span",
    { class: `badge ${WORDS[letter]}-badge`, "aria-hidden": "true" },
    `${SIGNS[letter]} ${figure(number)}`,
  );
};

// Of many warehouses those three that have the most trouble; behind the cell are all.
const worstStrips = (cell) => {
  const rank = (runs) => Math.min(...runs.map((run) => LETTERS.indexOf(run.letter)), LETTERS.length);
  const strips = cell.face.strips.map(([, number]) => runsOf[number]);
  return strips.length > 3 ? strips.sort((one, other) => rank(one) - rank(other)).slice(0, 3) : strips;
};

const drawCell = (seller, type) => {
  const cell = cellAt(seller.number, type);
  const letter = seller.worst[type];
  const box = h("td", {
    role: "gridcell",
    tabindex: -1,
    class: letter ? `cell ${TROUBLE.includes(letter) ? "is-trouble" : ""}` : "cell none",
    "aria-label": cellWords(seller, type, cell, letter),
    "aria-expanded": letter ? "false" : null,
  });
  box.place = { seller: seller.number, type };
  if (!letter) box.append("–");
  else
    box.append(
      h(
        "div",
        { class: "face" },
        worstStrips(cell).map((runs, _, all) => strip(runs, columnRanges[type], { height: 22 / all.length })),
        badgeOf(cell, letter),
      ),
    );
  return box;
};

const drawMore = (until) => {
  const { rows, columns, body } = shown;
  const end = Math.min(rows.length, until);
  const made = [];
  for (let row = shown.drawn; row < end; row += 1) {
    const seller = rows[row];
    const ends = data.authorisations[seller.number];
    const line = h(
      "tr",
      { role: "row" },
      h(
        "th",
        { scope: "row", role: "rowheader" },
        seller.name,
        ends === null || ends - data.made / 1440 > SOON
          ? null
          : h("span", { class: "muted authorisation" }, `authorised until ${shortDay(ends)}`),
      ),
      columns.map((type) => drawCell(seller, type)),
    );
    line.seller = seller.number;
    made.push(line);
  }
  body.append(...made);
  shown.drawn = Math.max(end, shown.drawn);
  const left = rows.length - shown.drawn;
  byId("more").hidden = left === 0;
  byId("more").textContent = `show more of ${count(left, "further seller")}`;
  if (!current && body.querySelector("td.cell")) reach(body.querySelector("td.cell"));
};

const behindOf = data.types.map(() => ({ sellers: 0, until: null }));
for (const [, type, until, , newest, behind] of data.progress) {
  const known = behindOf[type];
  if (behind >= known.sellers) Object.assign(known, { sellers: behind, until, newest });
}
const headWords = (type) => {
  const { sellers: behind, newest } = behindOf[type];
  if (newest === undefined) return "no day wanted";
  if (!behind) return `up to ${shortDay(newest)}`;
  return data.sellers.length === 1 ? "behind" : `${figure(behind)} behind`;
};
const broken = (name) =>
  name.split("_").flatMap((part, at) => (at ? ["_", document.createElement("wbr"), part] : [part]));

const drawMatrix = () => {
  const { rows, columns } = search(byId("find").value, byId("only").checked);
  shown.rows = [...rows].sort(byId("sort").value === "name" ? byName : byTrouble);
  shown.columns = columns;
  shown.drawn = 0;
  shown.body = h("tbody");
  current = opened = null;
  const heads = columns.map((type) =>
    h(
      "th",
      { scope: "col", role: "columnheader", title: data.types[type][1] },
      broken(data.types[type][0]),
      h("span", { class: `muted as-of${behindOf[type].sellers ? " is-behind" : ""}` }, headWords(type)),
    ),
  );
  const table = h(
    "table",
    { class: "map", role: "grid", "aria-labelledby": "matrix-title" },
    h(
      "colgroup",
      {},
      h("col", { class: "names" }),
      columns.map(() => h("col")),
    ),
    h("thead", {}, h("tr", { role: "row" }, h("td"), heads)),
    shown.body,
  );
  table.classList.toggle("few", columns.length < 4);
  byId("matrix").replaceChildren(table);
  drawMore(CHUNK);
  byId("told").textContent = `${count(rows.length, "seller")}, ${count(columns.length, "report type")}`;
};

// By keyboard: one cell is reached by Tab, the others by arrows.
const reach = (cell) => {
  current?.setAttribute("tabindex", "-1");
  current = cell;
  current.setAttribute("tabindex", "0");
};
const go = (cell) => {
  if (!cell) return;
  reach(cell);
  cell.focus();
  cell.scrollIntoView({ block: "nearest", inline: "nearest" });
};
const lineBeside = (line, step) => {
  let next = line;
  do {
    next = step > 0 ? next.nextElementSibling : next.previousElementSibling;
  } while (next && next.seller === undefined);
  if (!next && step > 0 && shown.drawn < shown.rows.length) {
    drawMore(shown.drawn + CHUNK);
    return lineBeside(line, step);
  }
  return next;
};
const cellsOf = (line) => [...line.querySelectorAll("td.cell")];
const troubleFrom = (step) => {
  const from = shown.rows.findIndex((seller) => seller.number === current.parentNode.seller);
  const width = shown.columns.length;
  const start = from * width + cellsOf(current.parentNode).indexOf(current);
  const total = shown.rows.length * width;
  for (let n = 1; n <= total; n += 1) {
    const at = (((start + step * n) % total) + total) % total;
    if (TROUBLE.includes(shown.rows[Math.floor(at / width)].worst[shown.columns[at % width]]))
      return drawnCell(Math.floor(at / width), at % width);
  }
  return null;
};
const drawnCell = (row, column) => {
  drawMore(row + 1);
  const line = [...shown.body.children].find((one) => one.seller === shown.rows[row].number);
  return cellsOf(line)[column];
};
const openCell = (seller, type) => {
  const visible = () => [shown.rows.findIndex((one) => one.number === seller), shown.columns.indexOf(type)];
  let [row, column] = visible();
  if (row < 0 || column < 0) {
    byId("find").value = "";
    byId("only").checked = false;
    drawMatrix();
    [row, column] = visible();
  }
  const cell = drawnCell(row, column);
  go(cell);
  if (opened?.cell !== cell) toggle(cell);
};

const MOVES = {
  ArrowRight: (cell) => cell.nextElementSibling,
  ArrowLeft: (cell) => (cell.previousElementSibling?.matches("td.cell") ? cell.previousElementSibling : null),
  ArrowDown: (cell, line, at) => cellsOf(lineBeside(line, 1) || line)[at],
  ArrowUp: (cell, line, at) => cellsOf(lineBeside(line, -1) || line)[at],
  Home: (cell, line) => cellsOf(line)[0],
  End: (cell, line) => cellsOf(line).at(-1),
  n: () => troubleFrom(1),
  p: () => troubleFrom(-1),
};
const onKey = (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.key === "Escape" && opened) {
    const { cell } = opened;
    toggle(cell);
    go(cell);
    return;
  }
  if (!event.target.matches("td.cell")) return;
  if (event.key === "Enter" || event.key === " ") toggle(event.target);
  else if (MOVES[event.key])
    go(MOVES[event.key](event.target, event.target.parentNode, cellsOf(event.target.parentNode).indexOf(event.target)));
  else return;
  event.preventDefault();
};
