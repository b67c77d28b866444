// Enlarging all three stamps at once, about a point: by wheel, keys or two fingers.

const STEP = 1.25;
const MOST = 10;

export class Zoom {
  // `box` holds the cards, and gets the zoom as properties of its style.
  constructor(box) {
    this.box = box;
    this.fingers = new Map(); // by pointer
    this.reset();
    box.addEventListener("wheel", (event) => this.turned(event), { passive: false });
    box.addEventListener("pointerdown", (event) => this.touched(event));
    box.addEventListener("pointermove", (event) => this.touched(event));
    for (const end of ["pointerup", "pointercancel", "pointerleave"]) {
      box.addEventListener(end, (event) => this.fingers.delete(event.pointerId));
    }
  }

  reset() {
    this.set(1);
  }

  // In steps, about the centre unless a point is given, in percent of a stamp.
  by(steps, point = null) {
    this.set(this.scale * STEP ** steps, point);
  }

  set(scale, point = null) {
    const before = this.scale ?? 1;
    this.scale = Math.min(Math.max(scale, 1), MOST);
    // about one point as long as stamps are enlarged, so that what is looked at does not run away
    if (before === 1 || this.scale === 1) this.point = point ?? [50, 50];
    const { style } = this.box;
    style.setProperty("--zoom", this.scale);
    style.setProperty("--x", `${this.point[0]}%`);
    style.setProperty("--y", `${this.point[1]}%`);
    this.box.dataset.zoom = this.scale.toFixed(2);
  }

  turned(event) {
    const stamp = event.target.closest(".window");
    if (!stamp || event.ctrlKey || this.box.className === "grid") return; // which scrolls
    event.preventDefault();
    const frame = stamp.getBoundingClientRect();
    const point = [(event.clientX - frame.left) / frame.width, (event.clientY - frame.top) / frame.height];
    this.by(-Math.sign(event.deltaY), point.map((part) => Math.round(100 * part)));
  }

  touched(event) {
    if (event.pointerType !== "touch" || !event.target.closest(".window")) return;
    if (event.type === "pointermove" && !this.fingers.has(event.pointerId)) return;
    const before = this.spread();
    this.fingers.set(event.pointerId, [event.clientX, event.clientY]);
    if (event.type === "pointermove" && before) this.set((this.scale * this.spread()) / before);
  }

  spread() {
    const [one, other] = [...this.fingers.values()];
    return other ? Math.hypot(one[0] - other[0], one[1] - other[1]) : 0;
  }
}
