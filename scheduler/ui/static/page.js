"use strict";
// Everything from the cluster is written with textContent: a name is text, never markup.

const ROWS = 500;
const KEPT = 200;
const FIGURES = [
  ["nodesReady", "nodes ready"], ["podsPlaced", "pods placed"], ["podsWithBudget", "with a budget"],
  ["budgetsBroken", "budgets broken"], ["podsPending", "pods waiting"], ["rttNodes", "nodes measured"],
];
const at = (id) => document.getElementById(id);

function element(tag, text, kind) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

function fill(id, rows) {
  at(id).replaceChildren(...rows.map((cells) => {
    const row = document.createElement("tr");
    row.append(...cells.map((cell) => {
      const td = document.createElement("td");
      td.append(cell instanceof Node ? cell : String(cell));
      return td;
    }));
    return row;
  }));
}

function count(id, list, rows) {
  at(id).textContent = list.total > rows.length ? `${rows.length} of ${list.total} shown` : `${list.total}`;
}

const podName = (pod) => (pod.namespace === "default" ? pod.name : `${pod.namespace}/${pod.name}`);

function delays(pod) {
  const all = document.createElement("span");
  pod.delays.forEach((delay, k) => {
    if (k) all.append(", ");
    const rtt = delay.rttMs === null ? "not measured" : `${delay.rttMs} ms`;
    const kind = delay.holds ? "good" : delay.isSoft ? "" : "bad";
    all.append(element("span", `${delay.to} ${rtt} / ${delay.withinMs} ms${delay.isSoft ? " (soft)" : ""}`, kind));
  });
  return all;
}

function share(load) {
  if (!load) return "";
  if (load.allocatable === null) return "no limit";
  return load.allocatable ? `${Math.round((100 * load.requested) / load.allocatable)} %` : "none";
}

function showSummary(summary) {
  at("summary").replaceChildren(...FIGURES.map(([key, title]) => {
    const box = document.createElement("div");
    const value = key === "nodesReady" ? `${summary.nodesReady} / ${summary.nodes}` : summary[key];
    box.append(element("dt", title), element("dd", value, key === "budgetsBroken" && value ? "bad" : ""));
    return box;
  }));
  at("state").textContent = summary.isReady ? "ready" : "not ready: the cache is not complete";
}

function showEvents(events) {
  const list = at("events");
  for (const event of events) {
    const line = document.createElement("li");
    line.append(element("time", new Date(event.at * 1000).toLocaleTimeString()), event.text);
    if (event.kind === "error" || event.kind === "conflict") line.className = "bad";
    list.prepend(line);
  }
  while (list.children.length > KEPT) list.lastChild.remove();
}

async function ask(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

async function refresh() {
  const [pending, pods, zones, nodes] = await Promise.all([
    ask(`/api/pending?limit=${ROWS}`), ask(`/api/pods?limit=${ROWS}`),
    ask("/api/zones"), ask(`/api/nodes?limit=${ROWS}`),
  ]);
  count("pending-count", pending, pending.pending);
  fill("pending", pending.pending.map((p) => [podName(p), p.stage, p.attempts, p.remedy ? `${p.reason} (${p.remedy})` : p.reason]));
  count("pods-count", pods, pods.pods);
  fill("pods", pods.pods.map((p) => [podName(p), p.node ?? "(node gone)", delays(p)]));
  fill("zones", zones.layers.map((layer) => [
    `${layer.diameterMs} ms`, layer.zones.length,
    layer.zones.reduce((best, zone) => (zone.nodes > best.nodes ? zone : best), { name: "", nodes: 0 }).name,
  ]));
  count("nodes-count", nodes, nodes.nodes);
  fill("nodes", nodes.nodes.map((n) => [
    n.name, n.failureDomain,
    element("span", n.isReady ? (n.isUnschedulable ? "cordoned" : "ready") : "not ready", n.isReady ? "" : "bad"),
    n.pods, share(n.resources.cpu), share(n.resources.memory),
  ]));
}

let isRefreshing = false;
let isStale = false;
async function refreshSoon() {
  isStale = true;
  if (isRefreshing) return;
  isRefreshing = true;
  while (isStale) {
    isStale = false;
    try { await refresh(); } catch (error) { at("state").textContent = `no answer: ${error.message}`; }
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
stream.onopen = () => at("events").replaceChildren();
stream.onerror = () => { at("state").textContent = "no connection; trying again"; };
