// How far streams are, what was bought, and how long it took.
const KINDS = [
  ["first", "new days"],
  ["reread", "days read again"],
  ["again", "once more, as the first was not to be had"],
];
const CHART = { width: 520, height: 190, left: 52, bottom: 24, mostBars: 90 };

const nice = (number) => {
  const size = 10 ** Math.max(0, String(number).length - 1);
  return [1, 2, 4, 6, 8, 10].map((factor) => factor * size).find((top) => top >= number);
};
const grouped = (rows, parts) => {
  const first = Math.min(...rows.map(([day]) => day));
  const days = Math.max(...rows.map(([day]) => day)) - first + 1;
  const size = Math.ceil(days / CHART.mostBars);
  const groups = Array.from({ length: Math.ceil(days / size) }, (_, at) => ({
    first: first + at * size,
    days: Math.min(size, days - at * size),
    parts: Array(parts).fill(0),
  }));
  for (const [day, ...figures] of rows)
    figures.forEach((part, at) => {
      groups[Math.floor((day - first) / size)].parts[at] += part;
    });
  return groups;
};
const sum = (parts) => parts.reduce((total, part) => total + part, 0);

const axes = (top, height) =>
  (top % 2 ? [0, 1] : [0, 0.5, 1]).flatMap((part) => {
    const y = 8 + height * (1 - part);
    return [
      s("line", { class: "axis", x1: CHART.left, x2: CHART.width, y1: y, y2: y }),
      s("text", { class: "tick", x: CHART.left - 6, y: y + 4, "text-anchor": "end" }, figure(Math.round(top * part))),
    ];
  });

const bars = (title, rows, kinds) => {
  const groups = grouped(rows, kinds.length);
  const top = nice(Math.max(1, ...groups.map(({ parts }) => sum(parts))));
  const height = CHART.height - CHART.bottom - 8;
  const step = (CHART.width - CHART.left) / groups.length;
  const width = Math.min(28, step * 0.8);
  const every = Math.ceil(64 / step);
  const drawn = groups.map((group, at) => {
    const x = CHART.left + step * at + (step - width) / 2;
    let y = 8 + height;
    const words = `${rangeWords(group.first, group.days)}: ${group.parts.map((part, kind) => `${figure(part)} ${kinds[kind][1]}`).join(", ")}`;
    return s(
      "g",
      {},
      s("title", {}, words),
      group.parts.map((part, kind) => {
        const size = (height * part) / top;
        y -= size;
        return s("rect", { class: kinds[kind][0], x, y, width, height: size });
      }),
    );
  });
  const labels = groups.map((group, at) =>
    at % every || step * (at + 0.5) > CHART.width - CHART.left - 16
      ? null
      : s(
          "text",
          { class: "tick", x: CHART.left + step * (at + 0.5), y: CHART.height - 6, "text-anchor": "middle" },
          shortDay(group.first),
        ),
  );
  const lines = groups
    .filter(({ parts }) => sum(parts))
    .map((group) =>
      h(
        "tr",
        {},
        h("th", { scope: "row" }, rangeWords(group.first, group.days)),
        group.parts.map((part) => h("td", {}, figure(part))),
      ),
    );
  return h(
    "figure",
    {},
    h("figcaption", {}, title),
    s(
      "svg",
      { viewBox: `0 0 ${CHART.width} ${CHART.height}`, role: "img", "aria-label": `${title}; the figures stand below` },
      axes(top, height),
      drawn,
      labels,
    ),
    h(
      "details",
      {},
      h("summary", {}, "Figures"),
      h(
        "table",
        { class: "figures" },
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            h("th", { scope: "col" }, "days"),
            kinds.map(([, words]) => h("th", { scope: "col" }, words)),
          ),
        ),
        h("tbody", {}, lines),
      ),
    ),
  );
};

const drawCost = () => {
  const box = byId("cost");
  if (!data.bought) box.append(h("p", {}, "Without report_ledger there is no record of what was bought."));
  else if (!data.bought.byDay.length) box.append(h("p", {}, "None yet."));
  else {
    box.append(
      h(
        "ul",
        { class: "legend" },
        KINDS.map(([name, words]) =>
          h(
            "li",
            {},
            s(
              "svg",
              { width: 12, height: 12, "aria-hidden": "true" },
              s("rect", { class: name, width: 12, height: 12, rx: 2 }),
            ),
            words,
          ),
        ),
      ),
    );
    box.append(
      h(
        "div",
        { class: "charts" },
        bars("Reports, by the day of the trigger", data.bought.byDay, KINDS),
        data.bought.rows.length
          ? bars("Rows, by the day on which they were read", data.bought.rows, [["rows", "rows"]])
          : null,
      ),
    );
  }
};

