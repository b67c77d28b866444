// How a rater does: accuracy on stamps with known answers, and speed.

import { reach } from "./outbox.js";

const byId = (name) => document.getElementById(name);

export class Result {
  // cardOf(item) makes the card of a stamp that the rater took for another class.
  constructor(outbox, cardOf) {
    Object.assign(this, { outbox, cardOf });
    this.node = byId("result");
    this.told = ""; // the rater who has seen it at the end
  }

  hide() {
    this.open = false;
    this.node.hidden = true;
  }

  // At the end, once for each rater.
  async atEnd(rater) {
    if (this.told === rater) return;
    this.told = rater;
    await this.show(rater);
  }

  toggle(rater) {
    if (this.open) this.hide();
    else this.show(rater);
  }

  async show(rater) {
    this.open = true;
    let found = null;
    await this.outbox.send(); // or the last votes would not count
    try {
      found = await reach(`api/result?${new URLSearchParams({ rater })}`);
    } catch (error) {
      byId("result-text").textContent = `Your results cannot be loaded: ${error.message}.`;
    }
    if (!this.open) return;
    if (found) byId("result-text").textContent = sentence(found);
    byId("missed").replaceChildren(...(found?.missed ?? []).map((item) => this.cardOf(item)));
    byId("missed-title").hidden = !found?.missed.length;
    this.node.hidden = false;
    byId("result-title").focus({ preventScroll: true });
    this.node.scrollIntoView({ block: "start" });
  }
}

function sentence({ votes, skips, gold_seen, gold_right, median_seconds }) {
  const speed = median_seconds === null ? "" : `, in ${median_seconds.toFixed(1)} s each (median)`;
  const given = `${votes === 1 ? "1 vote" : `${votes} votes`}, ${skips} of them skips${speed}.`;
  if (gold_seen === 0) return `${given} No stamp with a known answer was among what you saw.`;
  const share = Math.round((100 * gold_right) / gold_seen);
  return `${given} Of ${gold_seen} stamps with a known answer, your first word was right on ${gold_right} (${share}%).`;
}
