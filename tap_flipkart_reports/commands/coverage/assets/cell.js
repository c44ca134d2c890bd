// Behind a cell: its days, its tables, its reports, and the command for the next step. Drawn when it is opened.
const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\"'\"'")}'`);

const commandLine = (words, command) =>
  h("p", { class: "next" }, h("span", { class: "muted" }, `${words}: `), h("code", {}, command));

// Which days a repair would read again. Only days that are there: of all others the next run takes care, and bought by a
// repair they would be bought twice. The days of the first failure, or else the last week; a past snapshot cannot be had.
const repairable = (cell, failure) => {
  const there = (runs, day) =>
    runs.some((run) => !TROUBLE.includes(run.letter) && run.at <= day && day < run.at + run.days);
  const strips = cell.face.strips.map(([warehouse, number]) => ({ warehouse: text(warehouse), runs: runsOf[number] }));
  if (failure) {
    const { first, days, warehouse } = failure;
    const { runs } = strips.find((one) => one.warehouse === warehouse) ?? { runs: [] };
    const isThere = Array.from({ length: days }, (_, at) => first + at).every((day) => there(runs, day));
    return isThere ? { first, last: first + days - 1, warehouse } : null;
  }
  for (const { warehouse, runs } of strips) {
    const run = runs.findLast((one) => !TROUBLE.includes(one.letter));
    if (!run) continue;
    const last = run.at + run.days - 1;
    let first = last;
    while (last - first < 6 && there(runs, first - 1)) first -= 1;
    return { first, last, warehouse };
  }
  return null;
};

const nextSteps = (seller, type, cell, letter) => {
  const lines = [];
  const failure = cell.failures[0] && failureOf(cell.failures[0]);
  if (failure) {
    const step = data.kinds[failure.isUnreadable ? "unreadable" : "failed"].replace("{report}", failure.id || "REPORT");
    lines.push(h("p", { class: "next" }, h("span", { class: "muted" }, "Next: "), step));
  } else if (letter === "M") lines.push(commandLine("What the next run would buy", data.planCommand));
  const days = data.types[type][4] ? null : repairable(cell, failure);
  if (days) {
    const words = [
      `flipkart-reports repair --config CONFIG --state STATE --stream ${quoted(streamsOf[type][0])}`,
      `--seller=${quoted(seller.name)}${days.warehouse ? ` --warehouse=${quoted(days.warehouse)}` : ""}`,
      `--from ${isoDay(days.first)} --to ${isoDay(days.last)} | TARGET`,
    ];
    lines.push(commandLine("To buy and read days again", words.join(" ")));
  }
  return lines;
};

const stripLine = (label, number, range, { streams, ticks } = {}) => {
  const runs = runsOf[number];
  const until = completeUntil(runs);
  const lacking = runs.filter((run) => TROUBLE.includes(run.letter));
  const words = lacking.slice(0, 6).map((run) => `${WORDS[run.letter]} ${rangeWords(run.at, run.days)}`);
  if (lacking.length > 6) words.push(`${lacking.length - 6} more`);
  return h(
    "div",
    { class: "strip-line" },
    h(
      "div",
      { class: "strip-head" },
      label ? h("strong", {}, label) : null,
      h("span", {}, until === null ? "nothing is there from the first day on" : `up to date as of ${dayWords(until)}`),
      h("span", { class: "muted" }, words.join("; ")),
    ),
    ticks,
    strip(runs, range, { height: 18, titled: true, label: `${label || streams}: ${words.join("; ") || "all there"}` }),
  );
};

const tablesOf = (type, cell, range) => {
  const streams = streamsOf[type];
  const parts = cell.face.tables;
  if (streams.length < 2) return null;
  const alike = `${count(streams.length, "table")}, all alike`;
  const box = h(
    "details",
    { class: "tables" },
    h("summary", {}, parts.length ? `${count(streams.length, "table")}, which differ` : alike),
  );
  box.addEventListener("toggle", () => {
    if (box.children.length > 1) return;
    const lines = parts.length
      ? parts.map(([warehouse, number, names]) =>
          stripLine([text(warehouse), names.map(text).join(", ")].filter(Boolean).join(" · "), number, range),
        )
      : streams.flatMap((stream) =>
          cell.face.strips.map(([warehouse, number]) =>
            stripLine([stream, text(warehouse)].filter(Boolean).join(" · "), number, range),
          ),
        );
    box.append(...lines);
  });
  return box;
};

