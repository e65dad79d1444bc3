// Charts, strips and bars: inline SVG, drawn at its real width, so that text is never scaled.

import { el, svg } from "./dom.js";
import { clock, count, duration, isNumber, perSecond } from "./format.js";

const FOOT = 18,
  GUTTER = 26,
  HEAD = 14;

const SPECS = {
  deliveries: {
    title: "Deliveries",
    about: "Deliveries a second by outcome",
    bands: [
      { share: 0.62, title: "delivered", format: perSecond, area: "delivered" },
      { share: 0.38, title: "retried and dead", format: perSecond, bars: ["retried", "dead"] },
    ],
    read: row => [
      ["l1", "delivered " + perSecond(row.delivered)],
      ["b2", "retried " + perSecond(row.retried)],
      ["b3", "dead " + perSecond(row.dead)],
    ],
    measure: row => row.delivered,
    format: perSecond,
  },
  latency: {
    title: "Delivery time",
    about: "Delivery time, p50 and p99, logarithmic",
    bands: [
      {
        share: 1,
        title: "",
        format: duration,
        log: [10, 30000],
        ticks: [10, 100, 1000, 10000],
        lines: [
          ["p99", "l1 dash"],
          ["p50", "l1"],
        ],
      },
    ],
    read: row => [
      ["l1", "p50 " + duration(row.p50)],
      ["l1 dash", "p99 " + duration(row.p99)],
    ],
    measure: row => row.p50,
    format: duration,
  },
  backlog: {
    title: "Backlog",
    about: "Events not read yet, and the age of the oldest",
    bands: [
      { share: 0.62, title: "events not read yet", format: count, area: "backlog" },
      { share: 0.38, title: "age of the oldest", format: duration, area: "age" },
    ],
    read: row => [
      ["", count(row.backlog) + (row.backlog === 1 ? " event" : " events")],
      ["", "oldest " + duration(row.age)],
    ],
    measure: row => row.backlog,
    format: count,
  },
};

