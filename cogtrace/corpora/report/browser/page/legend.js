// The elements of a trace: which are drawn, where they are, and what is pointed at.

const MOST_NAMED = 12; // spans that the card names at one place

class Legend {
  constructor(root, corpus, text) {
    this._corpus = corpus;
    this._text = text;
    this._card = root.querySelector(".tb-card");
    this._list = root.querySelector(".tb-elements");
    this._hint = root.querySelector(".tb-hint");
    this._rest = root.querySelector(".tb-rest");
    root.querySelector(".tb-all").addEventListener("click", () => this._showAll(true));
    root.querySelector(".tb-none").addEventListener("click", () => this._showAll(false));
  }

  show(row) {
    this._signs = this._corpus.scores(row);
    this._explanations = this._corpus.explanations(row);
    this._boxes = new Map();
    this._next = new Map();
    const groups = new Map();
    this._corpus.elements.forEach((element, number) => {
      if (!this._drawable(number)) return;
      const dimension = element.dimension ?? "Elements";
      if (!groups.has(dimension)) groups.set(dimension, []);
      groups.get(dimension).push(this._item(element, number));
    });
    this._list.replaceChildren(...[...groups].flatMap(([dimension, items]) => {
      const list = make("ul", "tb-items");
      list.append(...items);
      return [make("h4", "tb-dimension", oneLine(dimension, 60)), list];
    }));
    this._rest.replaceChildren(...this._others());
    this._card.replaceChildren(make("p", "tb-quiet", groups.size
      ? "Point at an underlined passage, or choose an element."
      : "No element is shown by this trace."));
    this._hintAt();
  }

  /** Say what covers a place. */
  name(spans) {
    const entries = spans.slice(0, MOST_NAMED).map((span) => this._entry(span.element, span));
    const left = spans.length - entries.length;
    if (left > 0) entries.push(make("p", "tb-quiet", `and ${plural(left, "more span")}`));
    this._card.replaceChildren(...entries);
  }

  _drawable(number) {
    return this._signs[number] === PARTIAL || this._signs[number] === PRESENT
      || this._text.of(number).length > 0;
  }

  _item(element, number) {
    const count = this._text.of(number).length;
    const [name, score] = [oneLine(element.name, 60), SCORES.get(this._signs[number]) ?? ""];
    const item = make("li", "tb-item");
    const box = make("input", "tb-check");
    box.type = "checkbox";
    box.checked = !this._text.hidden.has(number);
    box.setAttribute("aria-label", `Show ${name}`);
    box.addEventListener("change", () => this._toggle(number, box.checked));
    const jump = make("button", "tb-jump");
    jump.type = "button";
    if (element.definition) jump.title = oneLine(element.definition, 600);
    jump.setAttribute("aria-label", `${name}, ${score}, ${plural(count, "span")}: go to the next`);
    jump.append(swatch(number), make("span", "tb-name", name), make("span", "tb-quiet", score),
      make("span", "tb-number", String(count)));
    jump.addEventListener("click", () => this._jump(number));
    for (const kind of ["pointerenter", "focus"]) {
      jump.addEventListener(kind, () => this._text.mark(this._text.of(number)));
    }
    item.append(box, jump);
    this._boxes.set(number, box);
    return item;
  }

  _toggle(number, shown) {
    if (shown) this._text.hidden.delete(number);
    else this._text.hidden.add(number);
    this._text.draw();
    this._hintAt();
  }

  _showAll(shown) {
    for (const [number, box] of this._boxes) {
      box.checked = shown;
      if (shown) this._text.hidden.delete(number);
      else this._text.hidden.add(number);
    }
    this._text.draw();
    this._hintAt();
  }

  _jump(number) {
    const spans = this._text.of(number);
    if (!spans.length) {
      this._card.replaceChildren(this._entry(number, null));
      return;
    }
    if (this._text.hidden.has(number)) {
      this._boxes.get(number).checked = true;
      this._toggle(number, true);
    }
    const at = this._next.get(number) ?? 0;
    this._next.set(number, (at + 1) % spans.length);
    this._text.jump(spans[at]);
    this._card.replaceChildren(
      this._entry(number, spans[at]), make("p", "tb-quiet", `${at + 1} of ${spans.length}`));
  }

  _entry(number, span) {
    const entry = make("div", "tb-entry");
    const title = make("p", "tb-strong");
    title.append(swatch(number), oneLine(this._corpus.elements[number].name, 60));
    const facts = [SCORES.get(this._signs[number])];
    if (span?.confidence != null) facts.push(`confidence ${span.confidence.toFixed(2)}`);
    facts.push(span ? `by ${oneLine(span.source, 60)}` : "no span");
    entry.append(title, make("p", "tb-quiet", facts.filter(Boolean).join(" · ")));
    const why = this._explanations.get(number);
    if (why) {
      const prose = make("p", "tb-prose");
      prose.append(...bounded(why));
      entry.append(prose);
    }
    return entry;
  }

  /** What was asked about and is not there, or got no answer. */
  _others() {
    const kinds = [[ABSENT, "absent"], [UNANSWERED, "without a usable answer"]];
    return kinds.flatMap(([sign, title]) => {
      const numbers = [...this._signs].flatMap((found, number) =>
        (found === sign && !this._drawable(number) ? [number] : []));
      if (!numbers.length) return [];
      const details = make("details", "tb-others");
      const list = make("ul", "tb-plain");
      for (const number of numbers) {
        const why = this._explanations.get(number);
        const name = oneLine(this._corpus.elements[number].name, 60);
        list.append(make("li", "", why ? `${name}: ${oneLine(why, 600)}` : name));
      }
      details.append(make("summary", "", `${numbers.length} ${title}`), list);
      return [details];
    });
  }

  _hintAt() { this._hint.hidden = !this._text.deeper; }
}

function swatch(number) {
  const node = make("span", "tb-swatch");
  node.setAttribute("aria-hidden", "true");
  node.style.setProperty("background-image", stroke(number));
  return node;
}