const COLUMNS = [
  ["days", "left"],
  ["report", "left"],
  ["status", "left"],
  ["bought", "left"],
  ["ready after"],
  ["read", "left"],
  ["rows"],
];

const reportLines = (report, price) => {
  const line = h(
    "tr",
    {},
    h("th", { scope: "row" }, [report.warehouse, rangeWords(report.first, report.days)].filter(Boolean).join(" · ")),
    h("td", { class: "left id" }, report.id || "id unknown"),
    h("td", { class: "left" }, report.status),
    h("td", { class: "left" }, momentWords(report.bought)),
    h("td", {}, timeWords(report.ready)),
    h("td", { class: "left" }, momentWords(report.read)),
    h("td", {}, report.rows === null || report.rows === undefined ? "" : figure(report.rows)),
    price === null ? null : h("td", {}, money(price)),
  );
  const notes = [
    report.cause,
    report.rejected ? `${count(report.rejected, "row")} skipped` : "",
    report.tied ? `${count(report.tied, "row")} share their key or have a part of it blank` : "",
    ...report.drift.map(text),
  ];
  const words = notes.filter(Boolean).join("; ");
  return words ? [line, h("tr", { class: "note" }, h("td", { colspan: COLUMNS.length + 1 }, words))] : [line];
};

const reportsOf = (type, cell) => {
  if (!data.bought) return h("p", { class: "muted" }, "Without report_ledger there is no record of reports.");
  if (!cell.reports.length) return h("p", { class: "muted" }, "No report of it was bought.");
  const columns = data.types[type][3] === null ? COLUMNS : [...COLUMNS, ["cost"]];
  const table = h(
    "table",
    { class: "figures reports" },
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        columns.map(([name, side]) => h("th", { scope: "col", class: side }, name)),
      ),
    ),
    h(
      "tbody",
      {},
      cell.reports.flatMap((members) => reportLines(reportOf(members), data.types[type][3])),
    ),
  );
  const more = cell.more
    ? h("p", { class: "muted" }, `and ${count(cell.more, "earlier report")}, all read, which the ledger has`)
    : null;
  return h("div", { class: "scroll", tabindex: 0 }, table, more);
};

const failuresOf = (cell) =>
  cell.failures
    .map(failureOf)
    .map((failure) =>
      h(
        "p",
        { class: `failure ${failure.isUnreadable ? "unreadable" : "failed"}-words` },
        h("strong", {}, [failure.warehouse, rangeWords(failure.first, failure.days)].filter(Boolean).join(" · ")),
        ` ${failure.isUnreadable ? "cannot be read" : "failed"}`,
        failure.id ? ` (report ${failure.id})` : "",
        `: ${failure.cause}. `,
        h("span", { class: "muted" }, momentWords(failure.at)),
      ),
    );

const panelOf = (seller, type, cell, letter) => {
  const [name, title] = data.types[type];
  const close = h("button", { type: "button", class: "close", "aria-label": "close" }, "×");
  close.addEventListener("click", () => {
    const { cell: box } = opened;
    toggle(box);
    go(box);
  });
  const width = byId("matrix").clientWidth;
  const range = rangeOf([cell.face]);
  const panel = h(
    "div",
    { class: "panel" },
    h(
      "div",
      { class: "panel-head" },
      h("h3", {}, `${seller.name} · ${name}`),
      h("span", { class: "muted" }, title),
      close,
    ),
    failuresOf(cell),
    cell.face.strips.map(([warehouse, number], at) =>
      stripLine(text(warehouse), number, range, { streams: name, ticks: at ? null : months(range, width - 56) }),
    ),
    tablesOf(type, cell, range),
    reportsOf(type, cell),
    nextSteps(seller, type, cell, letter),
  );
  panel.style.width = `${width - 6}px`;
  return panel;
};

const toggle = (box) => {
  const wasOpen = opened?.cell === box;
  opened?.row.remove();
  opened?.cell.setAttribute("aria-expanded", "false");
  opened = null;
  if (wasOpen || box.matches(".none")) return;
  const { seller, type } = box.place;
  const panel = panelOf(sellers[seller], type, cellAt(seller, type), sellers[seller].worst[type]);
  const row = h("tr", { class: "opened" }, h("td", { colspan: shown.columns.length + 1 }, panel));
  box.parentNode.after(row);
  box.setAttribute("aria-expanded", "true");
  reach(box);
  opened = { cell: box, row };
};
