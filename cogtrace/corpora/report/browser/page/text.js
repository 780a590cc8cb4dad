// Text that is safe to show, and offsets into it. Same rules as cogtrace/printable.py.

const HIDDEN = /(?![\n\t])[\p{Cc}\p{Cf}\p{Cs}]/gu;
const SURROGATE = /[\ud800-\udfff]/;

/** Control characters become their pictures; marks that reorder or hide text, escapes. */
function printable(text) {
  return text.replace(HIDDEN, (char) => {
    const code = char.codePointAt(0);
    if (code < 32) return String.fromCharCode(0x2400 + code);
    return code === 127 ? "\u2421" : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}

/** One printable line of at most so many characters. */
function oneLine(text, longest) {
  const start = text.slice(0, wholeCharacter(text, 4 * longest));
  const line = printable(start.replace(/\s+/g, " ").trim());
  return line.length > longest ? `${line.slice(0, wholeCharacter(line, longest - 1))}…` : line;
}

/** A function from offsets in code points to offsets in UTF-16 units, for these offsets. */
function unitsOf(text, offsets) {
  if (!SURROGATE.test(text)) return (offset) => offset;
  const wanted = [...new Set(offsets)].sort((a, b) => a - b);
  const found = new Map();
  let points = 0;
  let unit = 0;
  for (const offset of wanted) {
    for (; points < offset; points += 1) unit += text.codePointAt(unit) > 0xffff ? 2 : 1;
    found.set(offset, unit);
  }
  return (offset) => found.get(offset);
}

/** The offset itself, or the one before where it would cut a character in two. */
function wholeCharacter(text, offset) {
  const code = text.charCodeAt(offset);
  return offset > 0 && code >= 0xdc00 && code <= 0xdfff ? offset - 1 : offset;
}

/** Lower case, unit by unit: offsets into the result are offsets into the text. */
function folded(text) {
  const lower = text.toLowerCase();
  if (lower.length === text.length) return lower;
  return Array.from(text, (char) => {
    const small = char.toLowerCase();
    return small.length === char.length ? small : char;
  }).join("");
}

function plural(count, noun) {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

/** An element of the page with a class and, as text only, its content. */
function make(tag, name, content = "") {
  const node = document.createElement(tag);
  node.className = name;
  node.textContent = content;
  return node;
}
