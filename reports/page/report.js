"use strict";
(function () {
  const data = JSON.parse(document.getElementById("data").textContent);
  const all = (selector, root) => Array.from((root || document).querySelectorAll(selector));
  document.documentElement.classList.add("js");

  const panels = all(".panel").map((figure) => ({ figure, number: Number(figure.dataset.panel) }));
  const moment = document.querySelector(".moment");
  const invitation = moment ? moment.textContent : "";
  const middle = (cell) => Math.min(data.span, (cell + 0.5) * data.step);
  const clock = (cell) => {
    const t = cell * data.step, digits = data.step % 1 ? 1 : 0;
    return t < 120 ? t.toFixed(digits) + " s" : Math.floor(t / 60) + " min " + (t % 60).toFixed(digits) + " s";
  };

  /* The phase that every variant is in at a moment, or all of them where they differ. */
  function phaseAt(second) {
    const names = data.phases.map((list) => list.find((p) => second >= p.start && second < p.end));
    return Array.from(new Set(names.filter(Boolean).map((p) => p.name))).join(" / ");
  }

  function shownView(panel) { return panel.figure.querySelector(".view.on"); }

  /* Shows the values of one cell in every panel, or the peaks again for none. */
  function show(cell) {
    for (const panel of panels) {
      const view = shownView(panel), cursor = view.querySelector(".cursor");
      if (!cursor) continue;
      cursor.hidden = cell === null;
      if (cell !== null) cursor.style.left = (100 * middle(cell)) / data.span + "%";
      const words = data.texts[panel.number][Number(view.dataset.choice)];
      all(".readout b", view).forEach((b, line) => {
        b.textContent = cell === null ? b.dataset.peak : (words[line] && words[line][cell]) || "–";
      });
    }
    if (cell === null) { moment.textContent = invitation; return; }
    const phase = phaseAt(middle(cell));
    moment.textContent = clock(cell) + (phase ? ", " + phase : "");
  }

  let current = null;
  function move(cell) {
    current = cell === null ? null : Math.max(0, Math.min(data.count - 1, cell));
    show(current);
  }

  function watch(plot) {
    const under = (event) => {
      const box = plot.getBoundingClientRect();
      return Math.floor(((event.clientX - box.left) / box.width) * data.span / data.step);
    };
    plot.addEventListener("pointermove", (event) => move(under(event)));
    plot.addEventListener("pointerdown", (event) => move(under(event)));
    plot.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") move(null); });
    plot.addEventListener("blur", () => move(null));
    plot.addEventListener("keydown", (event) => {
      const from = current === null ? -1 : current, leap = Math.max(1, Math.round(data.count / 10));
      const to = { ArrowRight: from + 1, ArrowLeft: from - 1, PageDown: from + leap, PageUp: from - leap, Home: 0, End: data.count - 1, Escape: null }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      move(to);
      if (to !== null) moment.textContent += ": " + spoken(plot.closest(".view"));
    });
  }

  function spoken(view) {
    return all(".readout li:not(.off)", view).map((li) => li.querySelector("span").textContent + " " + li.querySelector("b").textContent).join(", ");
  }

  /* Fills the table of a panel with the values of the chosen series. */
  function tabulate(panel) {
    const details = panel.figure.querySelector(".values");
    if (!details || !details.open) return;
    const view = shownView(panel), words = data.texts[panel.number][Number(view.dataset.choice)];
    const table = document.createElement("table");
    const row = (kind, texts) => {
      const tr = table.appendChild(document.createElement("tr"));
      texts.forEach((text, i) => {
        const cell = tr.appendChild(document.createElement(i ? kind : "th"));
        cell.textContent = text;
        cell.scope = kind === "th" ? "col" : i ? "" : "row";
      });
    };
    const names = all(".readout li span", view).map((span) => span.textContent);
    row("th", ["from"].concat(names));
    for (let cell = 0; cell < data.count; cell++) row("td", [clock(cell)].concat(words.map((w) => w[cell] || "–")));
    details.querySelector(".scroll").replaceChildren(table);
  }

  for (const panel of panels) {
    all(".plot", panel.figure).forEach(watch);
    const details = panel.figure.querySelector(".values");
    details.addEventListener("toggle", () => tabulate(panel));
    all(".choices input", panel.figure).forEach((input) => input.addEventListener("change", () => {
      all(".view", panel.figure).forEach((view) => view.classList.toggle("on", view.dataset.choice === input.value));
      show(current);
      tabulate(panel);
    }));
  }

  all("[data-show]").forEach((box) => box.addEventListener("change", () => {
    const kind = ".v" + box.dataset.show;
    all(".panel path" + kind + ", .readout " + kind + ", .ribbon-row" + kind).forEach((e) => e.classList.toggle("off", !box.checked));
  }));

  all("[data-copy]").forEach((button) => button.addEventListener("click", () => {
    const code = document.getElementById(button.dataset.copy);
    const done = () => { button.textContent = "Copied"; };
    if (navigator.clipboard) navigator.clipboard.writeText(code.textContent).then(done, () => getSelection().selectAllChildren(code));
    else getSelection().selectAllChildren(code);
  }));

  addEventListener("beforeprint", () => all("details:not(.values)").forEach((d) => { d.open = true; }));
})();
