// What is on a rater's desk: candidates on the screen, ahead and done, and what a vote does to them.

import { reach } from "./outbox.js";

const RETRY_MS = 2000;
const IDLE_MS = 5000;
const GRID_SIZE = 12;

export class Desk {
  // `settings` has layout and reveal. isHere(item): whether its stamps are on the screen; changed() redraws;
  // progressed(progress) and complained(message or null) tell what the server says.
  constructor({ outbox, settings, isHere, changed, progressed, complained }) {
    Object.assign(this, { outbox, settings, isHere, changed, progressed, complained });
    this.rater = "";
    this.calls = 0;
    this.clear();
  }

  clear() {
    this.shown = []; // {id, row, tags}, after a vote also {vote, key, saved, label, score}
    this.ahead = []; // candidates that come next
    this.done = []; // candidates the rater has voted on, the latest last
    this.lesson = []; // examples that are still to be looked at
    this.chosen = 0; // which of the shown gets the next vote
    this.exhausted = false; // the server has no more for this rater
    this.timed = null; // the candidate whose time is taken, and since when
  }

  get pageSize() {
    return this.settings.layout === "grid" ? GRID_SIZE : 1;
  }

  get visible() {
    return this.lesson.length ? this.lesson.slice(0, this.pageSize) : this.shown;
  }

  get current() {
    return this.lesson.length ? undefined : this.shown[this.chosen];
  }

  get canVote() {
    return Boolean(this.rater) && this.current !== undefined && this.isHere(this.current);
  }

  get finished() {
    return this.exhausted && this.visible.length === 0;
  }

  // ---- talking to the server

  async begin(rater) {
    this.clear();
    this.rater = rater;
    this.changed();
    await this.outbox.send();
    const last = await reach(`api/last?${new URLSearchParams({ rater })}`).catch(() => []);
    if (this.rater !== rater) return;
    this.done = last.map((item) => ({ ...item, tags: [], saved: true })).reverse();
    const progress = await this.fill();
    if (this.rater === rater && progress?.mine === 0) await this.teach();
  }

  async teach() {
    const { rater } = this;
    const lesson = await reach("api/examples").catch(() => []);
    if (this.rater !== rater) return;
    this.lesson = lesson.map((item) => ({ ...item, tags: [] }));
    this.changed();
  }

  // Gets candidates ahead of need. Of two calls the later counts: rater or settings may have changed between.
  async fill() {
    clearTimeout(this.retry);
    const call = ++this.calls;
    const enough = 2 * this.pageSize + 4;
    let progress = null;
    if (this.ahead.length < enough / 2) {
      const { rater } = this;
      const query = new URLSearchParams({ rater, count: enough, reveal: this.settings.reveal === "always" });
      this.held().forEach((id) => query.append("held", id));
      try {
        const answer = await reach(`api/queue?${query}`);
        if (call !== this.calls) return null;
        const known = new Set(this.held());
        const fresh = answer.candidates.filter((item) => !known.has(item.id));
        this.ahead.push(...fresh.map((item) => ({ ...item, tags: [] })));
        this.exhausted = answer.candidates.length < enough;
        progress = answer.progress;
        this.progressed(progress);
        this.complained(null);
      } catch (error) {
        this.complained(error.message);
        this.retry = setTimeout(() => this.fill(), RETRY_MS);
        return null;
      }
    }
    this.topUp();
    // A rater who is done sees what the others do, and gets a candidate that one of them takes back.
    if (this.finished) this.retry = setTimeout(() => this.fill(), IDLE_MS);
    return progress;
  }

  held() {
    return [...this.shown, ...this.ahead].map((item) => item.id).concat(this.outbox.ids());
  }

  saved(vote, answer) {
    if (vote.rater !== this.rater) return;
    this.progressed(answer.progress);
    const item = this.done.find((one) => one.key === vote.key);
    if (item) Object.assign(item, answer.candidate, { saved: true });
    this.changed();
  }

  // ---- voting

  // Takes the time from when a candidate is the current one, with its stamps on the screen.
  watch() {
    const id = this.canVote ? this.current.id : null;
    if (id !== this.timed?.id) this.timed = { id, since: performance.now() };
  }

  vote(word) {
    if (!this.canVote) return;
    const item = this.current;
    const seconds = Math.round(performance.now() - this.timed.since) / 1000;
    const key = this.outbox.add(this.rater, item.id, word, { tags: item.tags, seconds });
    Object.assign(item, { vote: word, key, saved: false });
    this.done = [...this.done.filter((one) => one.id !== item.id), item];
    this.timed = null;
    if (this.pageSize === 1) this.nextPage();
    else {
      const open = this.shown.findIndex((one, index) => index > this.chosen && !one.vote);
      this.chosen = open >= 0 ? open : Math.max(0, this.shown.findIndex((one) => !one.vote));
      this.changed();
    }
  }

  undo() {
    const item = this.lesson.length ? undefined : this.done.pop();
    if (!item) return;
    this.outbox.add(this.rater, item.id, "undo");
    const { id, row, about, tags } = item;
    const blind = { id, row, about, tags };
    const place = this.shown.findIndex((one) => one.id === id);
    if (place >= 0) this.shown[place] = blind;
    else {
      this.shown.unshift(blind);
      this.ahead.unshift(...this.shown.splice(this.pageSize).filter((one) => !one.vote));
    }
    this.ahead = this.ahead.filter((one) => one.id !== id);
    this.chosen = Math.max(place, 0);
    this.changed();
  }

  toggle(tag) {
    if (!this.current) return;
    const { tags } = this.current;
    this.current.tags = tags.includes(tag) ? tags.filter((one) => one !== tag) : [...tags, tag];
    this.changed();
  }

  // Voted candidates leave the screen, the others stay; so do examples that have been seen.
  nextPage() {
    if (this.lesson.length) {
      this.lesson.splice(0, this.pageSize);
      this.changed();
      return;
    }
    this.shown = this.shown.filter((one) => !one.vote);
    this.chosen = 0;
    this.topUp();
    this.fill();
  }

  topUp() {
    const open = this.shown.every((one) => !one.vote);
    if (open) this.shown.push(...this.ahead.splice(0, Math.max(0, this.pageSize - this.shown.length)));
    this.changed();
  }

  choose(index) {
    this.chosen = Math.min(Math.max(index, 0), this.shown.length - 1);
    this.changed();
  }

  // The layout is another.
  relay() {
    if (this.pageSize === 1) this.shown = this.shown.filter((one) => !one.vote);
    this.ahead.unshift(...this.shown.splice(this.pageSize));
    this.chosen = 0;
    this.topUp();
    this.fill();
  }

  // What the server said under another setting is forgotten.
  forget() {
    this.shown = [];
    this.ahead = [];
    this.topUp();
    this.fill();
  }
}