function nice(max) {
  if (!(max > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(max));
  for (const step of [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10])
    if (step * power >= max) return step * power;
  return 10 * power;
}

// Runs of points without a gap
function runs(rows, key, x, y) {
  const out = [];
  let run = null;
  rows.forEach((row, i) => {
    if (row.gap || !isNumber(row[key])) {
      run = null;
      return;
    }
    if (!run) out.push((run = []));
    run.push([x(i), y(row[key])]);
  });
  return out;
}

const path = points =>
  points.map((p, i) => (i ? "L" : "M") + p[0].toFixed(1) + " " + p[1].toFixed(1)).join("");

// The charts of one page share their rows and their cursor.
export class Charts {
  constructor() {
    this.rows = [];
    this.marks = [];
    this.every = [15, 10];
    this.cursor = null;
    this.figures = Object.keys(SPECS).map(name => this.#figure(name));
    this.node = el(
      "div.charts",
      null,
      this.figures.map(f => f.node),
    );
  }

  // rows: {at, gap, delivered, retried, dead, p50, p99, backlog, age}, evenly spaced; marks: times
  // of events; every: minutes between the times below the plot, narrow and wide
  set(rows, marks, every) {
    this.rows = rows;
    this.marks = marks;
    this.every = every;
    if (this.cursor !== null) this.cursor = Math.min(this.cursor, rows.length - 1);
    this.figures.forEach(f => this.#draw(f));
  }

  release() {
    this.figures.forEach(f => f.observer.disconnect());
  }

  #figure(name) {
    const spec = SPECS[name];
    const plot = svg("svg", { class: "plot", role: "img", tabindex: "0" });
    const read = el("p.read");
    const node = el(
      "figure.chart",
      { "data-chart": name },
      el("figcaption", null, el("h3", null, spec.title), read),
      plot,
    );
    const figure = { spec, plot, read, node };
    plot.addEventListener("pointermove", event => {
      const box = plot.getBoundingClientRect();
      this.#move(Math.round(((event.clientX - box.left) / box.width) * (this.rows.length - 1)));
    });
    plot.addEventListener("pointerleave", () => this.#move(null));
    plot.addEventListener("blur", () => this.#move(null));
    plot.addEventListener("keydown", event => this.#key(event));
    figure.observer = new ResizeObserver(() => this.#draw(figure));
    figure.observer.observe(plot);
    return figure;
  }

  #key(event) {
    const last = this.rows.length - 1;
    const at = this.cursor === null ? last : this.cursor;
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last, Escape: null }[
      event.key
    ];
    if (to === undefined) return;
    if (to !== null) event.preventDefault();
    this.#move(to);
  }

  #move(to) {
    this.cursor =
      to === null || this.rows.length === 0
        ? null
        : Math.min(this.rows.length - 1, Math.max(0, to));
    this.figures.forEach(f => this.#read(f));
  }

  #draw(figure) {
    const { plot, spec } = figure,
      rows = this.rows;
    const { width, height } = plot.getBoundingClientRect();
    plot.replaceChildren();
    if (width === 0 || rows.length < 2) return;
    plot.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const room = height - FOOT - GUTTER * (spec.bands.length - 1) - HEAD;
    const x = i => (i / (rows.length - 1)) * (width - 1);
    const xAt = at => x((at - rows[0].at) / (rows[1].at - rows[0].at));
    this.#drawGaps(plot, x, height);
    for (const mark of this.marks.filter(m => m.at >= rows[0].at)) {
      const at = Math.round(xAt(mark.at)) + 0.5;
      plot.append(svg("line", { class: "mark", x1: at, x2: at, y1: 0, y2: height - FOOT }));
    }
    let top = HEAD;
    for (const band of spec.bands) {
      drawBand(plot, rows, band, x, top, room * band.share, width);
      top += room * band.share + GUTTER;
    }
    this.#drawTimes(plot, xAt, width, height);
    plot.append(
      svg("line", {
        class: "cursor",
        x1: 0,
        x2: 0,
        y1: 0,
        y2: height - FOOT,
        visibility: "hidden",
      }),
    );
    plot.setAttribute("aria-label", this.#describe(spec));
    this.#read(figure);
  }

  #drawGaps(plot, x, height) {
    const rows = this.rows;
    for (let i = 0; i < rows.length; i++) {
      if (!rows[i].gap) continue;
      const from = i;
      while (i + 1 < rows.length && rows[i + 1].gap) i++;
      const left = x(Math.max(0, from - 1)),
        right = x(Math.min(rows.length - 1, i + 1));
      plot.append(
        svg("rect", { class: "gap", x: left, y: 0, width: right - left, height: height - FOOT }),
      );
    }
  }

  // Round times only, none that would run into "now"
  #drawTimes(plot, xAt, width, height) {
    const rows = this.rows,
      every = this.every[width > 520 ? 1 : 0] * 60000;
    const zone = new Date(rows[0].at).getTimezoneOffset() * 60000;
    for (
      let at = Math.ceil((rows[0].at - zone) / every) * every + zone;
      at <= rows[rows.length - 1].at;
      at += every
    ) {
      const place = xAt(at),
        date = new Date(at);
      if (place > width - 44 || (every >= 86400000 && width < 520 && date.getDate() % 2)) continue;
      const text =
        every >= 86400000
          ? date.toLocaleDateString("en-GB", { weekday: "short", day: "numeric" })
          : clock(at, false);
      plot.append(
        svg(
          "text",
          { x: place, y: height - 3, "text-anchor": place < 16 ? "start" : "middle" },
          text,
        ),
      );
    }
    plot.append(svg("text", { x: width, y: height - 3, "text-anchor": "end" }, "now"));
  }

  #describe(spec) {
    const values = this.rows
      .filter(r => !r.gap)
      .map(spec.measure)
      .filter(isNumber);
    if (values.length === 0) return spec.about + ": nothing is known yet.";
    return (
      spec.about +
      `. Newest ${spec.format(values[values.length - 1])}, ` +
      `lowest ${spec.format(Math.min(...values))}, ` +
      `highest ${spec.format(Math.max(...values))}. Arrow keys move the cursor.`
    );
  }

  #read({ spec, plot, read }) {
    const rows = this.rows;
    const row = rows[this.cursor === null ? rows.length - 1 : this.cursor];
    read.replaceChildren();
    if (!row) return;
    if (row.gap) {
      read.append(clock(row.at, false) + " no data");
    } else {
      for (const [mark, text] of spec.read(row)) read.append(key(mark, text), " ");
      if (this.cursor !== null) read.append("at " + clock(row.at, false));
    }
    const line = plot.querySelector(".cursor");
    if (!line) return;
    const at =
      Math.round(
        ((this.cursor || 0) / (rows.length - 1)) * (plot.getBoundingClientRect().width - 1),
      ) + 0.5;
    line.setAttribute("x1", at);
    line.setAttribute("x2", at);
    line.setAttribute("visibility", this.cursor === null ? "hidden" : "visible");
  }
}

