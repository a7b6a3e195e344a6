// One case: linked plots with a filter, packets behind claims and marks, keys.
import { keys, make } from "./shared.js";

const section = document.querySelector(".linked");
const data = JSON.parse(document.getElementById("data").textContent);
const chosen = document.getElementById("scan");
const filter = document.getElementById("filter");
const selected = document.getElementById("selected");
const plots = document.getElementById("plots");

/** Fields worth a plot of their own, the most telling first. */
const TELLING = ["tcp_dport", "udp_dport", "sctp_dport", "ip_dst", "ip_id", "tcp_seq", "tcp_sport", "udp_sport",
  "icmp_seq", "icmp_id", "ip_ttl", "tcp_win", "tcp_ack", "ip_src"];
const MOST_PLOTS = 6;

// The filter: comparisons of a field with a number or an address, joined by "and".

const COMPARED = /^\s*(\w+)\s*(>=|<=|==|=|>|<)\s*([\w.]+)\s*$/;
const TEST = {
  ">=": (a, b) => a >= b, "<=": (a, b) => a <= b, ">": (a, b) => a > b, "<": (a, b) => a < b,
  "==": (a, b) => a === b, "=": (a, b) => a === b,
};

function number(text) {
  const parts = text.split(".");
  if (parts.length === 4) return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
  return Number(text);
}

function said(field, value) {
  if (!field.startsWith("ip_src") && !field.startsWith("ip_dst")) return String(value);
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
}

/** Turn a filter into a list of tests; null where it cannot be read. */
function read(text) {
  if (!text.trim()) return [];
  const tests = [];
  for (const part of text.split(/\band\b/)) {
    const found = COMPARED.exec(part);
    if (!found || Number.isNaN(number(found[3]))) return null;
    tests.push({ field: found[1], holds: TEST[found[2]], value: number(found[3]) });
  }
  return tests;
}

/** Which rows of a scan the filter leaves: an array of booleans, or null. */
function rows(scan) {
  const tests = read(filter.value);
  if (tests === null) return null;
  const count = scan.offset_ns.length || Object.values(scan.columns)[0]?.length || 0;
  const kept = new Array(count).fill(true);
  for (const test of tests) {
    const values = test.field === "seconds" ? scan.offset_ns.map((ns) => ns / 1e9) : scan.columns[test.field];
    for (let row = 0; row < count; row++) {
      kept[row] = kept[row] && Boolean(values) && values[row] !== null && test.holds(values[row], test.value);
    }
  }
  return kept;
}

// The plots: each on a canvas, so that many points cost little.

