// Elements: every text is put in as text, whatever it holds.
const SVG = "http://www.w3.org/2000/svg";
const filled = (element, attributes, children) => {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false)
      element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
};
const h = (tag, attributes = {}, ...children) => filled(document.createElement(tag), attributes, children);
const s = (tag, attributes = {}, ...children) => filled(document.createElementNS(SVG, tag), attributes, children);
const byId = (id) => document.getElementById(id);
const per = (part, whole) => `${((100 * part) / whole).toFixed(3)}%`;

// A strip of days, as wide as its place
const strip = (runs, range, { height, label, titled = false }) =>
  s(
    "svg",
    { class: "strip", width: "100%", height, role: "img", "aria-label": label, "aria-hidden": label ? null : "true" },
    runs.map((run) => {
      const rect = {
        class: `span ${WORDS[run.letter]}`,
        x: per(run.at - range.first, range.days),
        width: per(run.days, range.days),
        height,
      };
      if (!titled) return s("rect", rect);
      const words = `${rangeWords(run.at, run.days)}: ${count(run.days, "day")} ${WORDS[run.letter]} (${MEANINGS[run.letter]})`;
      return s("rect", rect, s("title", {}, words));
    }),
  );

// The months' names above their first days, as far as they have room
const months = (range, width) => {
  const ticks = [];
  let free = 0;
  for (let day = range.first; day < range.first + range.days; day += 1) {
    const date = dateOf(day);
    const x = ((day - range.first) / range.days) * width;
    if ((day === range.first || date.getUTCDate() === 1) && x >= free && x < width - 60) {
      ticks.push(
        s(
          "text",
          { class: "tick", x: per(day - range.first, range.days), y: 12 },
          `${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`,
        ),
      );
      free = x + 72;
    }
  }
  return s("svg", { width: "100%", height: 16, "aria-hidden": "true" }, ticks);
};

const drawHead = () => {
  const streams = data.progress.length;
  const days = data.isEmpty ? "no day is wanted yet" : rangeWords(0, data.days);
  byId("about").textContent = [
    days,
    `${count(data.types.length, "report type")} (${count(streams, "stream")})`,
    count(data.sellers.length, "seller"),
    `as of ${momentWords(data.made)}`,
  ].join(" · ");
  const total = Object.values(data.totals).reduce((sum, number) => sum + number, 0);
  const there = data.totals.L + data.totals.R;
  const tiles = [
    ["Days there", share(there, total) || "none yet", `${figure(there)} of ${figure(total)} days of reports`, ""],
    ["Failed", figure(data.failed[0]), data.failed[0] === 1 ? "window" : "windows", data.failed[0] ? "failed" : ""],
    [
      "Unreadable",
      figure(data.failed[1]),
      `${data.failed[1] === 1 ? "report" : "reports"} bought, not read`,
      data.failed[1] ? "unreadable" : "",
    ],
    ["Missing", figure(data.totals.M), "days wanted, not bought", ""],
    ["Pending", figure(data.totals.P), "days bought, not read yet", ""],
  ];
  if (data.bought) {
    const [first, reread, again] = [1, 2, 3].map((at) => data.bought.byDay.reduce((sum, row) => sum + row[at], 0));
    tiles.push([
      "Reports bought",
      figure(first + reread + again),
      data.bought.cost ? money(data.bought.cost) : `${figure(reread)} to read days again`,
      "",
    ]);
    tiles.push(["Bought again", figure(again), "as the first was not to be had", ""]);
    tiles.push([
      "Rows read",
      shortFigure(data.bought.rows.reduce((sum, [, rows]) => sum + rows, 0)),
      "of all reports",
      "",
    ]);
  }
  byId("tiles").append(
    ...tiles.map(([title, number, words, name]) =>
      h("dl", { class: `tile ${name}` }, h("dt", {}, title), h("dd", {}, number), h("dd", {}, words)),
    ),
  );
  byId("legend").append(
    ...[...LETTERS]
      .reverse()
      .map((letter) =>
        h(
          "li",
          {},
          s(
            "svg",
            { width: 26, height: 12, "aria-hidden": "true" },
            s("rect", { class: WORDS[letter], width: 26, height: 12, rx: 2 }),
          ),
          WORDS[letter],
        ),
      ),
  );
};

// What needs a person

const FEW = 6;

const placeButton = (place) => {
  const [seller, type, first, days] = place;
  const words = [
    data.sellers[seller],
    type >= 0 ? data.types[type][0] : null,
    first === undefined ? null : rangeWords(first, days),
  ];
  const shown = words.filter(Boolean).join(" · ");
  if (seller < 0 || type < 0) return h("span", { class: "place" }, shown);
  const button = h("button", { type: "button", class: "place" }, shown);
  button.addEventListener("click", () => openCell(seller, type));
  return button;
};

const CLASSES = { failed: "failed", unreadable: "unreadable", "authorisation over": "failed" };

const concernItem = (concern) => {
  const isOfWindows = concern.places.some((place) => place.length > 2);
  const many =
    concern.count > 1
      ? `${count(concern.count, isOfWindows ? "window" : "place")} of ${count(concern.sellers, "seller")}`
      : null;
  const facts = [many, concern.since === null ? null : `last seen ${momentWords(concern.since)}`]
    .filter(Boolean)
    .join(" · ");
  const places = h("p", { class: "places" });
  const showPlaces = (number) => {
    places.replaceChildren(...concern.places.slice(0, number).map(placeButton));
    const left = concern.count - Math.min(number, concern.places.length);
    if (left > 0 && number < concern.places.length) {
      const more = h("button", { type: "button", class: "place quiet" }, `${figure(left)} more`);
      more.addEventListener("click", () => showPlaces(concern.places.length));
      places.append(more);
    } else if (left > 0)
      places.append(h("span", { class: "muted" }, `and ${figure(left)} more, which --format json names`));
  };
  showPlaces(FEW);
  return h(
    "li",
    { class: `concern ${CLASSES[concern.kind] || ""}` },
    h("strong", { class: "kind" }, concern.kind),
    h(
      "div",
      {},
      h("p", { class: "words" }, text(concern.words)),
      facts ? h("p", { class: "muted" }, facts) : null,
      concern.places.length ? places : null,
      h("p", { class: "next" }, h("span", { class: "muted" }, "Next: "), text(concern.next)),
    ),
  );
};

const drawConcerns = () => {
  const box = byId("concerns");
  if (!data.concerns.length) {
    box.append(h("p", { class: "calm" }, "Nothing needs a person."));
    return;
  }
  const list = h("ol", { class: "concerns" });
  box.append(list);
  const show = (number) => {
    list.append(...data.concerns.slice(list.children.length, number).map(concernItem));
    const left = data.concerns.length + data.moreConcerns - list.children.length;
    box.querySelector(".more")?.remove();
    if (!left) return;
    const button = h("button", { type: "button" }, `show ${figure(left)} more`);
    button.addEventListener("click", () => show(list.children.length + 50));
    const isCut = list.children.length === data.concerns.length;
    box.append(h("p", { class: "more" }, isCut ? `${figure(left)} more, which --format json names` : button));
  };
  show(FEW);
};
