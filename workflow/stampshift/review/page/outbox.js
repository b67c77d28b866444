// Votes on their way to the server. Each stays in the browser's storage, under its own key, until the server
// has answered that it is saved: a closed laptop, a reload or a server that is down lose none.

const RETRY_MS = 2000;
const PATIENCE_MS = 15000;
const NOT_FOUND = 404;

export class Outbox {
  // saved(vote, answer) is called for each saved vote; changed(waiting, trouble) whenever the count of waiting
  // votes or the reason for their waiting changes.
  constructor(fingerprint, { saved, changed }) {
    this.fingerprint = fingerprint;
    this.prefix = `stampshift-vote-${fingerprint}-`;
    this.saved = saved;
    this.changed = changed;
    this.sending = null;
    this.retry = null;
    this.made = 0;
    this.refused = new Map(); // votes that the server has no use for now, with its reason; they stay in storage
    window.addEventListener("online", () => this.send());
  }

  // `more` are the vote's reasons and its time.
  add(rater, id, vote, more = {}) {
    // not randomUUID, which browsers refuse to pages that come over plain HTTP from another machine
    const random = crypto.getRandomValues(new Uint8Array(16));
    const key = Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
    const order = `${String(Date.now()).padStart(15, "0")}-${String(this.made++).padStart(6, "0")}`;
    const entry = { review: this.fingerprint, key, id, rater, vote, ...more };
    localStorage.setItem(`${this.prefix}${order}-${key}`, JSON.stringify(entry));
    this.changed(this.waiting().length, null);
    this.send();
    return key;
  }

  waiting() {
    const names = Array.from({ length: localStorage.length }, (_, index) => localStorage.key(index));
    return names.filter((name) => name.startsWith(this.prefix)).sort();
  }

  ids() {
    return this.waiting().map((name) => JSON.parse(localStorage.getItem(name)).id);
  }

  // Sends what waits, in order; a call while another is at work waits for that one.
  send() {
    this.sending ??= this.empty().finally(() => {
      this.sending = null;
    });
    return this.sending;
  }

  async empty() {
    clearTimeout(this.retry);
    const next = () => this.waiting().find((each) => !this.refused.has(each));
    for (let name = next(); name; name = next()) {
      const vote = JSON.parse(localStorage.getItem(name));
      try {
        const answer = await post(vote);
        localStorage.removeItem(name);
        this.saved(vote, answer);
        this.changed(this.waiting().length, [...this.refused.values()].at(-1) ?? null);
      } catch (error) {
        if (vote.vote === "undo" && error.status === NOT_FOUND) {
          localStorage.removeItem(name); // no vote stands any more, which is what the rater wanted
          this.changed(this.waiting().length, null);
          continue;
        }
        if (error.status === NOT_FOUND) this.refused.set(name, error.message); // of another start of the server
        this.changed(this.waiting().length, error.message);
        if (this.refused.has(name)) continue;
        this.retry = setTimeout(() => this.send(), RETRY_MS);
        return;
      }
    }
  }
}

function post(vote) {
  const headers = { "Content-Type": "application/json" };
  return reach("api/votes", { method: "POST", headers, body: JSON.stringify(vote) });
}

// The JSON that the server answers; an Error with the server's words, or that it is out of reach.
export async function reach(address, options = {}) {
  let response;
  try {
    response = await fetch(address, { ...options, signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch {
    throw new Error("the server cannot be reached");
  }
  const content = await response.json().catch(() => ({}));
  if (!response.ok) {
    const detail = content.detail;
    const words = typeof detail === "string" ? detail : `the server answers ${response.status}`;
    throw Object.assign(new Error(words), { status: response.status });
  }
  return content;
}