function style(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

class Plot {
  constructor(scan, field) {
    this.field = field;
    this.hasTime = scan.offset_ns.length > 0;
    this.x = this.hasTime ? scan.offset_ns.map((ns) => ns / 1e9) : scan.columns[field].map((_, row) => row + 1);
    this.y = scan.columns[field];
    const known = this.y.filter((one) => one !== null);
    this.box = [Math.min(...this.x), Math.max(...this.x), Math.min(...known), Math.max(...known)];
    this.canvas = make("canvas", {});
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", `${field} over time`);
    this.figure = make("figure", {}, make("figcaption", { textContent: `${field} over ${this.hasTime ? "seconds" : "the probes"}` }), this.canvas);
    this.canvas.addEventListener("pointerdown", (event) => this.begin(event));
  }

  place(row) {
    const [left, right, low, high] = this.box;
    const { width, height } = this.canvas;
    const x = ((this.x[row] - left) / (right - left || 1)) * (width - 12) + 6;
    return [x, height - 6 - ((this.y[row] - low) / (high - low || 1)) * (height - 12)];
  }

  draw(kept, drag) {
    const scale = window.devicePixelRatio || 1;
    this.canvas.width = this.canvas.clientWidth * scale;
    this.canvas.height = this.canvas.clientHeight * scale;
    const pen = this.canvas.getContext("2d");
    const size = 2 * scale;
    for (const mine of [false, true]) {
      pen.fillStyle = style(mine ? "accent" : "line");
      for (let row = 0; row < this.y.length; row++) {
        if (this.y[row] === null || Boolean(!kept || kept[row]) !== mine) continue;
        const [x, y] = this.place(row);
        pen.fillRect(x - size / 2, y - size / 2, size, size);
      }
    }
    if (drag) {
      pen.strokeStyle = style("ink");
      pen.strokeRect(...drag.map((one) => one * scale));
    }
  }

  begin(event) {
    const from = [event.offsetX, event.offsetY];
    this.canvas.setPointerCapture(event.pointerId);
    const rectangle = (to) => [
      Math.min(from[0], to.offsetX), Math.min(from[1], to.offsetY),
      Math.abs(to.offsetX - from[0]), Math.abs(to.offsetY - from[1]),
    ];
    this.canvas.onpointermove = (to) => this.draw(current, rectangle(to));
    this.canvas.onpointerup = (to) => {
      this.canvas.onpointermove = this.canvas.onpointerup = null;
      const drawn = rectangle(to);
      if (drawn[2] > 3 && drawn[3] > 3) this.select(...drawn); else redraw();
    };
  }

  /** Make the filter of a rectangle of the plot. */
  select(x, y, width, height) {
    const [left, right, low, high] = this.box;
    const across = (at) => left + ((at - 6) / (this.canvas.clientWidth - 12)) * (right - left);
    const up = (at) => low + ((this.canvas.clientHeight - 6 - at) / (this.canvas.clientHeight - 12)) * (high - low);
    const least = Math.ceil(Math.max(up(y + height), low));
    const most = Math.floor(Math.min(up(y), high));
    const parts = [`${this.field} >= ${said(this.field, least)}`, `${this.field} <= ${said(this.field, most)}`];
    if (this.hasTime && (across(x) > left || across(x + width) < right)) {
      parts.push(`seconds >= ${across(x).toFixed(6)}`, `seconds <= ${across(x + width).toFixed(6)}`);
    }
    filter.value = parts.join(" and ");
    redraw();
  }
}

let shown = [];
let current = null;

function redraw() {
  const scan = data[chosen.value];
  if (!scan) return;
  current = rows(scan);
  filter.setAttribute("aria-invalid", String(current === null));
  const total = current?.length ?? 0;
  const left = current?.filter(Boolean).length ?? 0;
  selected.textContent = current === null
    ? "this filter cannot be read: write field >= number, joined by and"
    : `${left.toLocaleString("en")} of ${total.toLocaleString("en")} probes drawn (of ${scan.probes.toLocaleString("en")} in all)`;
  for (const plot of shown) plot.draw(current);
}

function build() {
  const scan = data[chosen.value];
  plots.replaceChildren();
  const names = scan ? TELLING.filter((name) => new Set(scan.columns[name]?.filter((one) => one !== null)).size > 1).slice(0, MOST_PLOTS) : [];
  shown = names.map((name) => new Plot(scan, name));
  plots.append(...shown.map((plot) => plot.figure));
  redraw();
}

function clear() {
  filter.value = "";
  redraw();
}

chosen.addEventListener("change", build);
filter.addEventListener("input", redraw);
document.getElementById("clear").addEventListener("click", clear);
window.addEventListener("resize", redraw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);

// Packets behind claims and marks.

async function openPackets(ids) {
  const body = document.getElementById("packets-body");
  body.replaceChildren("reading");
  document.getElementById("packets").showModal();
  const answer = await fetch(`/cases/${section.dataset.case}/packets?ids=${ids.replaceAll(" ", ",")}`);
  if (!answer.ok) return body.replaceChildren(make("p", { className: "fault", textContent: await answer.text() }));
  body.replaceChildren(...(await answer.json()).flatMap(packet));
}

function packet(one) {
  const cells = Object.entries(one.fields).map(([name, value]) => make("tr", {},
    make("th", { textContent: name }), make("td", { className: "mono", textContent: value })));
  const parts = [make("h3", { textContent: `packet ${one.packet} of input ${one.input}` }), make("table", {}, ...cells)];
  if (one.octets) parts.push(make("pre", { textContent: dump(one.octets) }));
  return parts;
}

/** Octets as rows of sixteen, in hexadecimal and as characters. */
function dump(octets) {
  const lines = [];
  for (let at = 0; at < octets.length; at += 32) {
    const pairs = octets.slice(at, at + 32).match(/../g);
    const text = pairs.map((pair) => { const code = parseInt(pair, 16); return code >= 32 && code < 127 ? String.fromCharCode(code) : "."; });
    lines.push(`${(at / 2).toString(16).padStart(4, "0")}  ${pairs.join(" ").padEnd(47)}  ${text.join("")}`);
  }
  return lines.join("\n");
}

if (section.dataset.packetsHere === "yes") {
  for (const place of document.querySelectorAll(".packets[data-packets]:not([data-packets=''])")) {
    const button = make("button", { type: "button", textContent: "show" });
    button.setAttribute("aria-label", `show ${place.textContent}`);
    button.addEventListener("click", () => openPackets(place.dataset.packets));
    place.append(button);
  }
}

// Pictures are drawn by the server when the reader comes near: the words need not wait for them.

const near = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    near.unobserve(entry.target);
    fetchPictures(entry.target);
  }
}, { rootMargin: "600px" });

