// The review page: what is on the screen, and what keys and buttons do to it.

import { makeCard, Pictures, described } from "./card.js";
import { Outbox, reach } from "./outbox.js";

const GRID_SIZE = 12;
const RETRY_MS = 2000;
const IDLE_MS = 5000;
const KEYS = { r: "real", b: "bogus", s: "skip" };
const byId = (name) => document.getElementById(name);
const remembered = (name, otherwise) => localStorage.getItem(`stampshift-${name}`) ?? otherwise;
const remember = (name, value) => localStorage.setItem(`stampshift-${name}`, value);

let review; // what the server says of the review
let outbox;
let rater = remembered("rater", "");
let shown = []; // candidates on the screen: {id, row}, after a vote also {vote, key, saved, label, score}
let ahead = []; // candidates that come next, their images already here
let done = []; // candidates the rater has voted on, the latest last
let chosen = 0; // which of the shown gets the next vote
let exhausted = false; // the server has no more for this rater
let calls = 0;
let retry = null;
let seen = 0; // the last vote that the progress counts

const settings = { stretch: "zscale", layout: "one", reveal: "after" };
for (const name of Object.keys(settings)) settings[name] = remembered(name, settings[name]);
const pageSize = () => (settings.layout === "grid" ? GRID_SIZE : 1);

// ---- talking to the server

// Gets candidates ahead of need. Of two calls the later counts: the rater or a setting may have changed between.
async function fill() {
  clearTimeout(retry);
  const call = ++calls;
  const enough = 2 * pageSize() + 4;
  if (ahead.length < enough / 2) {
    const query = new URLSearchParams({ rater, count: enough, reveal: settings.reveal === "always" });
    held().forEach((id) => query.append("held", id));
    try {
      const answer = await reach(`api/queue?${query}`);
      if (call !== calls) return;
      const known = new Set(held());
      ahead.push(...answer.candidates.filter((item) => !known.has(item.id)));
      exhausted = answer.candidates.length < enough;
      showProgress(answer.progress);
      complain(null);
    } catch (error) {
      complain(error.message);
      retry = setTimeout(fill, RETRY_MS);
      return;
    }
  }
  topUp();
  // A rater who is done sees what the others do, and gets a candidate that one of them takes back.
  if (exhausted && shown.length === 0) retry = setTimeout(fill, IDLE_MS);
}

const held = () => [...shown, ...ahead].map((item) => item.id).concat(outbox.ids());

function saved(vote, answer) {
  if (vote.rater !== rater) return;
  showProgress(answer.progress);
  const item = done.find((one) => one.key === vote.key);
  if (item) Object.assign(item, answer.candidate, { saved: true });
  render();
}

function showWaiting(waiting, trouble) {
  const state = byId("saving");
  const votes = waiting === 1 ? "1 vote" : `${waiting} votes`;
  state.textContent = waiting === 0 ? "all votes saved" : trouble ? `${votes} waiting: ${trouble}` : `saving ${votes}`;
  state.classList.toggle("trouble", waiting > 0 && Boolean(trouble));
}

// ---- voting

function vote(word) {
  const item = shown[chosen];
  if (!rater || !canVote()) return;
  const key = outbox.add(rater, item.id, word);
  Object.assign(item, { vote: word, key, saved: false });
  done = [...done.filter((one) => one.id !== item.id), item];
  if (settings.layout === "one") nextPage();
  else {
    const open = shown.findIndex((one, index) => index > chosen && !one.vote);
    chosen = open >= 0 ? open : Math.max(0, shown.findIndex((one) => !one.vote));
    render();
  }
}

function undo() {
  const item = done.pop();
  if (!item) return;
  outbox.add(rater, item.id, "undo");
  const blind = { id: item.id, row: item.row };
  const place = shown.findIndex((one) => one.id === item.id);
  if (place >= 0) shown[place] = blind;
  else {
    shown.unshift(blind);
    ahead.unshift(...shown.splice(pageSize()).filter((one) => !one.vote));
  }
  ahead = ahead.filter((one) => one.id !== item.id);
  chosen = Math.max(place, 0);
  render();
}

// Voted candidates leave the screen, the others stay.
function nextPage() {
  shown = shown.filter((one) => !one.vote);
  chosen = 0;
  topUp();
  fill();
}

function topUp() {
  const open = shown.every((one) => !one.vote);
  if (open) shown.push(...ahead.splice(0, Math.max(0, pageSize() - shown.length)));
  render();
  ahead.forEach((item) => pictures.has(imageOf(item)));
}

// ---- the screen

const pictures = new Pictures((address) => {
  if (shown.some((item) => imageOf(item) === address)) render();
});
const canVote = () => shown[chosen] !== undefined && pictures.has(imageOf(shown[chosen]));
const imageOf = (item) => `images/${review.fingerprint}/${item.row}-${settings.stretch}.png`;

