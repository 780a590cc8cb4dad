"use strict";
(() => {
  const root = document.documentElement;

  // Themes: as the system has it, or as the reader wants it.
  const button = document.getElementById("theme");
  const names = { auto: "Theme: as the system", light: "Theme: light", dark: "Theme: dark" };
  const order = Object.keys(names);
  const remembered = () => {
    try {
      return localStorage.getItem("cogtrace-theme");
    } catch {
      return null; // some browsers keep nothing for pages from disk; the choice lasts as long as the page
    }
  };
  const choose = (theme) => {
    if (theme === "auto") root.removeAttribute("data-theme");
    else root.dataset.theme = theme;
    button.dataset.now = theme;
    button.textContent = names[theme];
    try {
      localStorage.setItem("cogtrace-theme", theme);
    } catch {
      return; // see above
    }
  };
  const first = remembered();
  choose(order.includes(first) ? first : "auto");
  button.addEventListener("click", () => {
    choose(order[(order.indexOf(button.dataset.now) + 1) % order.length]);
  });
  button.hidden = false;

  // Tables as CSV. Numbers come as they were computed, not as they are shown.
  const field = (value) => (/[",\n\r]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
  const cell = (node) => {
    if (node.dataset.name !== undefined) return node.dataset.name;
    if (node.dataset.v !== undefined) return node.dataset.v;
    const text = node.textContent;
    return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text; // text must not be run by a spreadsheet
  };
  const csv = (table) =>
    [...table.rows]
      .map((row) => [...row.cells].map((node) => field(cell(node))).join(",") + "\r\n")
      .join("");
  for (const save of document.querySelectorAll("button.csv")) {
    const table = save.closest(".data").querySelector("table");
    save.hidden = false;
    save.addEventListener("click", () => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob(["\ufeff", csv(table)], { type: "text/csv" }));
      link.download = `${table.dataset.csv}.csv`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    });
  }

  // Where in the page one is.
  const links = new Map(
    [...document.querySelectorAll("nav a")].map((link) => [link.getAttribute("href").slice(1), link]),
  );
  const seen = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        for (const link of links.values()) link.removeAttribute("aria-current");
        links.get(entry.target.id)?.setAttribute("aria-current", "true");
      }
    },
    { rootMargin: "-20% 0px -70% 0px" },
  );
  for (const section of document.querySelectorAll("main > section")) seen.observe(section);
})();