function key(mark, text) {
  const out = el("span.key");
  if (mark) {
    const drawing = svg("svg", { "aria-hidden": "true", viewBox: "0 0 12 10" });
    drawing.append(
      mark.startsWith("b")
        ? svg("rect", { class: mark, x: 2, y: 1, width: 7, height: 8 })
        : svg("line", { class: mark, x1: 0, x2: 12, y1: 5, y2: 5 }),
    );
    out.append(drawing);
  }
  out.append(text);
  return out;
}

function topOf(rows, band) {
  if (band.log) return band.log[1];
  const keys = band.bars || [band.area];
  return nice(
    Math.max(0, ...rows.map(r => (r.gap ? 0 : keys.reduce((sum, k) => sum + (r[k] || 0), 0)))),
  );
}

function drawBand(plot, rows, band, x, from, h, width) {
  const bottom = from + h,
    top = topOf(rows, band);
  const y = band.log
    ? v =>
        bottom -
        ((Math.log10(Math.min(Math.max(v, band.log[0]), top)) - Math.log10(band.log[0])) /
          (Math.log10(top) - Math.log10(band.log[0]))) *
          h
    : v => bottom - (v / top) * h;
  const ticks = band.ticks || (h > 80 ? [0, top / 2, top] : [0, top]);
  for (const tick of ticks) {
    const at = Math.round(y(tick)) + 0.5;
    plot.append(svg("line", { class: "grid", x1: 0, x2: width, y1: at, y2: at }));
  }
  if (band.area) {
    for (const run of runs(rows, band.area, x, y)) {
      plot.append(
        svg("path", {
          class: "area",
          d:
            path(run) +
            `L${run[run.length - 1][0].toFixed(1)} ${bottom}L${run[0][0].toFixed(1)} ${bottom}Z`,
        }),
      );
      plot.append(svg("path", { class: "l1", d: path(run) }));
    }
  }
  for (const [name, look] of band.lines || []) {
    for (const run of runs(rows, name, x, y))
      plot.append(svg("path", { class: look, d: path(run) }));
  }
  if (band.bars) drawBars(plot, rows, band.bars, x, y, bottom, width);
  for (const tick of ticks) {
    if (tick !== top && !band.log) continue;
    plot.append(
      svg(
        "text",
        { class: "halo", x: 0, y: Math.round(y(tick)) - 4 },
        band.format(tick).replace(/\.0(?!\d)/, ""),
      ),
    );
  }
  if (band.title)
    plot.append(
      svg(
        "text",
        { class: "halo title", x: width, y: Math.round(y(top)) - 4, "text-anchor": "end" },
        band.title,
      ),
    );
  const last = rows[rows.length - 1];
  for (const [name] of band.lines || []) {
    if (!last.gap && isNumber(last[name]))
      plot.append(
        svg(
          "text",
          { class: "halo", x: width, y: Math.round(y(last[name])) - 8, "text-anchor": "end" },
          name,
        ),
      );
  }
}

// What is above is wider and set off by a gap, so that it shows without colour
function drawBars(plot, rows, [low, high], x, y, bottom, width) {
  const w = Math.min(14, Math.max(1, (width / rows.length) * 0.62));
  rows.forEach((row, i) => {
    if (row.gap) return;
    const left = Math.min(Math.max(0, x(i) - w / 2), width - w);
    const up = bottom - y(row[low] || 0),
      more = bottom - y(row[high] || 0);
    if (up > 0)
      plot.append(
        svg("rect", {
          class: "b2",
          x: left.toFixed(1),
          y: (bottom - up).toFixed(1),
          width: w.toFixed(1),
          height: up.toFixed(1),
        }),
      );
    if (more > 0) {
      plot.append(
        svg("rect", {
          class: "b3",
          x: Math.max(0, Math.min(left - w / 4, width - w * 1.5)).toFixed(1),
          y: (bottom - up - more - 1.5).toFixed(1),
          width: (w * 1.5).toFixed(1),
          height: more.toFixed(1),
        }),
      );
    }
  });
}

// Last attempts, oldest first: low is delivered, middle failed, high dead.
export function strip(outcomes) {
  const marks = outcomes.slice(-30);
  const delivered = marks.filter(m => m === "delivered").length;
  const failed = marks.length - delivered;
  const text =
    "last " +
    (marks.length === 1 ? "attempt" : marks.length + " attempts") +
    ": " +
    [delivered && delivered + " delivered", failed && failed + " failed"]
      .filter(Boolean)
      .join(", ");
  const drawing = svg("svg", {
    class: "strip",
    role: "img",
    viewBox: "1 0 119 18",
    "aria-label": text,
  });
  for (let i = 0; i < 30; i++) {
    const mark = marks[i - (30 - marks.length)];
    const [name, h] =
      mark === undefined
        ? ["no", 2]
        : mark === "delivered"
          ? ["ok", 6]
          : mark === "dead"
            ? ["de", 18]
            : ["re", 12];
    drawing.append(svg("rect", { class: name, x: i * 4 + 1, y: 18 - h, width: 3, height: h }));
  }
  return { drawing, text };
}

