// A candidate on the screen: its three stamps and what is known of it.

const RETRY_MS = 2000;
const KEPT = 200;

// Images that have come, so that nobody votes on stamps that are not on the screen yet.
export class Pictures {
  // changed() is called when an image has come, or is worth asking for again.
  constructor(changed) {
    this.changed = changed;
    this.images = new Map(); // by address, the oldest first
  }

  // Asks for an image; whether it has come already.
  has(address) {
    let image = this.images.get(address);
    if (!image) {
      image = new Image();
      image.onload = () => this.changed(address);
      image.onerror = () => {
        this.images.delete(address);
        setTimeout(() => this.changed(address), RETRY_MS);
      };
      image.src = address;
      this.images.set(address, image);
      if (this.images.size > KEPT) this.images.delete(this.images.keys().next().value);
    }
    return image.complete && image.naturalWidth > 0;
  }
}

export function makeCard(item, { address, here, current, stretch, reveal }) {
  const node = document.getElementById("card").content.firstElementChild.cloneNode(true);
  const find = (name) => node.querySelector(`.${name}`);
  node.dataset.id = item.id;
  node.dataset.vote = item.answer ?? item.vote ?? "";
  node.tabIndex = current ? 0 : -1;
  if (current) node.setAttribute("aria-current", "true");
  if (!here) node.setAttribute("aria-busy", "true");
  const said = item.answer ? answered(item) : item.vote ? described(item, reveal) : "";
  node.setAttribute("aria-label", `candidate ${item.id}${said && `, ${said}`}`);
  for (const figure of node.querySelectorAll("figure")) {
    const channel = figure.querySelector("figcaption").textContent;
    const image = figure.querySelector("img");
    if (here) image.src = address; // the whole triplet, of which the style shows the channel
    image.alt = `${channel} of candidate ${item.id}, stretched by ${stretch}`;
  }
  find("id").textContent = item.id;
  find("about").textContent = facts(item.about ?? {});
  find("links").replaceChildren(...(item.about?.links ?? []).map(link));
  find("known").textContent = item.answer ? "" : known(item, reveal);
  find("vote").textContent = item.answer ? answered(item) : item.vote ? spoken(item) : "";
  return node;
}

export const described = (item, reveal) => [spoken(item), known(item, reveal)].filter(Boolean).join("; ");

const answered = ({ answer, vote }) => (vote ? `you said ${vote}; it is ${answer}` : `this is ${answer}`);

function spoken({ saved, vote, tags }) {
  return `${saved ? "" : "saving: "}${vote}${tags?.length ? ` (${tags.join(", ")})` : ""}`;
}

function known(item, reveal) {
  if (reveal === "never" || item.label === undefined) return "";
  const label = item.label === "unlabelled" ? "no label before" : `label ${item.label}`;
  return item.score === null ? label : `${label}, score ${item.score.toFixed(3)}`;
}

function facts({ ra, dec, band, magnitude, snr, ccd }) {
  return [
    ra === undefined || dec === undefined ? "" : `RA ${ra.toFixed(5)}\u00b0 Dec ${dec.toFixed(5)}\u00b0`,
    band === undefined ? "" : `${band} band`,
    magnitude === undefined ? "" : `${magnitude.toFixed(2)} mag`,
    snr === undefined ? "" : `S/N ${snr.toFixed(1)}`,
    ccd === undefined ? "" : `CCD ${ccd}`,
  ]
    .filter(Boolean)
    .join(" \u00b7 ");
}

function link([name, address]) {
  const node = document.createElement("a");
  Object.assign(node, { href: address, target: "_blank", rel: "noopener noreferrer", textContent: name });
  return node;
}
