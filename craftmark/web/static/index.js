// Dropping files, following the work on them, opening and removing cases.
import { ask, keys, make } from "./shared.js";

const form = document.getElementById("drop");
const work = document.getElementById("work");
const files = document.getElementById("files");
const limit = Number(form.dataset.limit);

function value(id) {
  return document.getElementById(id)?.value.trim() || undefined;
}

function settings() {
  const year = value("year");
  return { where: value("where"), year: year === undefined ? undefined : Number(year) };
}

/** A box that shows one job: words, a bar, a button to end it. */
function box(name) {
  const words = make("span", { textContent: name });
  const bar = make("progress", { max: 1 });
  bar.setAttribute("aria-label", `progress of ${name}`);
  const cancel = make("button", { type: "button", textContent: "cancel" });
  const shown = make("div", { className: "job" }, make("p", {}, words, " ", cancel), bar);
  work.append(shown);
  return { shown, words, bar, cancel, name };
}

function fail(at, message) {
  at.words.className = "fault";
  at.words.textContent = `${at.name}: ${message}`;
  at.bar.remove();
  at.cancel.remove();
}

/** Send one file and show how far it is. */
function send(job, file, at) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/jobs/${job}/inputs?name=${encodeURIComponent(file.name)}`);
    request.setRequestHeader("x-craftmark", "page");
    request.upload.onprogress = (event) => {
      at.bar.value = event.loaded / Math.max(event.total, 1);
      at.words.textContent = `${at.name}: sending, ${Math.round(100 * at.bar.value)} %`;
    };
    request.onload = () => (request.status < 300 ? resolve() : reject(new Error(request.responseText)));
    request.onerror = () => reject(new Error("the server cannot be reached"));
    at.cancel.onclick = () => { request.abort(); reject(new Error("cancelled")); };
    request.send(file);
  });
}

/** Follow a job to its end; a finished one opens its case. */
function follow(job, at, open) {
  const events = new EventSource(`/jobs/${job}/events`);
  at.cancel.onclick = () => ask(`/jobs/${job}/cancel`);
  events.onmessage = (event) => {
    const view = JSON.parse(event.data);
    if (view.fraction !== null) at.bar.value = view.fraction; else at.bar.removeAttribute("value");
    const read = view.packets ? `, ${view.packets.toLocaleString("en")} packets read` : "";
    at.words.textContent = `${at.name}: ${view.state}${read}`;
    if (!["done", "failed", "cancelled"].includes(view.state)) return;
    events.close();
    if (view.state !== "done") fail(at, view.message);
    else if (open) location.href = `/cases/${view.case}`;
    else location.reload();
  };
}

async function examine(chosen, more) {
  const list = [...chosen];
  const name = more?.path ?? list.map((file) => file.name).join(", ");
  const at = box(name);
  if (list.reduce((sum, file) => sum + file.size, 0) > limit) return fail(at, "larger than this server takes");
  try {
    const { id } = await ask("/jobs");
    for (const file of list) await send(id, file, at);
    await ask(`/jobs/${id}/start`, JSON.stringify({ ...settings(), ...more }));
    follow(id, at, true);
  } catch (fault) {
    fail(at, fault.message);
  }
}

form.addEventListener("submit", (event) => { event.preventDefault(); examine(files.files); });
document.getElementById("by-path")?.addEventListener("click", () => { if (value("path")) examine([], { path: value("path") }); });
for (const name of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    form.classList.toggle("over", name === "dragover");
    if (name === "drop" && event.dataTransfer.files.length) examine(event.dataTransfer.files);
  });
}
for (const shown of work.querySelectorAll("[data-job]")) {
  const at = box(shown.textContent);
  shown.remove();
  follow(shown.dataset.job, at, false);
}
for (const button of document.querySelectorAll(".remove")) {
  button.addEventListener("click", async () => {
    const name = button.closest("tr").querySelector("a").textContent;
    if (!confirm(`Remove ${name} and what was kept of it?`)) return;
    await ask(`/cases/${button.dataset.case}/remove`);
    button.closest("tr").remove();
  });
}

function move(step) {
  const links = [...document.querySelectorAll("#cases a")];
  const at = links.indexOf(document.activeElement);
  links[Math.min(Math.max(at + step, 0), links.length - 1)]?.focus();
}
keys({ u: () => files.click(), j: () => move(1), k: () => move(-1) });
