// The map by keyboard and mouse: one span is reached by Tab, the others by arrows; what it stands for is told in words.
"use strict";
(() => {
  const told = document.querySelector("output");
  const rows = () =>
    [...document.querySelectorAll(".map svg[data-strip]")]
      .filter((strip) => strip.getClientRects().length)
      .map((strip) => [...strip.querySelectorAll(".span")]);
  let current = document.querySelector(".span");

  const tell = (span) => { told.textContent = span.getAttribute("aria-label"); };
  const go = (span) => {
    if (!span) return;
    current.setAttribute("tabindex", "-1");
    current = span;
    current.setAttribute("tabindex", "0");
    current.focus();
    current.scrollIntoView({ block: "nearest", inline: "nearest" });
  };
  const below = (all, row, step) => {
    const spans = all[row + step];
    if (!spans) return null;
    const at = current.getBoundingClientRect().left;
    return spans.find((span) => span.getBoundingClientRect().right > at) || spans[spans.length - 1];
  };
  const attention = (all, step) => {
    const flat = all.flat();
    const start = flat.indexOf(current);
    for (let n = 1; n <= flat.length; n += 1) {
      const span = flat[(start + step * n + flat.length * n) % flat.length];
      if (span.matches(".failed, .missing, .pending")) return span;
    }
    return null;
  };

  document.addEventListener("focusin", (event) => {
    if (event.target.matches(".span")) { tell(event.target); current = event.target; }
  });
  document.addEventListener("pointerover", (event) => {
    if (event.target.matches(".span")) tell(event.target);
  });
  document.addEventListener("keydown", (event) => {
    if (!event.target.matches(".span") || event.altKey || event.ctrlKey || event.metaKey) return;
    const all = rows();
    const row = all.findIndex((spans) => spans.includes(current));
    const spans = all[row];
    const column = spans.indexOf(current);
    const moves = {
      ArrowRight: () => spans[column + 1],
      ArrowLeft: () => spans[column - 1],
      ArrowDown: () => below(all, row, 1),
      ArrowUp: () => below(all, row, -1),
      Home: () => spans[0],
      End: () => spans[spans.length - 1],
      n: () => attention(all, 1),
      p: () => attention(all, -1),
    };
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    go(move());
  });
  // A span that a filter hides cannot be reached; then the first that is left takes its place.
  const reachable = () => {
    const all = rows().flat();
    if (!current || !all.length || all.includes(current)) return;
    current.setAttribute("tabindex", "-1");
    current = all[0];
    current.setAttribute("tabindex", "0");
  };
  document.getElementById("only").addEventListener("change", reachable);
  document.getElementById("find").addEventListener("input", (event) => {
    const words = event.target.value.trim().toLowerCase().split(/\s+/);
    let shown = 0;
    for (const group of document.querySelectorAll(".map tbody")) {
      const stream = group.rows[0].textContent.toLowerCase();
      let any = false;
      for (const row of [...group.rows].slice(1)) {
        const name = `${stream} ${row.cells[0].textContent.toLowerCase()}`;
        row.hidden = !words.every((word) => name.includes(word));
        if (!row.hidden) { any = true; shown += 1; }
      }
      group.hidden = !any;
    }
    told.textContent = shown === 1 ? "1 line" : `${shown} lines`;
    reachable();
  });
})();
