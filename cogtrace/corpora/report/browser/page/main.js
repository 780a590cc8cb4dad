// The parts together: what is typed, chosen and linked to.

const PAUSE = 30; // milliseconds without a key before a search

class Browser {
  constructor(root, corpus) {
    const find = (name) => root.querySelector(name);
    this._root = root;
    this._corpus = corpus;
    this._search = new Search(corpus);
    this._query = find(".tb-query");
    this._count = find(".tb-count");
    this._clear = find(".tb-clear");
    this._trace = find(".tb-trace");
    this._single = find(".tb-single");
    this._facts = new Facts(root, corpus);
    this._text = new TraceText(find(".tb-body"), (spans) => this._legend.name(spans));
    this._legend = new Legend(root, corpus, this._text);
    this._filters = new Filters(find(".tb-filters"), corpus, () => this._apply());
    this._list = new TraceList(find(".tb-list"), (node, row) => this._fill(node, row),
      (row, opened) => this._choose(row, opened));
    this._listen(find);
    this._apply();
    this._follow();
    const later = window.requestIdleCallback ?? ((work) => setTimeout(work, 200));
    later(() => this._search.prepare());
  }

  _listen(find) {
    this._query.addEventListener("input", () => {
      clearTimeout(this._timer);
      this._timer = setTimeout(() => this._apply(), PAUSE);
    });
    this._clear.addEventListener("click", () => {
      this._reset();
      this._query.focus();
    });
    const unfold = find(".tb-unfold"); // where there is little room
    unfold.addEventListener("click", () => {
      unfold.setAttribute("aria-expanded", String(unfold.getAttribute("aria-expanded") === "false"));
    });
    find(".tb-previous").addEventListener("click", () => this._list.step(-1));
    find(".tb-next").addEventListener("click", () => this._list.step(1));
    find(".tb-back").addEventListener("click", () => this._leave());
    window.addEventListener("hashchange", () => this._follow());
    document.addEventListener("keydown", (event) => this._key(event));
  }

  /** Look again for what is wanted, and show it. */
  _apply() {
    const wanted = { ...this._filters.wanted(), query: this._query.value };
    const rows = this._search.rows(wanted);
    this._terms = termsOf(wanted.query);
    const row = rows.includes(this._row) ? this._row : rows[0];
    this._list.show(rows, row);
    const of = rows.length === this._corpus.size ? "" : ` of ${this._corpus.size.toLocaleString("en")}`;
    this._count.textContent = rows.length
      ? `${rows.length.toLocaleString("en")}${of} ${this._corpus.size === 1 ? "trace" : "traces"}`
      : "No trace matches. Remove a filter or a word.";
    this._clear.hidden = !this._filters.active() && !wanted.query;
    if (row !== undefined) this._show(row);
  }

  _reset() {
    this._query.value = "";
    this._filters.clear();
    this._apply();
  }

  /** A row was chosen by hand: show it, and let the address say so. */
  _choose(row, opened) {
    this._show(row);
    history.replaceState(null, "", address(this._corpus, row));
    if (!opened) return;
    this._root.dataset.view = "trace";
    if (this._trace.getBoundingClientRect().top < 0) this._root.scrollIntoView();
    this._trace.focus({ preventScroll: true });
  }

  _show(row) {
    this._row = row;
    const find = (from, to, most) => this._search.hits(row, this._terms, from, to, most);
    this._facts.show(row);
    this._text.show(this._corpus.text(row), this._corpus.spans(row), find);
    this._legend.show(row);
  }

  /** Go to the trace that the address names. */
  _follow() {
    const row = rowAt(this._corpus, location.hash);
    if (row === undefined) return;
    this._row = row;
    this._apply();
    if (this._list.row !== row) {
      this._row = row;
      this._reset();
    }
    this._root.dataset.view = "trace";
    this._root.scrollIntoView();
  }

  /** From the trace to the list, and from there out of the browser. */
  _leave() {
    this._root.dataset.view = "list";
    this._list.focus();
  }

  _fill(node, row) {
    const head = make("div", "tb-row-head");
    head.append(make("bdi", "tb-id", oneLine(this._corpus.id(row), 80)));
    const outcome = outcomeOf(this._corpus, row);
    if (outcome) head.append(outcome);
    const facts = factsOf(this._corpus, row).join(" · ");
    const shown = plural(this._corpus.shown(row), "element");
    node.append(head, this._excerpt(row), make("div", "tb-row-facts", `${shown} · ${facts}`));
  }

  /** A line of the text, around the first hit if there is one. */
  _excerpt(row) {
    const line = make("div", "tb-excerpt");
    const text = this._corpus.text(row);
    const [hit] = this._search.hits(row, this._terms, 0, text.length, 1);
    if (!hit) {
      line.textContent = oneLine(text, 120);
      return line;
    }
    const from = wholeCharacter(text, Math.max(0, hit[0] - 24));
    const before = printable(text.slice(from, hit[0])).replace(/\s+/g, " ");
    const after = printable(text.slice(hit[1], wholeCharacter(text, hit[1] + 100)));
    line.append(from ? `…${before}` : before,
      make("mark", "tb-hit", printable(text.slice(hit[0], hit[1]))), after.replace(/\s+/g, " "));
    return line;
  }

  /** Single keys work while the focus is in the browser, or nowhere, and can be switched off. */
  _key(event) {
    const { target, key } = event;
    const inside = this._root.contains(target);
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (key === "Escape" && inside) this._escape(target);
    if (!this._single.checked || !(inside || (target === document.body && this._inSight()))) return;
    if (target.matches("input:not([type=checkbox]), select, textarea")) return;
    const keys = {
      j: () => this._list.step(1),
      k: () => this._list.step(-1),
      "/": () => this._query.focus(),
    };
    if (!(key in keys)) return;
    event.preventDefault();
    keys[key]();
  }

  _escape(target) {
    if (this._trace.contains(target) || target === this._query) this._leave();
    else target.blur();
  }

  _inSight() {
    const { top, bottom } = this._root.getBoundingClientRect();
    return top < window.innerHeight && bottom > 0;
  }
}

async function begin() {
  const root = document.getElementById("trace-browser");
  const status = root.querySelector(".tb-count");
  try {
    new Browser(root, await unpack(document.getElementById("trace-data").textContent));
    root.dataset.ready = "yes";
    performance.mark("traces-ready");
  } catch (error) {
    status.textContent = `The traces cannot be shown by this web browser (${error.message}).`;
    throw error;
  }
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
else begin();
