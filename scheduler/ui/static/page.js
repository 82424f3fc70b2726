"use strict";
// Everything from the cluster is written with textContent: a name is text, never markup.

const ROWS = 500;
const KEPT = 200;
const EVERY_MS = 5000;
const FIGURES = [
  ["nodesReady", "nodes ready"], ["podsPlaced", "pods placed"], ["podsWithBudget", "with a budget"],
  ["budgetsBroken", "budgets broken"], ["podsPending", "pods waiting"], ["rttNodes", "nodes measured"],
];
const LOUD = { budgetsBroken: "bad", podsPending: "warn" };
const at = (id) => document.getElementById(id);

function element(tag, text, kind) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

function fill(id, rows) {
  const body = at(id);
  const heads = [...body.closest("table").querySelectorAll("th")];
  if (!rows.length) {
    const cell = element("td", body.dataset.empty, "empty");
    cell.colSpan = heads.length;
    const row = document.createElement("tr");
    row.append(cell);
    body.replaceChildren(row);
    return;
  }
  body.replaceChildren(...rows.map((cells) => {
    const row = document.createElement("tr");
    row.append(...cells.map((cell, k) => {
      const td = document.createElement("td");
      td.dataset.title = heads[k].textContent;
      td.className = heads[k].className;
      td.append(cell instanceof Node ? cell : String(cell));
      return td;
    }));
    return row;
  }));
}

function count(id, list, rows) {
  at(id).textContent = list.total > rows.length ? `${rows.length} of ${list.total} shown` : `${list.total}`;
}

function podName(pod) {
  const link = element("a", pod.namespace === "default" ? pod.name : `${pod.namespace}/${pod.name}`);
  link.href = `/api/explain/${encodeURIComponent(pod.namespace)}/${encodeURIComponent(pod.name)}`;
  return link;
}

function span(seconds) {
  const [number, unit] = seconds < 90 ? [seconds, "s"] : seconds < 5400 ? [seconds / 60, "min"] : [seconds / 3600, "h"];
  return `${Math.round(number)}\u00a0${unit}`;
}

function why(pod) {
  const all = element("span", pod.reason);
  if (pod.remedy) all.append(element("small", `Smallest change: ${pod.remedy}.`));
  return all;
}

function delay(one, isLeaving, isBelieved) {
  let rtt = one.rttMs === null ? "not measured" : `${one.rttMs} ms`;
  if (one.rttMs === null && one.from === null) rtt = "not placed";
  const missed = one.holds ? "" : one.isSoft ? ", missed" : isBelieved || one.ageS === undefined ? ", broken" : ", not confirmed";
  const kind = isLeaving ? "quiet" : one.holds ? "good" : one.isSoft ? "warn" : "bad";
  const line = element("span", `${one.to} `, "delay");
  line.append(element("span", `${rtt} / ${one.withinMs} ms${isLeaving ? "" : missed}`, kind));
  if (one.isSoft) line.append(element("span", " (soft)", "quiet"));
  if (one.ageS !== undefined) line.append(element("span", ` ${one.source}, ${span(one.ageS)} ago`, "quiet"));
  return line;
}

function delays(pod) {
  if (!pod.delays.length) return element("span", "no delay asked for", "quiet");
  const all = document.createElement("span");
  all.append(...pod.delays.map((one) => delay(one, pod.isTerminating, pod.isBroken)));
  return all;
}

function place(pod) {
  if (pod.node === null) return element("span", "(node gone)", "quiet");
  return pod.isTerminating ? element("span", `${pod.node}, leaving`, "quiet") : pod.node;
}

function share(load) {
  if (!load) return "";
  if (load.allocatable === null) return "no limit";
  return load.allocatable ? `${Math.round((100 * load.requested) / load.allocatable)} %` : "none";
}

function nodeState(node) {
  const words = node.isReady ? (node.isUnschedulable ? "cordoned" : "ready") : "not ready";
  const kind = !node.isReady ? "bad" : node.isUnschedulable ? "warn" : "";
  return element("span", node.isCloud ? `${words}, cloud` : words, kind);
}

