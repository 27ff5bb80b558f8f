/* Keyboard, CSRF on htmx requests, suggestions. Pages work without this file. */
"use strict";
(() => {
  const typing = (element) => element.closest("input, select, textarea, [contenteditable]");

  const move = (step) => {
    const rows = [...document.querySelectorAll("tr[data-row]")];
    if (!rows.length) return;
    const at = rows.findIndex((row) => row.classList.contains("current"));
    const next = rows[Math.min(rows.length - 1, Math.max(0, at + step))];
    rows.forEach((row) => row.classList.remove("current"));
    next.classList.add("current");
    next.querySelector("a")?.focus();
    next.scrollIntoView({ block: "nearest" });
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const search = document.getElementById("search");
    if (event.key === "Escape") {
      const list = document.getElementById("suggestions");
      if (list?.childElementCount) { list.replaceChildren(); search?.focus(); return; }
      if (typing(event.target)) { event.target.blur(); return; }
      const back = document.querySelector("a[data-back]");
      if (back) back.click();
      return;
    }
    if (search && event.target === search && event.key === "ArrowDown") {
      document.querySelector("#suggestions a")?.focus();
      event.preventDefault();
      return;
    }
    const option = event.target.closest?.("#suggestions a");
    if (option && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      const other = event.key === "ArrowDown" ? option.nextElementSibling : option.previousElementSibling;
      (other ?? search).focus();
      event.preventDefault();
      return;
    }
    if (typing(event.target)) return;
    if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else {
      const target = document.querySelector(`[data-shortcut="${CSS.escape(event.key.toLowerCase())}"]`);
      if (!target) return;
      event.preventDefault();
      if (target.matches("a, button")) target.click(); else { target.focus(); target.select?.(); }
    }
  });

  document.addEventListener("click", (event) => {
    const row = event.target.closest("tr[data-row]");
    if (row && !event.target.closest("a, button, input, summary, label") && !getSelection().toString()) {
      location.assign(row.dataset.row);
    }
    document.querySelectorAll("details.person-menu[open]").forEach((menu) => {
      if (!menu.contains(event.target)) menu.removeAttribute("open");
    });
    if (!event.target.closest(".search")) document.getElementById("suggestions")?.replaceChildren();
    if (event.target.closest("[data-print]")) window.print();
  });

  document.addEventListener("htmx:config:request", (event) => {
    const token = document.querySelector('input[name="csrf_token"]')?.value;
    if (token) event.detail.ctx.request.headers["X-CSRF-Token"] = token;
  });

  document.querySelectorAll("details[data-fold]").forEach((details) => details.removeAttribute("open"));
})();
