
// The budget of a prompt: an overview of all heads, the map of one of them, and
// the prompt itself, shaded by what each token gets.
(() => {
  "use strict";
  const root = document.getElementById("attention");
  if (!root) return;
  const data = JSON.parse(document.getElementById("data").textContent);
  const tokens = data.tokens, n = tokens.length, side = data.side;
  const make = (tag, attributes, ...children) => {
    const element = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  };
  const percent = (v) => (100 * v).toPrecision(v < 0.0995 ? 2 : 3) + "%";
  const shown = (i) => "“" + tokens[i] + "”";
  const bin = (i) => Math.floor(i * side / n);
  const first = (b) => Math.ceil(b * n / side);
  const range = (b) => {
    const lo = first(b), hi = first(b + 1) - 1;
    return lo === hi ? lo + " " + shown(lo) : lo + "–" + hi + " “" + tokens.slice(lo, Math.min(hi + 1, lo + 8)).join("") + "”";
  };
  const weight = (q) => q === 0 ? 0 : 10 ** ((q / 255 - 1) * data.decades);

  // Colours, from the page's own: the surface for nothing, the ink for all.
  let ramp = [];
  const paint = () => {
    const probe = make("span", {});
    root.append(probe);
    const rgb = (name) => {
      probe.style.color = "var(--" + name + ")";
      return getComputedStyle(probe).color.match(/[\d.]+/g).slice(0, 3).map(Number);
    };
    const stops = [rgb("surface"), rgb("s0"), rgb("ink")];
    probe.remove();
    ramp = Array.from({ length: 256 }, (_, i) => {
      const at = i / 255 * 1.7, k = Math.min(1, Math.floor(at)), t = at - k;
      return stops[k].map((v, c) => Math.round(v + (stops[k + 1][c] - v) * t));
    });
  };
  const colour = (v) => "rgb(" + ramp[Math.max(0, Math.min(255, Math.round(v)))].join(",") + ")";

  // The overview: a cell for each head, shaded by one figure.
  const metrics = data.segments.map((name, s) => ({ name: "share of " + name, of: (h) => h.mass[s], text: percent }));
  metrics.push(
    { name: "entropy", of: (h) => h.entropy, text: (v) => v.toFixed(2) + " bits" },
    { name: "share of the first token", of: (h) => h.first, text: percent },
    { name: "strongest pull of a token", of: (h) => h.pull, text: percent });
  const select = make("select", { id: "metric" });
  metrics.forEach((m, i) => select.append(make("option", { value: i }, m.name)));
  const grid = make("div", { class: "heads", role: "group", "aria-label": "Heads" });
  grid.style.setProperty("--columns", data.heads);
  const legend = make("p", { class: "note" });
  const cells = data.all.map((h, i) => {
    const cell = make("button", { type: "button" });
    cell.addEventListener("click", () => choose(i));
    return cell;
  });
  for (let layer = 0; layer < data.layers; layer++) {
    grid.append(make("span", { class: "layer" }, "layer " + layer), ...cells.slice(layer * data.heads, (layer + 1) * data.heads));
  }
  const overview = () => {
    const metric = metrics[select.value], values = data.all.map(metric.of);
    const lo = Math.min(...values), hi = Math.max(...values);
    cells.forEach((cell, i) => {
      const v = hi > lo ? (values[i] - lo) / (hi - lo) : 0.5, shade = 20 + v * 130;
      cell.style.background = colour(shade);
      cell.title = "layer " + data.all[i].layer + ", head " + data.all[i].head + ": " + metric.text(values[i]);
      cell.setAttribute("aria-label", cell.title);
      cell.setAttribute("aria-pressed", String(i === current));
    });
    legend.textContent = "From " + metric.text(lo) + " (light) to " + metric.text(hi) + " (strong). A cell is a head; choose one to see its map.";
  };
  select.addEventListener("change", overview);

  // The map of the chosen head.
  let current = 0, pixels = null, pinned = -1;
  const canvas = make("canvas", { id: "map", tabindex: "0", "aria-label": "Attention of one head, queries downwards, keys to the right" });
  const plain = document.createElement("canvas");
  plain.width = plain.height = side;
  const readout = make("p", { class: "readout", "aria-live": "polite" });
  const heading = make("h3", {});
  const view = { x: 0, y: 0, zoom: 1 };
  const strip = make("div", { class: "strip" });

  const decode = async (text) => {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  };
  const choose = async (i) => {
    current = i;
    const h = data.all[i];
    heading.textContent = "Layer " + h.layer + ", head " + h.head;
    overview();
    try {
      const loaded = await decode(h.map);
      if (current !== i) return;
      pixels = loaded;
    } catch (err) {
      readout.textContent = "This browser cannot unpack the map: " + err.message;
      return;
    }
    render();
  };
  const render = () => {
    if (!pixels) return;
    const image = plain.getContext("2d").createImageData(side, side);
    for (let i = 0; i < pixels.length; i++) {
      const [r, g, b] = ramp[pixels[i]];
      image.data.set([r, g, b, 255], 4 * i);
    }
    plain.getContext("2d").putImageData(image, 0, 0);
    draw();
    shade();
  };
  const band = 10; // CSS pixels of the segments' bands
  const draw = () => {
    const box = canvas.getBoundingClientRect(), scale = devicePixelRatio || 1;
    canvas.width = Math.round(box.width * scale);
    canvas.height = Math.round(box.height * scale);
    const g = canvas.getContext("2d");
    g.scale(scale, scale);
    g.imageSmoothingEnabled = view.zoom * box.width < side;
    const edge = box.width - band, px = edge * view.zoom / side;
    g.save();
    g.beginPath();
    g.rect(band, band, edge, edge);
    g.clip();
    g.drawImage(plain, band - view.x * px, band - view.y * px, edge * view.zoom, edge * view.zoom);
    if (pinned >= 0) {
      g.strokeStyle = getComputedStyle(root).color;
      g.strokeRect(band - 1, band + (bin(pinned) - view.y) * px, edge + 2, Math.max(1, px));
    }
    g.restore();
    for (let b = Math.floor(view.x); b < side && band + (b - view.x) * px < box.width; b++) {
      g.fillStyle = segmentColour(data.owner[first(b)]);
      g.fillRect(Math.max(band, band + (b - view.x) * px), 0, px + 0.5, band - 2);
    }
    for (let b = Math.floor(view.y); b < side && band + (b - view.y) * px < box.width; b++) {
      g.fillStyle = segmentColour(data.owner[first(b)]);
      g.fillRect(0, Math.max(band, band + (b - view.y) * px), band - 2, px + 0.5);
    }
  };
  let segmentColours = [];
  const segmentColour = (s) => segmentColours[s % segmentColours.length];
  const at = (event) => {
    const box = canvas.getBoundingClientRect(), px = (box.width - band) * view.zoom / side;
    const x = Math.floor((event.clientX - box.left - band) / px + view.x), y = Math.floor((event.clientY - box.top - band) / px + view.y);
    return x >= 0 && y >= 0 && x < side && y < side ? [x, y] : null;
  };
  const tell = (key, query) => {
    const v = weight(pixels[query * side + key]);
    readout.textContent = "Token " + range(query) + " gives " + (v === 0 ? "less than " + percent(10 ** -data.decades) : "about " + percent(v)) + " to token " + range(key);
  };
  const clamp = () => {
    const room = side - side / view.zoom;
    view.x = Math.max(0, Math.min(room, view.x));
    view.y = Math.max(0, Math.min(room, view.y));
    canvas.style.touchAction = view.zoom > 1 ? "none" : "pan-y";
  };
  const zoom = (factor, cx = side / 2 / view.zoom + view.x, cy = side / 2 / view.zoom + view.y) => {
    const to = Math.max(1, Math.min(Math.max(1, side / 8), view.zoom * factor)), by = view.zoom / to;
    view.x = cx - (cx - view.x) * by;
    view.y = cy - (cy - view.y) * by;
    view.zoom = to;
    clamp();
    draw();
  };
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey && document.activeElement !== canvas) return;
    event.preventDefault();
    const cell = at(event);
    if (cell) zoom(event.deltaY < 0 ? 1.25 : 0.8, cell[0], cell[1]);
  }, { passive: false });
  let drag = null;
  canvas.addEventListener("pointerdown", (event) => {
    drag = { x: event.clientX, y: event.clientY, moved: false };
  });
  canvas.addEventListener("pointermove", (event) => {
    if (drag && event.buttons) {
      const px = (canvas.getBoundingClientRect().width - band) * view.zoom / side;
      const dx = event.clientX - drag.x, dy = event.clientY - drag.y;
      if (drag.moved || Math.hypot(dx, dy) > 4) {
        view.x -= dx / px;
        view.y -= dy / px;
        drag = { x: event.clientX, y: event.clientY, moved: true };
        clamp();
        draw();
      }
      return;
    }
    const cell = at(event);
    if (cell && pixels) tell(cell[0], cell[1]);
  });
  canvas.addEventListener("pointerup", (event) => {
    const cell = at(event);
    if (drag && !drag.moved && cell && pixels) {
      tell(cell[0], cell[1]);
      pin(first(cell[1]));
    }
    drag = null;
  });
  canvas.addEventListener("keydown", (event) => {
    const step = side / view.zoom / 8;
    const act = {
      "+": () => zoom(1.5), "-": () => zoom(1 / 1.5), "0": () => zoom(1 / view.zoom),
      ArrowLeft: () => { view.x -= step; }, ArrowRight: () => { view.x += step; },
      ArrowUp: () => { view.y -= step; }, ArrowDown: () => { view.y += step; },
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
    clamp();
    draw();
  });

  // The prompt: what each token gets, of all or of the one that is pinned.
  const note = make("p", { class: "note" });
  const unpin = make("button", { type: "button", hidden: "" }, "Show what all tokens give");
  unpin.addEventListener("click", () => pin(-1));
  const spans = tokens.map((text, i) => {
    const span = make("span", {}, text);
    span.addEventListener("click", () => pin(i));
    span.addEventListener("pointerenter", () => {
      readout.textContent = "Token " + i + " " + shown(i) + " of " + data.segments[data.owner[i]] + " gets " + percent(gets[bin(i)]) + (side < n ? " with those beside it" : "");
    });
    return span;
  });
  strip.append(...spans);
  let gets = [];
  const shade = () => {
    gets = new Array(side).fill(0);
    if (pinned >= 0) {
      for (let k = 0; k < side; k++) gets[k] = weight(pixels[bin(pinned) * side + k]);
    } else {
      for (let q = 0; q < side; q++) for (let k = 0; k < side; k++) gets[k] += weight(pixels[q * side + k]) / side;
    }
    const most = Math.max(...gets, 1e-9);
    const floor = Math.log(most / 300);
    spans.forEach((span, i) => {
      const v = Math.max(0, (Math.log(Math.max(gets[bin(i)], 1e-12)) - floor) / Math.log(300));
      span.style.background = "color-mix(in srgb, var(--s0) " + Math.round(70 * v) + "%, transparent)";
      span.classList.toggle("pinned", i === pinned);
    });
    unpin.hidden = pinned < 0;
    note.textContent = pinned < 0 ? "Shaded by what each token gets from all that see it, on a logarithmic scale. Choose a token to see what it gives."
      : "Shaded by what token " + pinned + " " + shown(pinned) + " gives to each.";
  };
  const pin = (i) => {
    pinned = i;
    draw();
    if (pixels) shade();
  };

  const tools = make("div", { class: "tools" });
  for (const [label, factor] of [["Zoom in", 1.5], ["Zoom out", 1 / 1.5], ["Whole map", 0]]) {
    const button = make("button", { type: "button" }, label);
    button.addEventListener("click", () => zoom(factor || 1 / view.zoom));
    tools.append(button);
  }
  const names = make("ul", { class: "legend" });
  const scaleBar = make("div", { class: "scale" });
  const restyle = () => {
    paint();
    const style = getComputedStyle(document.documentElement);
    segmentColours = ["--s0", "--s1", "--s2", "--s3", "--s4", "--s5"].map((v) => style.getPropertyValue(v).trim()).filter(Boolean);
    names.replaceChildren(...data.segments.map((name, s) => {
      const swatch = make("span", { class: "square" });
      swatch.style.background = segmentColour(s);
      return make("li", {}, swatch, name);
    }));
    const steps = Array.from({ length: data.decades + 1 }, (_, d) => data.decades - d);
    scaleBar.replaceChildren(...steps.map((d) => {
      const square = make("span", { class: "square" });
      square.style.background = colour(255 * (1 - d / data.decades));
      return make("span", {}, square, " " + parseFloat((100 * 10 ** -d).toPrecision(2)) + "%");
    }));
    overview();
    render();
  };
  const label = make("label", { for: "metric" }, "Shade the heads by ");
  root.append(make("div", { class: "tools" }, label, select), grid, legend, heading,
    make("p", { class: "note" }, "Downwards the tokens that look, to the right those that are looked at. " +
      (side < n ? "A cell is " + (n / side).toFixed(1) + " tokens wide. " : "A cell is a token. ") +
      "Drag to move; the wheel zooms once the map is focused, or with Ctrl."),
    tools, names, scaleBar, canvas, readout, make("h3", {}, "The prompt"), make("div", { class: "tools" }, unpin), note, strip);
  addEventListener("resize", () => { if (pixels) draw(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", restyle);
  new MutationObserver(restyle).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  restyle();
  choose(0);
})();