function showSummary(summary) {
  at("summary").replaceChildren(...FIGURES.map(([key, title]) => {
    const box = document.createElement("div");
    const value = key === "nodesReady" ? `${summary.nodesReady} / ${summary.nodes}` : summary[key];
    const kind = key === "nodesReady" && summary.nodesReady < summary.nodes ? "bad" : summary[key] ? LOUD[key] : "";
    box.append(element("dt", title), element("dd", value, kind));
    return box;
  }));
  at("notices").replaceChildren(...summary.notices.map((notice) => element("li", notice)));
  at("notices").hidden = !summary.notices.length;
  say(summary.isReady ? "live" : "not ready: the cache is not complete", false);
}

function say(text, isStale) {
  at("state").textContent = text;
  document.body.classList.toggle("stale", isStale);
}

const clock = (ms) => new Date(ms).toLocaleTimeString([], { hour12: false });

function showEvents(events) {
  const list = at("events");
  for (const event of events) {
    const line = document.createElement("li");
    line.append(element("time", clock(event.at * 1000)), event.text);
    if (event.kind === "error" || event.kind === "conflict") line.className = "bad";
    if (event.kind === "waiting" || event.kind === "warning") line.className = "warn";
    list.prepend(line);
  }
  while (list.children.length > KEPT) list.lastChild.remove();
}

function showTelemetry(telemetry) {
  const { pairs, sources } = telemetry;
  at("telemetry").hidden = !pairs;
  if (!pairs) return;
  const part = (count) => `${count} (${pairs.all ? ((100 * count) / pairs.all).toFixed(1) : 0} %)`;
  fill("measured", [
    ...pairs.believed.map((one) => [one.source, part(one.pairs), span(one.medianAgeS)]),
    ["too old, or cut", part(pairs.stale), ""],
    ["never measured", part(pairs.unknown), ""],
  ]);
  const troubled = sources.filter((one) => one.problem);
  at("sources").replaceChildren(...troubled.map((one) => element("li", `${one.name}: ${one.problem}`)));
  at("sources").hidden = !troubled.length;
}

async function ask(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

async function refresh() {
  const [pending, pods, zones, nodes, telemetry] = await Promise.all([
    ask(`/api/pending?limit=${ROWS}`), ask(`/api/pods?limit=${ROWS}`),
    ask("/api/zones"), ask(`/api/nodes?limit=${ROWS}`), ask("/api/telemetry"),
  ]);
  count("pending-count", pending, pending.pending);
  fill("pending", pending.pending.map((p) => [podName(p), why(p), p.attempts, span(p.waitingSeconds)]));
  count("pods-count", pods, pods.pods);
  fill("pods", pods.pods.map((p) => [podName(p), place(p), delays(p)]));
  fill("zones", zones.layers.map((layer) => {
    const largest = layer.zones.reduce((best, zone) => (zone.nodes > best.nodes ? zone : best), { name: "", nodes: 0 });
    return [`${layer.diameterMs} ms`, layer.zones.length, largest.nodes ? `${largest.name} (${largest.nodes} nodes)` : ""];
  }));
  showTelemetry(telemetry);
  count("nodes-count", nodes, nodes.nodes);
  fill("nodes", nodes.nodes.map((n) => [
    n.name, n.failureDomain, nodeState(n), n.pods, share(n.resources.cpu), share(n.resources.memory),
  ]));
}

let isRefreshing = false;
let isDue = false;
let isOpen = false;
async function refreshSoon() {
  isDue = true;
  if (isRefreshing) return;
  isRefreshing = true;
  while (isDue) {
    isDue = false;
    try { await refresh(); } catch (error) { say(`no answer: ${error.message}`, true); }
    await new Promise((done) => setTimeout(done, 1000));
  }
  isRefreshing = false;
}

const stream = new EventSource("/api/stream");
stream.onmessage = (message) => {
  const news = JSON.parse(message.data);
  showSummary(news.summary);
  showEvents(news.events);
  refreshSoon();
};
stream.onopen = () => { isOpen = true; at("events").replaceChildren(); };
stream.onerror = () => {
  if (isOpen) say(`no connection since ${clock(Date.now())}; trying again`, true);
  isOpen = false;
};
setInterval(() => { if (isOpen) refreshSoon(); }, EVERY_MS);
