// What is seen first is drawn first; the rest follows once that is on the screen.
drawHead();
drawConcerns();
if (data.isEmpty) byId("matrix").append(h("p", {}, "No day of any stream is wanted yet."));
else {
  drawMatrix();
  byId("find").addEventListener("input", drawMatrix);
  byId("sort").addEventListener("change", drawMatrix);
  byId("only").addEventListener("change", drawMatrix);
  byId("more").addEventListener("click", () => drawMore(shown.drawn + CHUNK));
  byId("matrix").addEventListener("keydown", onKey);
  byId("matrix").addEventListener("click", (event) => {
    const box = event.target.closest("td.cell");
    if (box) toggle(box);
  });
  const tell = (event) => {
    const box = event.target.closest?.("td.cell");
    if (box) byId("told").textContent = box.getAttribute("aria-label");
  };
  byId("matrix").addEventListener("focusin", (event) => {
    tell(event);
    if (event.target.matches("td.cell")) reach(event.target);
  });
  byId("matrix").addEventListener("pointerover", tell);
  new IntersectionObserver((entries) => {
    if (entries.some((entry) => entry.isIntersecting) && shown.drawn < shown.rows.length) drawMore(shown.drawn + CHUNK);
  }).observe(byId("more"));
}
requestAnimationFrame(() =>
  setTimeout(() => {
    drawTypes();
    drawCost();
  }),
);