function render() {
  const box = byId("candidates");
  const focused = box.contains(document.activeElement);
  box.className = settings.layout;
  box.replaceChildren(...shown.map(card));
  if (focused) box.children[chosen]?.focus();
  const waits = shown.length > 0 && shown.every((one) => one.vote);
  byId("next").classList.toggle("due", waits);
  document.body.dataset.layout = settings.layout;
  for (const word of ["real", "bogus", "skip"]) byId(word).disabled = !canVote();
  byId("undo").disabled = done.length === 0;
  if (shown.length === 0 && exhausted) box.textContent = "There is nothing left for you to vote on. Thank you!";
  const last = done.at(-1);
  byId("last").textContent = settings.layout === "one" && last ? `last: ${last.id}, ${described(last, settings.reveal)}` : "";
}

function card(item, index) {
  const { stretch, reveal } = settings;
  const address = imageOf(item);
  const node = makeCard(item, { address, here: pictures.has(address), current: index === chosen, stretch, reveal });
  node.addEventListener("click", () => choose(index));
  return node;
}

function choose(index) {
  chosen = Math.min(Math.max(index, 0), shown.length - 1);
  render();
  byId("candidates").children[chosen]?.focus();
}

function move(key) {
  const tops = Array.from(byId("candidates").children, (node) => node.offsetTop);
  const columns = tops.filter((top) => top === tops[0]).length;
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[key];
  if (shown[chosen + step]) choose(chosen + step);
}

function showProgress({ mine, left, complete, candidates, seen: now }) {
  if (now < seen) return; // an older answer came later
  seen = now;
  const bars = { mine: [mine, mine + left], all: [complete, candidates] };
  for (const [name, [value, max]] of Object.entries(bars)) {
    byId(name).max = Math.max(max, 1);
    byId(name).value = value;
    byId(`${name}-text`).textContent = `${value} of ${max}`;
  }
}

function complain(message) {
  byId("message").hidden = !message;
  byId("message").textContent = message ? `Cannot load candidates: ${message}. Trying again.` : "";
}

// ---- settings and rater

function change(name, value) {
  settings[name] = value;
  byId(name).value = value;
  remember(name, value);
  if (name === "layout") {
    if (value === "one") shown = shown.filter((one) => !one.vote);
    ahead.unshift(...shown.splice(pageSize()));
    chosen = 0;
  }
  if (name === "reveal") {
    // what the server said under another setting is forgotten
    shown = [];
    ahead = [];
  }
  topUp();
  fill();
}

const turn = (name) => {
  const values = Array.from(byId(name).options, (option) => option.value);
  change(name, values[(values.indexOf(settings[name]) + 1) % values.length]);
};

async function begin(name) {
  rater = name.trim();
  remember("rater", rater);
  byId("rater").textContent = rater;
  shown = [];
  ahead = [];
  done = [];
  exhausted = false;
  render();
  await outbox.send();
  const last = await reach(`api/last?${new URLSearchParams({ rater: name.trim() })}`).catch(() => []);
  if (rater !== name.trim()) return;
  done = last.map((item) => ({ ...item, saved: true })).reverse();
  await fill();
}

function askName() {
  byId("name").value = rater;
  byId("who").showModal();
}

function pressed(event) {
  const elsewhere = event.target.closest("input, select, dialog") || byId("who").open;
  if (elsewhere || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (key in KEYS) vote(KEYS[key]);
  else if (key === "u") undo();
  else if (key === "n") nextPage();
  else if (key === "z") turn("stretch");
  else if (key === "g") turn("layout");
  else if (key.startsWith("Arrow") && settings.layout === "grid") move(key);
  else return;
  event.preventDefault();
}

async function start() {
  history.replaceState(null, "", location.pathname); // the token stays in the cookie alone
  try {
    review = await reach("api/review");
  } catch (error) {
    complain(error.message);
    setTimeout(start, RETRY_MS);
    return;
  }
  complain(null);
  document.title = byId("title").textContent = `Review of ${review.survey}${review.simulated ? " (simulated)" : ""}`;
  outbox = new Outbox(review.fingerprint, { saved, changed: showWaiting });
  showWaiting(outbox.waiting().length, null);
  byId("stretch").replaceChildren(...review.stretches.map((name) => new Option(name, name)));
  byId("names").replaceChildren(...review.raters.map((name) => new Option(name)));
  for (const name of Object.keys(settings)) {
    byId(name).value = settings[name];
    byId(name).addEventListener("change", (event) => {
      change(name, event.target.value);
      event.target.blur(); // so that the next key is a vote again
    });
  }
  for (const word of ["real", "bogus", "skip"]) byId(word).addEventListener("click", () => vote(word));
  byId("undo").addEventListener("click", undo);
  byId("next").addEventListener("click", nextPage);
  byId("rater").addEventListener("click", askName);
  byId("who").querySelector("form").addEventListener("submit", () => begin(byId("name").value));
  byId("who").addEventListener("close", () => rater || askName());
  document.addEventListener("keydown", pressed);
  if (rater) begin(rater);
  else askName();
}

start();