// A number with a bar, on a square-root scale
export function amount(n, most) {
  const share = most > 0 && n > 0 ? Math.max(2, Math.sqrt(n / most) * 64) : 0;
  const bar = svg("svg", { viewBox: "0 0 64 6", "aria-hidden": "true" });
  bar.append(
    svg("rect", { class: "rest", width: 64, height: 6, rx: 1 }),
    svg("rect", { width: share.toFixed(1), height: 6, rx: 1 }),
  );
  return el("span.amount", null, count(n), bar);
}

// A bar of parts: [[class, name, n], …]
export function parts(items) {
  const total = items.reduce((sum, item) => sum + item[2], 0);
  const free = 1000 - 6 * items.length + 2;
  const bar = svg("svg", {
    "aria-hidden": "true",
    preserveAspectRatio: "none",
    viewBox: "0 0 1000 10",
  });
  let at = 0;
  const keys = items.map(([look, name, n]) => {
    const width = 4 + (n / total) * free;
    bar.append(svg("rect", { class: look, x: at.toFixed(1), width: width.toFixed(1), height: 10 }));
    at += width + 2;
    const swatch = svg("svg", { class: "swatch", "aria-hidden": "true", viewBox: "0 0 10 10" });
    swatch.append(svg("rect", { class: look, width: 10, height: 10 }));
    return el("li", null, swatch, name + " ", el("b", null, count(n)));
  });
  return [bar, el("ul", null, keys)];
}

// Attempts along time. groups: [{name, marks: [{at, outcome}]}]
const STEPS = [
  [0, "0"],
  [1000, "+1 s"],
  [5000, "+5 s"],
  [60000, "+1 min"],
  [300000, "+5 min"],
  [1800000, "+30 min"],
  [7200000, "+2 h"],
  [36000000, "+10 h"],
  [86400000, "+1 d"],
  [259200000, "+3 d"],
];

export function timeline(plot, groups, from) {
  const width = plot.parentElement.getBoundingClientRect().width,
    wide = width > 560;
  const times = groups.flatMap(g => g.marks.map(m => m.at));
  const span = Math.max(1000, Math.max(...times) - from);
  const left = wide ? 190 : 0,
    step = wide ? 30 : 44,
    top = 8;
  const x = at =>
    left +
    8 +
    (Math.log1p(Math.max(0, at - from) / 400) / Math.log1p(span / 400)) * (width - left - 20);
  const height = top + groups.length * step + FOOT;
  plot.replaceChildren();
  plot.setAttribute("viewBox", `0 0 ${width} ${height}`);
  plot.setAttribute("height", height);
  let edge = -100;
  for (const [ms, label] of STEPS) {
    const at = Math.round(x(from + ms)) + 0.5;
    if (ms > span * 1.02 || at - edge < 56) continue;
    edge = at;
    plot.append(svg("line", { class: "rail", x1: at, x2: at, y1: 0, y2: height - FOOT }));
    plot.append(
      svg(
        "text",
        {
          x: at,
          y: height - 3,
          "text-anchor": ms === 0 && !wide ? "start" : at > width - 30 ? "end" : "middle",
        },
        label,
      ),
    );
  }
  groups.forEach((group, i) => {
    const y = Math.round(top + i * step + (wide ? step / 2 - 3 : step - 14)) + 0.5;
    plot.append(svg("text", { class: "who", x: 0, y: wide ? y + 4 : y - 14 }, group.name));
    if (group.marks.length)
      plot.append(
        svg("line", {
          class: "run",
          x1: x(group.marks[0].at),
          x2: x(group.marks[group.marks.length - 1].at),
          y1: y,
          y2: y,
        }),
      );
    for (const mark of group.marks) plot.append(shape(mark.outcome, x(mark.at), y));
  });
}

function shape(outcome, x, y) {
  if (outcome === "delivered") return svg("circle", { class: "ok", cx: x, cy: y, r: 5 });
  if (outcome === "waiting") return svg("circle", { class: "next", cx: x, cy: y, r: 5 });
  if (outcome === "dead")
    return svg("path", { class: "de", d: `M${x - 4} ${y - 4}l8 8m0 -8l-8 8` });
  if (outcome === "skipped")
    return svg("line", { class: "run", x1: x - 4, x2: x + 4, y1: y, y2: y });
  return svg("circle", { class: "re", cx: x, cy: y, r: 4 });
}
