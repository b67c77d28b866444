// What is on the screen: cards, buttons, reasons, progress.

import { makeCard, described, Pictures } from "./card.js";

const byId = (name) => document.getElementById(name);

export class Screen {
  constructor(review, settings) {
    Object.assign(this, { review, settings });
    this.box = byId("candidates");
    this.pictures = new Pictures((address) => {
      if (this.desk.visible.some((item) => this.imageOf(item) === address)) this.render();
    });
    this.seen = 0; // the last vote that the progress counts
    this.frameCrop();
  }

  // Cards are drawn of this desk from now on.
  draws(desk) {
    this.desk = desk;
    byId("tags").replaceChildren(...this.review.tags.map((tag, index) => this.tagButton(tag, index)));
  }

  isWide() {
    return this.settings.view === "wide" && this.review.wide !== null;
  }

  imageOf(item) {
    const kind = this.isWide() ? this.review.wide.digest : this.review.fingerprint;
    return `images/${kind}/${item.row}-${this.settings.stretch}.png`;
  }

  isHere(item) {
    return this.pictures.has(this.imageOf(item));
  }

  render() {
    const { desk, box, settings } = this;
    const focused = box.contains(document.activeElement) && document.activeElement.matches(".card");
    box.className = settings.layout;
    document.body.dataset.layout = settings.layout;
    document.body.dataset.lesson = desk.lesson.length > 0;
    box.dataset.wide = this.isWide();
    box.replaceChildren(...desk.visible.map((item, index) => this.card(item, index)));
    if (focused) box.children[desk.chosen]?.focus();
    desk.watch();
    this.showButtons();
    if (desk.finished) box.textContent = "There is nothing left for you to vote on. Thank you!";
    const last = desk.done.at(-1);
    const spoken = settings.layout === "one" && last && !desk.lesson.length;
    byId("last").textContent = spoken ? `last: ${last.id}, ${described(last, settings.reveal)}` : "";
    desk.ahead.forEach((item) => this.isHere(item)); // asks for the images that come next
  }

  card(item, index) {
    const { desk, settings } = this;
    const { stretch, reveal } = settings;
    const current = desk.lesson.length ? index === 0 : index === desk.chosen;
    const node = makeCard(item, { address: this.imageOf(item), here: this.isHere(item), current, stretch, reveal });
    if (!desk.lesson.length) node.addEventListener("click", (event) => event.target.closest("a") || this.choose(index));
    return node;
  }

  // The card of a stamp that the rater took for another class.
  missedCard(item) {
    const { stretch, reveal } = this.settings;
    return makeCard(item, { address: this.imageOf(item), here: true, current: false, stretch, reveal });
  }

  choose(index) {
    this.desk.choose(index);
    this.box.children[this.desk.chosen]?.focus();
  }

  move(key) {
    const tops = Array.from(this.box.children, (node) => node.offsetTop);
    const columns = tops.filter((top) => top === tops[0]).length;
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[key];
    if (this.desk.shown[this.desk.chosen + step]) this.choose(this.desk.chosen + step);
  }

  showButtons() {
    const { desk } = this;
    for (const word of ["real", "bogus", "skip"]) byId(word).disabled = !desk.canVote;
    byId("undo").disabled = desk.done.length === 0 || desk.lesson.length > 0;
    const left = desk.lesson.length;
    byId("next-text").textContent = left > desk.pageSize ? "Next example" : left ? "Begin" : "Next page";
    byId("next").classList.toggle("due", left > 0 || (desk.shown.length > 0 && desk.shown.every((one) => one.vote)));
    byId("lesson").hidden = left === 0;
    byId("lesson").textContent = `Examples with their answers, ${left} to look at. They are not voted on.`;
    for (const button of byId("tags").children) {
      button.setAttribute("aria-pressed", Boolean(desk.current?.tags.includes(button.value)));
      button.disabled = !desk.current;
    }
  }

  tagButton(tag, index) {
    const key = document.createElement("kbd");
    key.textContent = index + 1;
    const button = document.createElement("button");
    Object.assign(button, { type: "button", value: tag });
    button.append(tag, " ", key);
    button.addEventListener("click", () => this.desk.toggle(tag));
    return button;
  }

  // Where the stamp is in the wider cutout.
  frameCrop() {
    const { size, wide } = this.review;
    if (wide) this.box.style.setProperty("--crop", `${(100 * size) / wide.size}%`);
  }

  showProgress({ mine, left, my_real, my_bogus, complete, candidates, seen }) {
    if (seen < this.seen) return; // an older answer came later
    this.seen = seen;
    const bars = { mine: [mine, mine + left], all: [complete, candidates] };
    for (const [name, [value, max]] of Object.entries(bars)) {
      byId(name).max = Math.max(max, 1);
      byId(name).value = value;
      byId(`${name}-text`).textContent = `${value} of ${max}`;
    }
    byId("counts").textContent = `${my_real} real, ${my_bogus} bogus`;
  }

  showWaiting(waiting, trouble) {
    const state = byId("saving");
    const votes = waiting === 1 ? "1 vote" : `${waiting} votes`;
    state.textContent = waiting === 0 ? "all votes saved" : trouble ? `${votes} waiting: ${trouble}` : `saving ${votes}`;
    state.classList.toggle("trouble", waiting > 0 && Boolean(trouble));
  }
}

export function complain(message) {
  byId("message").hidden = !message;
  byId("message").textContent = message ? `Cannot load candidates: ${message}. Trying again.` : "";
}
