"use strict";
(() => {
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));

  // The theme: the system's until the reader chooses.
  const theme = document.getElementById("theme");
  const dark = () => {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  };
  const name = () => { theme.textContent = dark() ? "Light theme" : "Dark theme"; };
  theme.hidden = false;
  theme.addEventListener("click", () => {
    document.documentElement.dataset.theme = dark() ? "light" : "dark";
    name();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", name);
  name();

  // Tables: a button in each header cell sorts by its column, quantities by
  // value and the rest as text. What has no value stays last.
  const sort = (table, column, descending) => {
    const body = table.tBodies[0];
    const key = (row) => {
      const cell = row.cells[column];
      return cell.dataset.v === undefined ? cell.textContent : Number(cell.dataset.v);
    };
    const rows = Array.from(body.rows, (row, i) => ({ row, i, key: key(row) }));
    const numeric = rows.some((r) => typeof r.key === "number");
    rows.sort((a, b) => {
      const textA = typeof a.key === "string", textB = typeof b.key === "string";
      if (numeric && textA !== textB) return textA ? 1 : -1;
      const order = textA || textB ? String(a.key).localeCompare(String(b.key)) : a.key - b.key;
      return (descending ? -order : order) || a.i - b.i;
    });
    body.append(...rows.map((r) => r.row));
  };
  for (const table of all("table.sortable")) {
    all("thead th", table).forEach((th, column, headers) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...th.childNodes);
      th.append(button);
      button.addEventListener("click", () => {
        const descending = th.getAttribute("aria-sort") === "ascending";
        headers.forEach((other) => other.removeAttribute("aria-sort"));
        th.setAttribute("aria-sort", descending ? "descending" : "ascending");
        sort(table, column, descending);
      });
    });
  }

  // Charts: what a point is, on hover, touch and focus; arrow keys go from one
  // point to the next.
  const tip = document.getElementById("tip");
  let shown = null;
  const show = (hit) => {
    shown = hit;
    tip.textContent = hit.dataset.tip;
    tip.hidden = false;
    const at = hit.getBoundingClientRect(), box = tip.getBoundingClientRect();
    const left = Math.min(Math.max(8, at.left + at.width / 2 - box.width / 2), innerWidth - box.width - 8);
    const above = at.top - box.height - 6;
    tip.style.left = left + "px";
    tip.style.top = (above < 8 ? at.bottom + 6 : above) + "px";
  };
  const hide = () => { tip.hidden = true; shown = null; };
  for (const plot of all("svg.plot")) {
    const hits = all(".hit", plot);
    hits.forEach((hit, i) => {
      hit.addEventListener("pointerenter", () => show(hit));
      hit.addEventListener("pointerleave", hide);
      hit.addEventListener("focus", () => show(hit));
      hit.addEventListener("blur", hide);
      hit.addEventListener("click", () => { hit.focus(); show(hit); });
      hit.addEventListener("keydown", (event) => {
        const to = {
          ArrowRight: i + 1, ArrowDown: i + 1, ArrowLeft: i - 1, ArrowUp: i - 1, Home: 0, End: hits.length - 1,
        }[event.key];
        if (event.key === "Escape") hide();
        if (to === undefined || !hits[to]) return;
        event.preventDefault();
        hit.tabIndex = -1;
        hits[to].tabIndex = 0;
        hits[to].focus();
      });
    });
  }
  addEventListener("scroll", () => { if (shown) show(shown); }, { passive: true });

  // Records: saved from the page itself.
  for (const button of all("button.save")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([button.parentElement.querySelector("pre").textContent], { type: "text/plain" }));
      link.download = button.dataset.name.replace(/^.*[\\/]/, "");
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
  }
})();
