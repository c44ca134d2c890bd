// What the page shows, read from its own document; days are numbers from the page's first day.
const data = JSON.parse(document.getElementById("data").textContent);
const text = (number) => (number === undefined || number < 0 ? "" : data.texts[number]);

const LETTERS = data.letters.map(([letter]) => letter); // the worst first
const WORDS = Object.fromEntries(data.letters.map(([letter, word]) => [letter, word]));
const MEANINGS = Object.fromEntries(data.letters.map(([letter, , meaning]) => [letter, meaning]));
const TROUBLE = ["F", "U", "M", "P"];
const SIGNS = { F: "✗", U: "!", M: "·", P: "◦" };

// Days

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const FIRST = Date.parse(`${data.first}T00:00:00Z`);
const dateOf = (day) => new Date(FIRST + day * 86400000);
const isoDay = (day) => dateOf(day).toISOString().slice(0, 10);
const dayWords = (day) => {
  const date = dateOf(day);
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
};
const shortDay = (day) => dayWords(day).slice(0, -5); // without its year
const rangeWords = (first, days) => {
  if (days === 1) return dayWords(first);
  const [one, other] = [dateOf(first), dateOf(first + days - 1)];
  const end = dayWords(first + days - 1);
  if (one.getUTCFullYear() !== other.getUTCFullYear()) return `${dayWords(first)} to ${end}`;
  return one.getUTCMonth() === other.getUTCMonth() ? `${one.getUTCDate()} to ${end}` : `${shortDay(first)} to ${end}`;
};
const momentWords = (minute) => {
  if (minute === null || minute === undefined) return "";
  const clock = ((minute % 1440) + 1440) % 1440;
  return `${dayWords(Math.floor(minute / 1440))}, ${String(Math.floor(clock / 60)).padStart(2, "0")}:${String(clock % 60).padStart(2, "0")}`;
};
const timeWords = (seconds) => {
  if (seconds === null || seconds === undefined) return "";
  if (seconds >= 3600) return `${(seconds / 3600).toFixed(1)} h`;
  return seconds >= 60 ? `${(seconds / 60).toFixed(1)} min` : `${Math.round(seconds)} s`;
};
const figure = (number) => Number(number).toLocaleString("en-GB");
const shortFigure = (number) => (number < 1e6 ? figure(number) : `${figure((number / 1e6).toFixed(1))} M`);
const count = (number, noun) => `${figure(number)} ${noun}${number === 1 ? "" : "s"}`;
const money = (amount) => {
  const [whole, part] = String(amount).split(".");
  return `${data.currency} ${figure(whole)}${part ? `.${part.padEnd(2, "0")}` : ""}`.trim();
};
const share = (part, whole) => {
  if (!whole) return "";
  return part === whole ? "100 %" : `${(Math.floor((1000 * part) / whole) / 10).toFixed(1)}\u00a0%`; // never 100 while anything lacks
};

// Cells

const runsOf = data.strips.map((strip) => {
  let at = 0;
  const runs = [];
  for (const [, letter, days] of strip.matchAll(/([-A-Z])(\d+)/g)) {
    if (letter !== "-") runs.push({ letter, at, days: Number(days) });
    at += Number(days);
  }
  return runs;
});
const completeUntil = (runs) => {
  let day = null;
  for (const run of runs) {
    if (TROUBLE.includes(run.letter)) break;
    day = run.at + run.days - 1;
  }
  return day;
};
const facesOf = data.faces.map(([strips, tables]) => {
  const days = Object.fromEntries(LETTERS.map((letter) => [letter, 0]));
  for (const [, strip] of strips) for (const run of runsOf[strip]) days[run.letter] += run.days;
  return { strips, tables, days };
});

const reportOf = (members) => {
  const [id, status, first, days, bought, ready, read, rows, warehouse, cause, rejected, tied, drift] = members;
  return {
    id,
    status: text(status),
    first,
    days,
    bought,
    ready,
    read,
    rows,
    warehouse: text(warehouse),
    cause: text(cause),
    rejected,
    tied,
    drift: drift || [],
  };
};
const failureOf = ([first, days, cause, isUnreadable, at, id, warehouse]) => ({
  first,
  days,
  cause: text(cause),
  isUnreadable: Boolean(isUnreadable),
  at,
  id,
  warehouse: text(warehouse),
});

const cellAt = (seller, type) => {
  const cell = data.cells[seller][type];
  const [face, reports = [], more = 0, failures = []] = typeof cell === "number" ? [cell] : cell;
  return face < 0 ? null : { face: facesOf[face], reports, more, failures };
};
const worstOf = (cell) => {
  const seen = new Set(LETTERS.filter((letter) => cell.face.days[letter]));
  if (cell.failures.length) seen.add(cell.failures.every((failure) => failure[3]) ? "U" : "F");
  return LETTERS.find((letter) => seen.has(letter));
};

// Once for each seller: where each report type stands, and how much trouble there is in all.
const sellers = data.sellers.map((name, number) => {
  const worst = [];
  const trouble = TROUBLE.map(() => 0);
  for (let type = 0; type < data.types.length; type += 1) {
    const cell = cellAt(number, type);
    const letter = cell && worstOf(cell);
    worst.push(letter || "");
    const rank = TROUBLE.indexOf(letter);
    if (rank >= 0) trouble[rank] += rank < 2 ? 1000 + cell.failures.length : cell.face.days[letter];
  }
  return { number, name, lower: name.toLowerCase(), worst, trouble };
});
// Each report type has a width of its own: the days from its first wanted one to its last, of any seller.
const rangeOf = (faces) => {
  const runs = faces.flatMap((face) => face.strips.flatMap(([, number]) => runsOf[number]));
  const first = runs.reduce((least, run) => Math.min(least, run.at), Infinity);
  return { first, days: runs.reduce((most, run) => Math.max(most, run.at + run.days), 0) - first };
};
const columnRanges = data.types.map((_, type) => {
  const numbers = new Set(data.cells.map((row) => (typeof row[type] === "number" ? row[type] : row[type][0])));
  return rangeOf([...numbers].filter((number) => number >= 0).map((number) => facesOf[number]));
});
const byTrouble = (one, other) => {
  for (let rank = 0; rank < TROUBLE.length; rank += 1) {
    if (one.trouble[rank] !== other.trouble[rank]) return other.trouble[rank] - one.trouble[rank];
  }
  return one.number - other.number;
};
const byName = (one, other) => (one.lower < other.lower ? -1 : Number(one.lower > other.lower));

// Which sellers and report types are shown for what was typed: a word is looked for in sellers, then in report types and
// their streams, then in the words for statuses.
const streamsOf = data.types.map(() => []);
for (const [stream, type] of data.progress) streamsOf[type].push(text(stream));
const typeWords = data.types.map(([name, title, identifier], type) =>
  [name, title, identifier, ...streamsOf[type]].join(" ").toLowerCase(),
);

const search = (typed, onlyTrouble) => {
  let rows = sellers.filter((seller) => !onlyTrouble || seller.worst.some((letter) => TROUBLE.includes(letter)));
  let columns = data.types.map((_, type) => type);
  for (const word of typed.trim().toLowerCase().split(/\s+/).filter(Boolean)) {
    const named = rows.filter((seller) => seller.lower.includes(word));
    const types = columns.filter((type) => typeWords[type].includes(word));
    const letter = LETTERS.find((one) => WORDS[one].startsWith(word));
    if (named.length) rows = named;
    else if (types.length) columns = types;
    else rows = letter ? rows.filter((seller) => columns.some((type) => seller.worst[type] === letter)) : [];
  }
  return { rows, columns };
};
