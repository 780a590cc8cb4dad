// The list of traces: only the rows in sight are on the page.

const SPARE = 6; // rows kept above and below

class TraceList {
  /** `fill(node, row)` writes a row's content; `chosen(row, opened)` hears of a choice. */
  constructor(box, fill, chosen) {
    this._box = box;
    this._fill = fill;
    this._chosen = chosen;
    this._rows = [];
    this._at = -1; // position of the selected row
    this._nodes = new Map(); // by position
    this._run = make("div", "tb-run");
    this._run.setAttribute("role", "presentation");
    box.append(this._run);
    this._measure();
    box.addEventListener("scroll", () => this._later(), { passive: true });
    box.addEventListener("keydown", (event) => this._key(event));
    this._run.addEventListener("click", (event) => {
      const node = event.target.closest("[role=option]");
      if (node) this.select(Number(node.dataset.position), true);
    });
    new ResizeObserver(() => { this._measure(); this._draw(); }).observe(box);
  }

  get row() { return this._rows[this._at]; }
  get size() { return this._rows.length; }

  /** Show these rows; `row` is selected, if it is among them. */
  show(rows, row) {
    this._rows = rows;
    this._at = rows.indexOf(row);
    for (const node of this._nodes.values()) node.remove();
    this._nodes.clear();
    this._run.style.height = `${rows.length * this._height}px`;
    if (this._at <= 0) this._box.scrollTop = 0;
    this._reveal();
  }

  /** Select the row at a position, and say so; `opened`: it was asked for with a click. */
  select(position, opened = false) {
    if (!this._rows.length) return;
    this._at = Math.max(0, Math.min(position, this._rows.length - 1));
    this._reveal();
    this._chosen(this.row, opened);
  }

  step(change) { this.select(this._at + change); }

  focus() {
    this._reveal(); // it may not have been on show
    this._box.focus({ preventScroll: true });
  }

  _key(event) {
    const page = Math.max(1, Math.floor(this._box.clientHeight / this._height) - 1);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in steps) this.step(steps[event.key]);
    else if (event.key === "Home") this.select(0);
    else if (event.key === "End") this.select(this._rows.length - 1);
    else if (event.key === "Enter" || event.key === " ") this.select(this._at, true);
    else return;
    event.preventDefault();
  }

  _measure() {
    const probe = make("div", "tb-row");
    this._run.append(probe);
    this._height = probe.offsetHeight || this._height || 72;
    probe.remove();
    this._run.style.height = `${this._rows.length * this._height}px`;
  }

  _reveal() {
    const top = this._at * this._height;
    const room = this._box.clientHeight;
    if (this._at >= 0 && room) {
      if (top < this._box.scrollTop) this._box.scrollTop = top;
      else if (top + this._height > this._box.scrollTop + room) {
        this._box.scrollTop = top + this._height - room;
      }
    }
    this._draw();
  }

  _later() {
    if (this._waiting) return;
    this._waiting = true;
    requestAnimationFrame(() => { this._waiting = false; this._draw(); });
  }

  _draw() {
    const first = Math.max(0, Math.floor(this._box.scrollTop / this._height) - SPARE);
    const seen = Math.ceil(this._box.clientHeight / this._height) + 2 * SPARE;
    const last = Math.min(this._rows.length, first + seen);
    for (const [position, node] of this._nodes) {
      if (position < first || position >= last) {
        node.remove();
        this._nodes.delete(position);
      }
    }
    for (let position = first; position < last; position += 1) {
      if (!this._nodes.has(position)) this._nodes.set(position, this._add(position));
      const selected = position === this._at;
      this._nodes.get(position).setAttribute("aria-selected", String(selected));
    }
    if (this._nodes.has(this._at)) {
      this._box.setAttribute("aria-activedescendant", this._nodes.get(this._at).id);
    } else this._box.removeAttribute("aria-activedescendant");
  }

  _add(position) {
    const node = make("div", "tb-row");
    node.id = `tb-row-${position}`;
    node.dataset.position = String(position);
    node.setAttribute("role", "option");
    node.setAttribute("aria-posinset", String(position + 1));
    node.setAttribute("aria-setsize", String(this._rows.length));
    node.style.transform = `translateY(${position * this._height}px)`;
    this._fill(node, this._rows[position]);
    this._run.append(node);
    return node;
  }
}