async function fetchPictures(place) {
  for (const name of section.dataset.pictures.split(" ")) {
    const answer = await fetch(`/cases/${section.dataset.case}/${place.dataset.scan}/${name}.svg`);
    if (answer.status !== 200) continue;
    const svg = new DOMParser().parseFromString(await answer.text(), "image/svg+xml").documentElement;
    const figure = make("figure", { id: `${place.dataset.scan}-${name}` });
    figure.append(make("figcaption", { textContent: svg.querySelector("title")?.textContent ?? name }), document.adoptNode(svg));
    figure.append(make("div", { className: "alt", textContent: svg.querySelector("desc")?.textContent ?? "" }));
    place.append(figure);
  }
}

for (const one of document.querySelectorAll("main section[aria-labelledby]")) {
  const id = one.getAttribute("aria-labelledby");
  if (!/^[SF]\d+$/.test(id)) continue;
  const place = make("div", { className: "pictures" });
  place.dataset.scan = id;
  const marks = [...one.querySelectorAll("h3")].find((heading) => heading.textContent === "Toolmarks");
  one.insertBefore(place, marks ?? null);
  near.observe(place);
}

// Links from a tool's line to its whole comparison.
for (const details of document.querySelectorAll("details[id*='-']")) {
  const tool = details.id.slice(details.id.indexOf("-") + 1);
  if (!/^[\w.-]+$/.test(tool)) continue;
  details.append(make("p", {}, make("a", { href: `/cases/${section.dataset.case}/why/${tool}`, textContent: "the whole comparison" })));
}

// Keys.

function move(step) {
  const all = [...document.querySelectorAll("main section > h2, main section > h3")];
  const at = all.findIndex((one) => one.getBoundingClientRect().top > 8);
  const next = step > 0 ? all.findIndex((one) => one.getBoundingClientRect().top > 40) : (at < 0 ? all.length : at) - 2;
  all[Math.min(Math.max(next, 0), all.length - 1)]?.scrollIntoView();
}

function heading(words) {
  [...document.querySelectorAll("main h3")].find((one) => one.textContent.startsWith(words))?.scrollIntoView();
}

function tools(word) {
  heading("Tools");
  for (const one of document.querySelectorAll("main details")) {
    const mine = one.querySelector("summary").textContent.includes(`: ${word}`);
    if (mine) one.open = !one.open;
  }
}

function menu() {
  const exported = document.getElementById("export");
  exported.open = !exported.open;
  exported.querySelector("summary").focus();
}

keys({
  "j": () => move(1), "k": () => move(-1), "g": () => scrollTo(0, 0), "G": () => scrollTo(0, document.body.scrollHeight),
  "/": () => filter.focus(), "w": () => tools("identification"), "n": () => tools("elimination"),
  "o": () => (document.activeElement.closest("tr") ?? document).querySelector(".packets button")?.click(),
  "r": () => heading("Toolmarks"), "x": menu, "q": () => { location.href = "/"; }, "Escape": clear,
});
build();
