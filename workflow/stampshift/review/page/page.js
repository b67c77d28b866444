// The review page: what keys, buttons and settings do.

import { Desk } from "./desk.js";
import { Outbox, reach } from "./outbox.js";
import { Result } from "./result.js";
import { Screen, complain } from "./screen.js";
import { Zoom } from "./zoom.js";

const RETRY_MS = 2000;
const byId = (name) => document.getElementById(name);
const remembered = (name, otherwise) => localStorage.getItem(`stampshift-${name}`) ?? otherwise;
const remember = (name, value) => localStorage.setItem(`stampshift-${name}`, value);

const settings = { stretch: "zscale", view: "stamp", layout: "one", reveal: "after" };
let desk, screen, zoom, result;

const ACTIONS = {
  r: () => desk.vote("real"),
  b: () => desk.vote("bogus"),
  s: () => desk.vote("skip"),
  u: () => desk.undo(),
  n: () => desk.nextPage(),
  z: () => turn("stretch"),
  w: () => turn("view"),
  g: () => turn("layout"),
  o: () => screen.box.children[desk.chosen]?.querySelector("a")?.click(),
  e: () => result.toggle(desk.rater),
  "+": () => zoom.by(1),
  "=": () => zoom.by(1), // the same key without shift
  "-": () => zoom.by(-1),
  0: () => zoom.reset(),
  "?": () => byId("help").showModal(),
};

function pressed(event) {
  const elsewhere = event.target.closest("input, select, dialog") || document.querySelector("dialog[open]");
  if (elsewhere || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const tag = byId("tags").children[Number(key) - 1];
  if (Object.hasOwn(ACTIONS, key)) ACTIONS[key]();
  else if (tag) tag.click();
  else if (key.startsWith("Arrow") && settings.layout === "grid" && !desk.lesson.length) screen.move(key);
  else return;
  event.preventDefault();
}

// ---- settings and rater

function change(name, value) {
  settings[name] = value;
  byId(name).value = value;
  remember(name, value);
  if (name === "layout") desk.relay();
  else if (name === "reveal") desk.forget();
  else desk.changed();
}

function turn(name) {
  const values = Array.from(byId(name).options, (option) => option.value);
  if (!byId(name).disabled) change(name, values[(values.indexOf(settings[name]) + 1) % values.length]);
}

function offerSettings(review) {
  byId("stretch").replaceChildren(...review.stretches.map((name) => new Option(name.replace("-", ", "), name)));
  if (review.gold) byId("reveal").querySelector("[value=always]").remove(); // it would tell the known answers
  byId("view").disabled = review.wide === null;
  byId("view").title = review.wide === null ? "The stamps file holds no wider cutout." : "";
  for (const name of Object.keys(settings)) {
    const values = Array.from(byId(name).options, (option) => option.value);
    const before = remembered(name, settings[name]);
    if (values.includes(before) && !byId(name).disabled) settings[name] = before;
    byId(name).value = settings[name];
    byId(name).addEventListener("change", (event) => {
      change(name, event.target.value);
      event.target.blur(); // so that the next key is a vote again
    });
  }
}

function begin(name) {
  const rater = name.trim();
  remember("rater", rater);
  byId("rater").textContent = rater;
  result.hide();
  desk.begin(rater);
}

function askName() {
  byId("name").value = desk.rater;
  byId("who").showModal();
}

function listen() {
  for (const word of ["real", "bogus", "skip"]) byId(word).addEventListener("click", () => desk.vote(word));
  byId("undo").addEventListener("click", () => desk.undo());
  byId("next").addEventListener("click", () => desk.nextPage());
  byId("end").addEventListener("click", () => result.toggle(desk.rater));
  byId("closer").addEventListener("click", () => zoom.by(2));
  byId("farther").addEventListener("click", () => zoom.by(-2));
  byId("rater").addEventListener("click", askName);
  byId("keys").addEventListener("click", () => byId("help").showModal());
  byId("examples").addEventListener("click", () => desk.teach());
  byId("who").querySelector("form").addEventListener("submit", () => begin(byId("name").value));
  byId("who").addEventListener("close", () => desk.rater || askName());
  document.addEventListener("keydown", pressed);
}

function changed() {
  screen.render();
  if (desk.finished && desk.rater) result.atEnd(desk.rater);
}

async function start() {
  history.replaceState(null, "", location.pathname); // the token stays in the cookie alone
  let review;
  try {
    review = await reach("api/review");
  } catch (error) {
    complain(error.message);
    setTimeout(start, RETRY_MS);
    return;
  }
  complain(null);
  document.title = byId("title").textContent = `Review of ${review.survey}${review.simulated ? " (simulated)" : ""}`;
  offerSettings(review);
  screen = new Screen(review, settings);
  const outbox = new Outbox(review.fingerprint, {
    saved: (vote, answer) => desk.saved(vote, answer),
    changed: (waiting, trouble) => screen.showWaiting(waiting, trouble),
  });
  const isHere = (item) => screen.isHere(item);
  const progressed = (progress) => screen.showProgress(progress);
  desk = new Desk({ outbox, settings, isHere, changed, progressed, complained: complain });
  screen.draws(desk);
  screen.showWaiting(outbox.waiting().length, null);
  zoom = new Zoom(screen.box);
  result = new Result(outbox, (item) => screen.missedCard(item));
  byId("names").replaceChildren(...review.raters.map((name) => new Option(name)));
  byId("examples").hidden = review.examples === 0;
  listen();
  const rater = remembered("rater", "");
  if (rater) begin(rater);
  else askName();
}

start();