// Streams, those of one report type together

const spread = (taken, shortest, longest) => {
  if (taken.length < 3) return null;
  const decades = Math.log10(longest / shortest) || 1;
  const at = (seconds) =>
    `${(2 + 96 * Math.min(1, Math.log10(Math.max(seconds, shortest) / shortest) / decades)).toFixed(2)}%`;
  return s(
    "svg",
    {
      width: "100%",
      height: 12,
      role: "img",
      "aria-label": `from ${timeWords(taken[0])} to ${timeWords(taken[2])}, half within ${timeWords(taken[1])}`,
    },
    s("line", { class: "range", x1: at(taken[0]), x2: at(taken[2]), y1: 6, y2: 6 }),
    s("circle", { class: "typical", cx: at(taken[1]), cy: 6, r: 5 }),
  );
};
const stack = (parts, most) => {
  let x = 0;
  return s(
    "svg",
    { width: "100%", height: 12, "aria-hidden": "true" },
    parts.map((part, at) => {
      const rect = s("rect", { class: KINDS[at][0], x: per(x, most), width: per(part, most), height: 12 });
      x += part;
      return rect;
    }),
  );
};
const progressCells = ([, , until, slowest, , behind]) => {
  const words = until === null ? "none yet" : dayWords(until);
  const who = behind ? `${count(behind, "seller")} behind, ${data.sellers[slowest]} the most` : "";
  return [h("td", { class: "left" }, words), h("td", { class: "left muted" }, who)];
};
const drawTypes = () => {
  const box = byId("types");
  if (!data.progress.length) {
    box.append(h("p", {}, "No day of any stream is wanted yet."));
    return;
  }
  const bought = Object.fromEntries((data.bought?.byType ?? []).map(([name, ...figures]) => [name, figures]));
  const most = Math.max(1, ...Object.values(bought).map((figures) => sum(figures.slice(0, 3))));
  const times = Object.values(bought).filter((figures) => figures.length > 3 && figures[5] > 0);
  const shortest = Math.min(...times.map((figures) => Math.max(1, figures[3])), Infinity);
  const longest = Math.max(...times.map((figures) => figures[5]), 1);
  const table = h(
    "table",
    { class: "figures types" },
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        [
          "stream",
          "up to date as of",
          "",
          "bought",
          "reports",
          "again",
          "cost",
          "ready after (log scale)",
          "half",
          "all",
        ].map((name, at) => h("th", { scope: "col", class: [0, 1, 2, 3, 7].includes(at) ? "left" : null }, name)),
      ),
    ),
  );
  data.types.forEach(([name, , , price], type) => {
    const parts = data.progress.filter((one) => one[1] === type);
    if (!parts.length) return;
    const slowest = parts.reduce((one, other) => (other[5] > one[5] ? other : one));
    const [first = 0, reread = 0, again = 0, ...taken] = bought[name] ?? [];
    const total = first + reread + again;
    const cost = price === null || !total ? "" : money((Number(price) * total).toFixed(2));
    const button =
      parts.length > 1
        ? h(
            "button",
            { type: "button", class: "unfold", "aria-expanded": "false" },
            `${name} · ${count(parts.length, "table")}`,
          )
        : name;
    const body = h(
      "tbody",
      {},
      h(
        "tr",
        {},
        h("th", { scope: "row" }, button),
        progressCells(slowest),
        h("td", { class: "drawn" }, stack([first, reread, again], most)),
        h("td", {}, figure(total)),
        h("td", {}, figure(again)),
        h("td", {}, cost),
        h("td", { class: "drawn" }, spread(taken, Math.min(shortest, longest), longest)),
        h("td", {}, timeWords(taken[1])),
        h("td", {}, timeWords(taken[2])),
      ),
    );
    if (parts.length > 1) {
      button.addEventListener("click", () => {
        const isOpen = button.getAttribute("aria-expanded") === "true";
        button.setAttribute("aria-expanded", String(!isOpen));
        if (isOpen) [...body.children].slice(1).forEach((row) => row.remove());
        else
          body.append(
            ...parts.map((part) =>
              h(
                "tr",
                { class: "table-row" },
                h("th", { scope: "row" }, text(part[0])),
                progressCells(part),
                h("td", { colspan: 7 }),
              ),
            ),
          );
      });
    }
    table.append(body);
  });
  box.append(table);
};
