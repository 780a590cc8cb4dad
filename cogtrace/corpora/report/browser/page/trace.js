// The text of a trace with its spans: a part of it at a time, and what is pointed at.

const FIRST = 20000; // UTF-16 units shown at first; each "more" adds as much as is there
const BEFORE = 2000; // shown before a place that was jumped to
const MOST_HITS = 500; // marked in the part that is shown

class TraceText {
  /** `pointed(spans)` hears of spans under the pointer or the focus, shortest first. */
  constructor(body, pointed) {
    this._body = body;
    this._box = body.querySelector(".tb-text");
    this._earlier = body.querySelector(".tb-earlier");
    this._later = body.querySelector(".tb-later");
    this._pointed = pointed;
    this._marked = [];
    this.hidden = new Set(); // numbers of elements
    this._earlier.addEventListener("click", () => this._moreBefore());
    this._later.addEventListener("click", () => {
      this._to = this._whole(this._to + (this._to - this._from));
      this.draw();
    });
    for (const kind of ["pointerover", "focusin", "click"]) {
      this._box.addEventListener(kind, (event) => this._point(event.target));
    }
    this._box.addEventListener("keydown", (event) => this._key(event));
  }

  /** Show a text from its beginning, or from around the first hit. `find` gives hits. */
  show(text, spans, find) {
    this._text = text;
    this._spans = spans;
    this._find = find;
    const [hit] = find(0, text.length, 1);
    this._window(hit && hit[0] > FIRST - BEFORE ? hit[0] : 0);
    this.draw();
    this._body.scrollTop = 0;
    const node = hit && this._box.querySelector(".tb-hit");
    if (node && scrolls(this._body)) centre(this._body, node);
  }

  draw() {
    const spans = this._spans.filter((span) => !this.hidden.has(span.element));
    this.deeper = !layOut(spans);
    const hits = this._find(this._from, this._to, MOST_HITS);
    const lines = linesOf(this._text, this._from, this._to);
    this._shown = spans;
    this._pieces = stretches(this._from, this._to, spans, hits, lines);
    this._nodes = [];
    this._marked = [];
    this._box.replaceChildren(...this._lines(new Set(lines)));
    const stop = this._box.querySelector("[tabindex]");
    if (stop) stop.tabIndex = 0;
    this._say(this._earlier, this._from, "earlier");
    this._say(this._later, this._text.length - this._to, "more");
  }

  /** Bring a span into sight and mark it. */
  jump(span) {
    if (span.start < this._from || span.start >= this._to) {
      this._window(span.start);
      this.draw();
    }
    const number = this._pieces.findIndex((piece) => piece.end > span.start);
    const node = this._nodes[number];
    if (!(node instanceof HTMLElement)) return;
    if (scrolls(this._body)) centre(this._body, node);
    else node.scrollIntoView({ block: "center" });
    this._stop(node);
    this.mark([span]);
  }

  /** Tint all stretches of these spans, which stand in order of their starts. */
  mark(spans) {
    for (const node of this._marked) node.style.removeProperty("background-color");
    this._marked = [];
    let next = 0;
    let reach = -1;
    let paint = "";
    this._pieces.forEach((piece, number) => {
      for (; next < spans.length && spans[next].start <= piece.start; next += 1) {
        if (spans[next].end > reach) {
          reach = spans[next].end;
          paint = colour(spans[next].element);
        }
      }
      if (reach < piece.end || !piece.depth) return;
      const node = this._nodes[number];
      node.style.setProperty("background-color", `color-mix(in srgb, ${paint} 22%, transparent)`);
      this._marked.push(node);
    });
  }

  /** The spans of an element, shown or not. */
  of(element) { return this._spans.filter((span) => span.element === element); }

  /** Each line of the text as a block, as high as the underlines in it need. */
  _lines(ends) {
    const found = [];
    let first = 0;
    this._pieces.forEach((piece, number) => {
      if (!ends.has(piece.end) && number + 1 < this._pieces.length) return;
      const pieces = this._pieces.slice(first, number + 1);
      const lanes = pieces.reduce((most, one) => Math.max(most, one.deepest), 0);
      const line = make("div", "tb-text-line");
      if (lanes) line.style.setProperty("--depth", `${lanes * PITCH}px`);
      for (const one of pieces) this._nodes.push(this._node(one, this._nodes.length, lanes));
      line.append(...this._nodes.slice(first));
      found.push(line);
      first = number + 1;
    });
    return found;
  }

  _node(piece, number, lanes) {
    const shown = printable(this._text.slice(piece.start, piece.end));
    if (!piece.depth && !piece.isHit) return document.createTextNode(shown);
    const node = make(piece.isHit ? "mark" : "span", piece.isHit ? "tb-hit" : "", shown);
    if (!piece.depth) return node;
    node.classList.add("tb-span");
    node.dataset.piece = String(number);
    if (piece.begins) {
      node.tabIndex = -1;
      node.setAttribute("role", "mark");
      node.setAttribute("aria-describedby", "tb-card");
    }
    underline(node, piece, lanes);
    return node;
  }

  _point(target) {
    const node = target.closest(".tb-span");
    if (!node) return;
    const piece = this._pieces[Number(node.dataset.piece)];
    const found = this._shown
      .filter((span) => span.start <= piece.start && span.end >= piece.end)
      .sort((a, b) => a.end - a.start - (b.end - b.start));
    this.mark(found.slice(0, 1));
    this._pointed(found);
  }

  _key(event) {
    const change = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!change || event.ctrlKey || event.metaKey || event.altKey) return;
    const stops = [...this._box.querySelectorAll("[tabindex]")];
    const node = stops[stops.indexOf(document.activeElement) + change];
    event.preventDefault();
    if (!node) return;
    this._stop(node);
    node.focus();
  }

  /** Let Tab lead to this place of the text. */
  _stop(node) {
    for (const other of this._box.querySelectorAll('[tabindex="0"]')) other.tabIndex = -1;
    if (node.hasAttribute("tabindex")) node.tabIndex = 0;
  }

  _moreBefore() {
    const height = this._body.scrollHeight;
    this._from = this._whole(Math.max(0, this._from - (this._to - this._from)));
    this.draw();
    this._body.scrollTop += this._body.scrollHeight - height;
  }

  _window(place) {
    this._from = this._whole(Math.max(0, place - BEFORE));
    this._to = this._whole(this._from + FIRST);
  }

  _whole(offset) { return wholeCharacter(this._text, Math.min(offset, this._text.length)); }

  _say(button, left, what) {
    button.hidden = left === 0;
    button.textContent = `Show ${what} (${left.toLocaleString("en")} characters)`;
  }
}

/** The ends of the lines between two places, after their line breaks. */
function linesOf(text, from, to) {
  const ends = [];
  for (let at = text.indexOf("\n", from); at >= 0 && at < to; at = text.indexOf("\n", at + 1)) {
    ends.push(at + 1);
  }
  return ends;
}

function scrolls(box) { return box.scrollHeight > box.clientHeight + 1; }

function centre(box, node) {
  const [outer, inner] = [box.getBoundingClientRect(), node.getBoundingClientRect()];
  box.scrollTop += inner.top - outer.top - outer.height / 3;
}
